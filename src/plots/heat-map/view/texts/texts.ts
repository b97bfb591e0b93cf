/** The texts of a heat map in their scroller, the token that the reader points at, and its details. */

import { type Shade, shadeOf } from "../../colors.ts";
import { visibleText } from "../../text.ts";
import { element } from "../elements.ts";
import type { HeatMap } from "../read-payload.ts";
import { type Choice, classOf, keyOf, labelOf, measureOf, scaleOf, shownColumns } from "../values.ts";
import { detailsTable, spoken } from "./details.ts";
import { rowAbove, rowBeside } from "./moves.ts";
import { chunksOf, createPanel, empty, fill, find, type Panel, type Place } from "./text-panel.ts";

const special = /^<\|[^|]*\|>$|^<\/?[a-z_]{1,12}>$|^\[[A-Z]{3,6}\]$/i;
const filledAtOnce = 2500;

interface Options {
  readonly choice: Choice;
  /** The pieces as they are laid out. */
  readonly laidOut: readonly string[];
}

interface At {
  readonly panel: Panel;
  readonly row: number;
}

/** What is below the toolbar, and where the reader is in it. */
interface View extends Options {
  readonly map: HeatMap;
  readonly scroller: HTMLElement;
  readonly details: HTMLElement;
  readonly status: HTMLElement;
  readonly panels: readonly Panel[];
  at: At | undefined;
}

/** Everything below the toolbar; `update` draws anew after a choice. */
export function createTexts(map: HeatMap, options: Options) {
  const parts = createParts();
  const panels = createPanels(map, { laidOut: options.laidOut, scroller: parts.scroller });
  const view: View = { ...options, ...parts, map, panels, at: undefined };
  const stopWatching = watch(view);
  listen(view);
  update(view);
  fillFirst(view);
  return { nodes: Object.values(parts), update: () => update(view), dispose: stopWatching };
}

function createParts() {
  const scroller = element("div", {
    class: "texts",
    tabindex: "0",
    role: "group",
    "aria-label": "Tokens: arrow keys move from token to token",
  });
  const details = element("div", {
    class: "details",
    tabindex: "0",
    role: "region",
    "aria-label": "What each model says of the token",
    "data-hint": "Point at a token, or press the arrow keys in the text, to see what each model says of it.",
  });
  return { scroller, details, status: element("div", { class: "unseen", role: "status" }) };
}

function fillPlace(view: View, place: Place) {
  fill(place, { laidOut: view.laidOut, paint: (span, token) => paintToken(view, { span, ...token }) });
}

/** Shows the chosen checkpoints, measure and classes. */
function update(view: View) {
  const shown = shownColumns(view.map, view.choice);
  for (const panel of view.panels) {
    const column = shown.find((candidate) => keyOf(candidate) === panel.root.dataset.model);
    panel.root.hidden = column === undefined;
    if (column === undefined) continue;
    if (column !== panel.column) panel.heading.textContent = labelOf(column);
    panel.column = column;
    for (const place of panel.places) repaint(view, place);
  }
  describe(view);
}

function repaint(view: View, { panel, node, filled, first }: Place) {
  if (!filled) return;
  for (let i = 0; i < node.children.length; i++) {
    paintToken(view, { span: node.children[i] as HTMLElement, panel, row: first + i });
  }
}

/** Moves the reader to a token; marks it in every panel. */
function point(view: View, next: At) {
  const rows = new Set([view.at?.row ?? next.row, next.row]);
  view.at = next;
  for (const row of rows) {
    for (const panel of view.panels) {
      const span = find(panel, row)?.span;
      if (span) paintToken(view, { span, panel, row });
    }
  }
  describe(view);
}

function describe(view: View) {
  const token = tokenAt(view);
  if (token !== undefined) view.details.replaceChildren(...detailsTable(view.map, token));
}

function tokenAt({ map, choice, at }: View) {
  if (at === undefined) return undefined;
  const { tokens, first } = at.panel.text;
  const tuned = shownColumns(map, choice).filter(({ isBase }) => !isBase);
  return { columns: [map.columns[0]!, ...tuned], token: { row: at.row, piece: tokens[at.row - first]! } };
}

