/** What each model says of one token, side by side: its numbers, and its likeliest tokens where they are known. */

import { visibleText } from "../../text.ts";
import { element } from "../elements.ts";
import type { Column, HeatMap } from "../read-payload.ts";
import { classOf, labelOf, shortNumber } from "../values.ts";

interface Token {
  readonly row: number;
  readonly piece: number;
}

/** A table with a column a model. */
export function detailsTable(map: HeatMap, { columns, token }: { columns: readonly Column[]; token: Token }) {
  const { row } = token;
  const head = ["", ...columns.map(labelOf)].map((name) => element("th", { scope: "col", dir: "auto" }, name));
  const numbers = (name: string, of: (column: Column) => string) =>
    tableRow(
      name,
      columns.map((column) => [of(column)]),
    );
  const rows = [
    numbers("log-probability", ({ logprobs }) => `${shortNumber(logprobs[row]!)} nats (${percent(logprobs[row]!)})`),
    numbers("change", (column) => (column.isBase ? "" : `${shortNumber(column.deltaLogprobs[row]!)} nats`)),
    numbers("rank of this token", ({ ranks }) => shortNumber(ranks[row]!)),
    numbers("entropy", ({ entropies }) => `${shortNumber(entropies[row]!)} nats`),
    numbers("KL(model‖base)", (column) => (column.isBase ? "" : `${shortNumber(column.kl[row]!)} nats`)),
    numbers("first choice", (column) => firstChoice(map, { column, row })),
    ...topRows(map, { columns, token }),
  ];
  const advantage = map.advantages?.[row];
  const title = [`token ${row}: `, element("code", { dir: "auto" }, visibleText(map.pieces[token.piece]!))];
  if (advantage !== undefined) title.push(`, advantage ${shortNumber(advantage)}`);
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows));
  return [element("div", {}, ...title), table];
}

/** One line for those who listen. */
export function spoken(map: HeatMap, { columns, token }: { columns: readonly Column[]; token: Token }): string {
  const { row, piece } = token;
  const changes = columns
    .filter(({ isBase }) => !isBase)
    .map((column) => `${labelOf(column)} ${shortNumber(column.deltaLogprobs[row]!)}, ${classOf(column, row) ?? ""}`);
  return `${visibleText(map.pieces[piece]!)}: ${changes.join("; ")}`;
}

function topRows(map: HeatMap, { columns, token }: { columns: readonly Column[]; token: Token }) {
  const most = Math.max(0, ...columns.map(({ top }) => top?.count ?? 0));
  return Array.from({ length: most }, (_, k) =>
    tableRow(
      `likeliest ${k + 1}`,
      columns.map(({ top }) => {
        if (top === undefined || k >= top.count) return [];
        const at = token.row * top.count + k;
        const [piece, logprob] = [top.pieces[at]!, top.logprobs[at]!];
        const bar = element("span", { class: "bar", "aria-hidden": "true" });
        bar.style.width = `${(60 * share(logprob)).toFixed(1)}px`;
        const name = element("code", { class: piece === token.piece ? "chosen" : "", dir: "auto" });
        name.textContent = visibleText(map.pieces[piece]!);
        return [bar, `${percent(logprob)} `, name];
      }),
    ),
  );
}

function tableRow(name: string, cells: readonly (readonly (Node | string)[])[]) {
  return element("tr", {}, element("th", { scope: "row" }, name), ...cells.map((cell) => element("td", {}, ...cell)));
}

function firstChoice({ pieces }: HeatMap, { column, row }: { column: Column; row: number }) {
  const piece = column.firstChoices?.[row];
  const shown = piece === undefined ? "" : `${visibleText(pieces[piece]!)} `;
  if (column.isBase) return shown;
  const name = classOf(column, row);
  return `${shown}(base rank ${shortNumber(column.baseRanks[row]!)}${name === undefined ? "" : `, ${name}`})`;
}

const share = (logprob: number) => (Number.isNaN(logprob) ? 0 : Math.min(Math.exp(logprob), 1));

const percent = (logprob: number) =>
  Number.isNaN(logprob) ? "unknown" : `${Number((100 * share(logprob)).toPrecision(3))} %`;
