/** The display functions every cell has: display, clearOutput, html, md, svg, latex, progress. */

import type { MimeBundle, Output } from "../link.ts";
import { alreadyShown, displayBundle, displaySymbol, escapeHtml } from "./display.ts";
import type { Follower } from "./follow-drawings.ts";

/** How the globals reach their cell. */
export interface DisplayPort {
  /** The cell whose code is running, also after it ended. */
  cell(): number;
  send(output: Output): void;
  /** Keeps the cell open until a bundle that is still being made is shown. */
  hold(work: Promise<unknown>): void;
  /** Follows figures with their static drawings. */
  readonly follower: Pick<Follower, "show" | "forget">;
}

/** A display that can change. */
export interface DisplayHandle {
  readonly id: string;
  /**
   * Shows another value in its place, wherever it is shown. After a reload of JupyterLab's page the output stands still: a
   * notebook's file has no place for the display's id, by which an update finds it. A live chart finds its output again.
   */
  update(value: unknown): void;
}

/** Something with its own MIME bundle. */
export interface Displayable {
  [displaySymbol](): MimeBundle;
}

interface DisplayOptions {
  /** Name under which the display can be updated; a fresh one without. */
  readonly id?: string;
  /** The value is itself a MIME bundle. */
  readonly raw?: true;
  readonly metadata?: MimeBundle;
}

/**
 * Makes the display functions for one user process.
 *
 * @example
 * const { display } = displayGlobals(port);
 * display("started", { id: "state" }).update("done");
 */
export function displayGlobals(port: DisplayPort) {
  let created = 0;
  const show = (value: unknown, target: { id: string; update?: true } & DisplayOptions) => {
    const { id, update, metadata = {} } = target;
    const cell = port.cell();
    const send = (data: MimeBundle) => {
      port.send({ op: "display", cell, data, metadata, id, ...(update ? { update } : {}) });
      if (!target.raw) port.follower.show({ cell, id, data, metadata, isUpdate: update === true });
    };
    const bundle = target.raw ? (value as MimeBundle) : displayBundle(value);
    if (bundle instanceof Promise) port.hold(bundle.then(send));
    else send(bundle);
  };
  const showNew = (value: unknown, options: DisplayOptions = {}): DisplayHandle => {
    const id = options.id ?? `display-${process.pid}-${++created}`;
    show(value, { ...options, id });
    return visible({ id, update: (next: unknown) => show(next, { ...options, id, update: true }) });
  };
  const update = (id: string, value: unknown, options: Omit<DisplayOptions, "id"> = {}) =>
    show(value, { ...options, id, update: true });
  const display = Object.assign(showNew, { update });
  const clearOutput = ({ wait = false } = {}) => {
    port.follower.forget(port.cell());
    port.send({ op: "clear", cell: port.cell(), wait });
  };
  const progress = <Item>(work: number | Iterable<Item> | AsyncIterable<Item>, options: ProgressOptions = {}) =>
    typeof work === "number" ? counter(display, work, options) : steps(display, work, options);
  return { display, clearOutput, progress, html, md, svg, latex };
}

const visible = <Handle extends object>(handle: Handle): Handle =>
  Object.defineProperty(handle, alreadyShown, { value: true });

type Template = string | TemplateStringsArray;

/** HTML: markup as an argument is taken as it is; values in a template are escaped unless they are `html` themselves. */
export const html = (template: Template, ...values: unknown[]) => rich("text/html", template, values, htmlValue);

/** Markdown, as a function or as a template. */
export const md = (template: Template, ...values: unknown[]) => rich("text/markdown", template, values, String);

/** An SVG drawing, as a function or as a template. */
export const svg = (template: Template, ...values: unknown[]) => rich("image/svg+xml", template, values, htmlValue);

/** TeX, as a function or as a template. */
export const latex = (template: Template, ...values: unknown[]) => rich("text/latex", template, values, String);

function rich(mime: string, template: Template, values: unknown[], toText: (value: unknown) => string): Displayable {
  const text = typeof template === "string" ? template : String.raw({ raw: template }, ...values.map(toText));
  return { [displaySymbol]: () => ({ [mime]: text, "text/plain": text }) };
}

function htmlValue(value: unknown): string {
  if (Array.isArray(value)) return value.map(htmlValue).join("");
  const inner = (value as Partial<Displayable> | null)?.[displaySymbol]?.()["text/html"];
  return typeof inner === "string" ? inner : escapeHtml(String(value));
}

interface ProgressOptions {
  readonly label?: string;
  /** Number of steps, where the iterable does not tell. */
  readonly total?: number;
}

type Display = (value: unknown) => DisplayHandle;

/** Shows how many of `total` are done and how long the rest takes; changes at most ten times a second. */
function counter(display: Display, total: number, { label = "" }: ProgressOptions) {
  const start = performance.now();
  let done = 0;
  let shown = start;
  const state = () => progressBundle({ done, total, label, seconds: (performance.now() - start) / 1000 });
  const handle = display(state());
  const to = (next: number) => {
    done = next;
    if (done < total && performance.now() - shown < 100) return;
    shown = performance.now();
    handle.update(state());
  };
  return visible({ update: to, tick: (by = 1) => to(done + by), finish: () => handle.update(state()) });
}

async function* steps<Item>(display: Display, work: Iterable<Item> | AsyncIterable<Item>, options: ProgressOptions) {
  const { length, size } = work as { length?: number; size?: number };
  const bar = counter(display, options.total ?? length ?? size ?? Number.POSITIVE_INFINITY, options);
  try {
    for await (const item of work) {
      yield item;
      bar.tick();
    }
  } finally {
    bar.finish();
  }
}

interface ProgressState {
  readonly done: number;
  readonly total: number;
  readonly label: string;
  readonly seconds: number;
}

function progressBundle({ done, total, label, seconds }: ProgressState): Displayable {
  const known = Number.isFinite(total);
  const left = known && done > 0 && done < total ? `, ${duration((seconds / done) * (total - done))} left` : "";
  const text = `${label && `${label} `}${done}${known ? `/${total}` : ""} in ${duration(seconds)}${left}`;
  const bar = known ? `<progress max="${total}" value="${done}"></progress> ` : "";
  return { [displaySymbol]: () => ({ "text/html": `${bar}${escapeHtml(text)}`, "text/plain": text }) };
}

const duration = (seconds: number) => {
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
};