function listen(view: View) {
  const { scroller, status, map } = view;
  scroller.addEventListener("pointerover", ({ target }) => {
    const found = tokenOf(view.panels, target);
    if (found && (found.row !== view.at?.row || found.panel !== view.at.panel)) point(view, found);
  });
  scroller.addEventListener("keydown", (event) => {
    const next = moved(event, view);
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    point(view, next);
    status.textContent = spoken(map, tokenAt(view)!);
    find(next.panel, next.row)?.span?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
}

function createPanels(map: HeatMap, { laidOut, scroller }: { laidOut: readonly string[]; scroller: HTMLElement }) {
  const series = new Map(map.columns.map((column) => [keyOf(column), column]));
  return map.texts.flatMap((text) => {
    const chunks = chunksOf(text, laidOut);
    const panels = [...series.values()].map((column) => createPanel({ text, column, chunks }));
    const prompt = Array.from(text.prompt, (piece) => laidOut[piece]!).join("");
    scroller.append(
      element("h3", { dir: "auto" }, visibleText(text.name).replaceAll("·", " ")),
      element("div", { class: "prompt" }, prompt),
      element("div", { class: "row" }, ...panels.map(({ root }) => root)),
    );
    return panels;
  });
}

function paintToken({ map, choice, at }: View, { span, panel, row }: At & { readonly span: HTMLElement }) {
  const { measure, classes } = choice;
  const { column, text } = panel;
  const shade = shadeOf(measureOf(map, column, { measure, row }), scaleOf(map, measure));
  const category = classOf(column, row);
  const names = [
    special.test(map.pieces[text.tokens[row - text.first]!]!) ? "special" : "",
    category === undefined || classes.has(category) ? "" : "off",
    at?.row !== row ? "" : at.panel === panel ? "at" : "same",
  ];
  const [background, name] = [css(shade), names.filter((part) => part !== "").join(" ")];
  if (span.style.backgroundColor !== background) span.style.backgroundColor = background;
  if (span.className !== name) span.className = name;
}

const css = ({ rgb, opacity }: Shade) => (opacity === 0 ? "" : `rgba(${rgb.join(", ")}, ${opacity})`);

function holds({ panel, first, end }: Place, at: At | undefined) {
  return at !== undefined && at.panel === panel && at.row >= first && at.row < end;
}

function fillFirst(view: View) {
  let room = filledAtOnce;
  for (const { root, places } of view.panels) {
    const [place] = places;
    if (root.hidden || place === undefined || room <= 0) continue;
    fillPlace(view, place);
    room -= place.end - place.first;
  }
}

/** Fills the places near the view and empties the others, fills all for printing; returns what ends it. */
function watch(view: View): () => void {
  const places = new Map(view.panels.flatMap((panel) => panel.places.map((place) => [place.node as Element, place])));
  let isPrinting = false;
  const fillAll = () => {
    isPrinting = true;
    for (const place of places.values()) fillPlace(view, place);
  };
  const printed = () => {
    isPrinting = false;
  };
  const see = (entries: readonly IntersectionObserverEntry[]) => {
    for (const { target, isIntersecting } of entries) {
      const place = places.get(target)!;
      if (isIntersecting) fillPlace(view, place);
      else if (!isPrinting && !holds(place, view.at)) empty(place);
    }
  };
  const observer = new IntersectionObserver(see, { root: view.scroller, rootMargin: "250px 0px" });
  for (const node of places.keys()) observer.observe(node);
  window.addEventListener("beforeprint", fillAll);
  window.addEventListener("afterprint", printed);
  return () => {
    observer.disconnect();
    window.removeEventListener("beforeprint", fillAll);
    window.removeEventListener("afterprint", printed);
  };
}

function tokenOf(panels: readonly Panel[], target: EventTarget | null): At | undefined {
  if (!(target instanceof HTMLSpanElement)) return undefined;
  for (const panel of panels) {
    const place = panel.places.find(({ node }) => node === target.parentElement);
    if (place) return { panel, row: place.first + Array.prototype.indexOf.call(place.node.children, target) };
  }
  return undefined;
}

/** Where a key leads; undefined for keys that lead nowhere. */
function moved(event: KeyboardEvent, view: View): At | undefined {
  if (event.altKey || event.ctrlKey || event.metaKey) return undefined;
  const shown = view.panels.filter(({ root, places }) => !root.hidden && places.length > 0);
  const from = view.at && shown.includes(view.at.panel) ? view.at : undefined;
  const { key } = event;
  const target = from === undefined ? first(key, shown) : rowFrom(view, { from, key, shown });
  const place = target && find(target.panel, target.row)?.place;
  if (place) fillPlace(view, place);
  return target;
}

function rowFrom(view: View, { from, key, shown }: { from: At; key: string; shown: readonly Panel[] }) {
  return rowBeside(from, { key, shown }) ?? rowAbove(from, { key, fillPlace: (place) => fillPlace(view, place) });
}

function first(key: string, shown: readonly Panel[]): At | undefined {
  const panel = shown[0];
  return panel && /^(Arrow|Home)/.test(key) ? { panel, row: panel.text.first } : undefined;
}
