/** The texts of a heat map in their scroller, the token that the reader points at, and its details. */

import { type Shade, shadeOf } from "../colors.ts";
import { visibleText } from "../text.ts";
import { detailsTable, spoken } from "./details.ts";
import { element } from "./elements.ts";
import { rowAbove, rowBeside } from "./moves.ts";
import type { HeatMap } from "./read-payload.ts";
import { chunksOf, createPanel, empty, fill, find, type Painter, type Panel, type Place } from "./text-panel.ts";
import { type Choice, classOf, keyOf, labelOf, measureOf, scaleOf, shownColumns } from "./values.ts";

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

/** Everything below the toolbar; `update` draws anew after a choice. */
export function createTexts(map: HeatMap, { choice, laidOut }: Options) {
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
  const status = element("div", { class: "unseen", role: "status" });
  const panels = createPanels(map, { laidOut, scroller });
  let at: At | undefined;

  const paint: Painter = (span, { panel, row }) => paintToken(map, { choice, at }, { span, panel, row });
  const fillPlace = (place: Place) => fill(place, { laidOut, paint });
  const eachFilled = (visit: (span: HTMLElement, token: At) => void) => {
    for (const panel of panels) {
      if (panel.root.hidden) continue;
      for (const { filled, node, first } of panel.places) {
        if (filled)
          for (let i = 0; i < node.children.length; i++)
            visit(node.children[i] as HTMLElement, { panel, row: first + i });
      }
    }
  };
  const pieceAt = (row: number) => {
    const { text } = panels.find((panel) => find(panel, row) !== undefined)!;
    return text.tokens[row - text.first]!;
  };
  const describe = ({ said }: { said: boolean }) => {
    if (at === undefined) return;
    const base = map.columns[0]!;
    const columns = [base, ...shownColumns(map, choice).filter(({ isBase }) => !isBase)];
    const token = { row: at.row, piece: pieceAt(at.row) };
    details.replaceChildren(...detailsTable(map, { columns, token }));
    if (said) status.textContent = spoken(map, { columns, token });
  };
  const update = () => {
    const shown = shownColumns(map, choice);
    for (const panel of panels) {
      const column = shown.find((candidate) => keyOf(candidate) === panel.root.dataset.model);
      panel.root.hidden = column === undefined;
      if (column === undefined || column === panel.column) continue;
      panel.column = column;
      panel.heading.textContent = labelOf(column);
    }
    eachFilled(paint);
    describe({ said: false });
  };
  const point = (next: At, { said }: { said: boolean }) => {
    const before = at;
    at = next;
    for (const row of new Set([before?.row, next.row])) {
      if (row === undefined) continue;
      for (const panel of panels) {
        const span = find(panel, row)?.span;
        if (span) paint(span, { panel, row });
      }
    }
    describe({ said });
  };
  const observer = watch(scroller, { panels, fillPlace, isKept: (place) => holds(place, at) });
  scroller.addEventListener("pointerover", ({ target }) => {
    const found = tokenOf(panels, target);
    if (found && (found.row !== at?.row || found.panel !== at.panel)) point(found, { said: false });
  });
  scroller.addEventListener("keydown", (event) => {
    const next = moved(event, { at, panels, fillPlace });
    if (next === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    point(next, { said: true });
    find(next.panel, next.row)?.span?.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  const fillAll = () => panels.flatMap(({ places }) => places).forEach(fillPlace);
  window.addEventListener("beforeprint", fillAll);
  update();
  fillFirst(panels, fillPlace);
  if (observer === undefined) fillAll();
  const dispose = () => {
    observer?.disconnect();
    window.removeEventListener("beforeprint", fillAll);
  };
  return { nodes: [scroller, details, status], update, dispose };
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

interface Look {
  readonly choice: Choice;
  readonly at: At | undefined;
}

function paintToken(map: HeatMap, { choice, at }: Look, { span, panel, row }: At & { span: HTMLElement }) {
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

function fillFirst(panels: readonly Panel[], fillPlace: (place: Place) => void) {
  let room = filledAtOnce;
  for (const place of panels.filter(({ root }) => !root.hidden).map(({ places }) => places[0])) {
    if (place === undefined || room <= 0) continue;
    fillPlace(place);
    room -= place.end - place.first;
  }
}

/** Fills the places near the view and empties the others; undefined where there is nothing that watches. */
function watch(
  scroller: HTMLElement,
  options: { panels: readonly Panel[]; fillPlace(place: Place): void; isKept(place: Place): boolean },
) {
  if (typeof IntersectionObserver === "undefined") return undefined;
  const { panels, fillPlace, isKept } = options;
  const places = new Map(panels.flatMap((panel) => panel.places.map((place) => [place.node as Element, place])));
  const see = (entries: readonly IntersectionObserverEntry[]) => {
    for (const { target, isIntersecting } of entries) {
      const place = places.get(target)!;
      if (isIntersecting) fillPlace(place);
      else if (!isKept(place)) empty(place);
    }
  };
  const observer = new IntersectionObserver(see, { root: scroller, rootMargin: "250px 0px" });
  for (const node of places.keys()) observer.observe(node);
  return observer;
}

function tokenOf(panels: readonly Panel[], target: EventTarget | null): At | undefined {
  if (!(target instanceof HTMLSpanElement)) return undefined;
  for (const panel of panels) {
    const place = panel.places.find(({ node }) => node === target.parentElement);
    if (place) return { panel, row: place.first + Array.prototype.indexOf.call(place.node.children, target) };
  }
  return undefined;
}

interface Move {
  readonly at: At | undefined;
  readonly panels: readonly Panel[];
  readonly fillPlace: (place: Place) => void;
}

/** Where a key leads; undefined for keys that lead nowhere. */
function moved(event: KeyboardEvent, { at, panels, fillPlace }: Move): At | undefined {
  if (event.altKey || event.ctrlKey || event.metaKey) return undefined;
  const shown = panels.filter(({ root, places }) => !root.hidden && places.length > 0);
  const from = at && shown.includes(at.panel) ? at : undefined;
  const target =
    from === undefined
      ? first(event.key, shown)
      : (rowBeside(from, { key: event.key, shown }) ?? rowAbove(from, { key: event.key, fillPlace }));
  const place = target && find(target.panel, target.row)?.place;
  if (place) fillPlace(place);
  return target;
}

function first(key: string, shown: readonly Panel[]): At | undefined {
  const panel = shown[0];
  return panel && /^(Arrow|Home)/.test(key) ? { panel, row: panel.text.first } : undefined;
}
