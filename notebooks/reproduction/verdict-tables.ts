/** The claims of all notebooks as Markdown: for the report, for README, and for one notebook's long run. */

import type { JudgedClaim } from "../../src/reproduction/claims.ts";
import type { Reproduced } from "./executed.ts";
import { type FullRun, sizeText } from "./full-run.ts";

type FullRuns = ReadonlyMap<string, FullRun>;

/** Claim · paper · independent · ours · verdict · the long run's. */
export function indexTable(all: readonly Reproduced[], full: FullRuns = new Map()): string {
  const head = ["", "claim", "paper", "independent", "ours: mean over seeds, 95 %", "verdict", ...longHead(full)];
  const rows = all.flatMap(({ name, claims }) =>
    claims.map((claim) => {
      const ours = claim.found ? `${claim.measure}: ${intervalText(claim)}` : "–";
      const paper = claim.paper.replace(/^SRFT, arXiv [\dv.]+, /, "");
      const cells = [claim.claim, paper, claim.independent ?? "not found", ours].map(inCell);
      return [name.slice(0, 2), ...cells, `**${claim.verdict}**`, ...longCells({ name, claim, full })];
    }),
  );
  return table({ head, rule: head.map(() => "---"), rows });
}

/** The same without the paper's words: what README shows. */
export function verdictTable(all: readonly Reproduced[], full: FullRuns = new Map()): string {
  const long = longHead(full);
  const rows = all.flatMap(({ name, claims }) =>
    claims.map((claim) => {
      const link = `[${name.slice(0, 2)}](notebooks/${name})`;
      return [link, inCell(claim.claim), intervalText(claim), claim.verdict, ...longCells({ name, claim, full })];
    }),
  );
  const rule = ["---", "---", "---:", "---", ...long.map(() => "---")];
  return table({ head: ["", "claim", "ours, 95 %", "verdict", ...long], rule, rows });
}

/** What a notebook's long run came to, beside its default run; with where it comes from. */
export function fullRunText({ claims }: Reproduced, run: FullRun): string {
  const { package: library, key, node, onnxruntime, date, wallSeconds, cores } = run.provenance;
  const rows = run.claims.map((long) => {
    const here = claims.find(({ id }) => id === long.id);
    const cells = [inCell(long.claim), inCell(long.measure), here ? judged(here) : "–", `**${judged(long)}**`];
    return cells;
  });
  const head = ["claim", "measured", "default run", sizeText(run)];
  const from = `${library} (library, notebook and parameters: ${key}), Node ${node}, ONNX Runtime ${onnxruntime}, ${date}, ${(wallSeconds / 60).toFixed(0)} minutes on ${cores} cores`;
  return `## The long run: ${sizeText(run)}\n\n${table({ head, rule: head.map(() => "---"), rows })}\n\n${from}.\n`;
}

/** One column, called after the size of the long runs; none where there are no long runs. */
function longHead(full: FullRuns): string[] {
  const sizes = new Set([...full.values()].map(sizeText));
  return sizes.size > 0 ? [[...sizes].join("; ")] : [];
}

function longCells({ name, claim, full }: { name: string; claim: JudgedClaim; full: FullRuns }): string[] {
  if (full.size === 0) return [];
  const long = full.get(name)?.claims.find(({ id }) => id === claim.id);
  return [long ? judged(long) : "–"];
}

const judged = (claim: JudgedClaim) => (claim.found ? `${intervalText(claim)}, ${claim.verdict}` : claim.verdict);

const intervalText = ({ found }: JudgedClaim) =>
  found ? `${number(found.mean)} [${number(found.low)}, ${number(found.high)}]` : "–";

function table({ head, rule, rows }: { head: string[]; rule: string[]; rows: string[][] }): string {
  return [head, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`.replace("|  |", "| |")).join("\n");
}

const inCell = (text: string) => text.replace(/[|\n]/g, " ").replace(/</g, "&lt;");

const number = (value: number | null) =>
  value === null || !Number.isFinite(value) ? "∞" : `${Number(value.toPrecision(3))}`;
