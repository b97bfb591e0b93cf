/**
 * State shared between a cell's object and its views in front ends. A view opens a comm to `srft.widget` with the id it
 * found in the notebook; so a page that was reloaded, or a second browser, finds the living object again, and code that
 * a view runs comes from this process, never from the notebook's file.
 *
 * Messages to a view: `{ op: "state", state, source? }` first and whenever a change was refused, `{ op: "patch", state,
 * bundle }`, `{ op: "kept", bundle }` after its own change, `{ op: "custom", content }`. From a view: `{ op: "set",
 * state }`, `{ op: "custom", content }`. `bundle` is what the notebook's file shall show from now on.
 */

import { AsyncResource } from "node:async_hooks";
import { randomUUID } from "node:crypto";
import type { MimeBundle } from "../link.ts";
import type { Comm, CommEvent, TargetHandler } from "../user/comms.ts";

/** The comm target of all widgets. */
export const widgetTarget = "srft.widget";

export type State = Readonly<Record<string, unknown>>;

export interface ModelOptions {
  readonly state: State;
  /** What a change from a front end becomes; undefined refuses it. Default: as it is. */
  readonly accept?: (change: State) => State | undefined;
  /** The JavaScript module that draws it; controls we know need none. */
  readonly source?: string;
  /** What the notebook's file shows. */
  readonly bundle: (model: Model) => MimeBundle;
}

/** Shared state. */
export interface Model {
  readonly id: string;
  readonly state: State;
  /** Changes fields, tells every view, and calls those who listen. */
  set(change: State): void;
  /** Calls the function after every change, in the cell that names it; gives a function that stops this. */
  onChange(handler: (change: State) => unknown): () => void;
  send(content: unknown, buffers?: readonly Uint8Array[]): void;
  onMessage(handler: (content: unknown, buffers: readonly Uint8Array[]) => unknown): void;
}

interface Entry {
  readonly model: Model;
  open(comm: Comm): void;
  receive(comm: Comm, event: CommEvent): void;
  readonly views: Set<Comm>;
}

/**
 * Answers the views of one user process.
 *
 * @param register Names who answers a comm target.
 * @example
 * const open = createModels(() => {});
 * const model = open({ state: { value: 1 }, bundle: () => ({}) });
 * model.set({ value: 2 });
 * model.state; // { value: 2 }
 */
export function createModels(register: (target: string, handler: TargetHandler) => void) {
  const entries = new Map<string, Entry>();
  register(widgetTarget, (comm, { data }) => {
    const { id } = (data ?? {}) as { readonly id?: unknown };
    const entry = entries.get(String(id));
    if (!entry) return comm.close({ error: `no widget ${id}` });
    comm.onMessage((event) => entry.receive(comm, event));
    comm.onClose(() => entry.views.delete(comm));
    return entry.open(comm);
  });
  return (options: ModelOptions): Model => {
    const entry = entryOf(options);
    entries.set(entry.model.id, entry);
    return entry.model;
  };
}

function entryOf({ state: initial, accept = (change) => change, source, bundle }: ModelOptions): Entry {
  const id = randomUUID();
  const views = new Set<Comm>();
  const listeners = new Set<(change: State) => unknown>();
  let hear: (content: unknown, buffers: readonly Uint8Array[]) => unknown = () => {};
  let state = copy(initial);
  const change = (wanted: State, from?: Comm) => {
    const next = Object.entries(copy(wanted)).filter(([name, value]) => !isSame(state[name], value));
    if (next.length === 0) return;
    const changed = Object.fromEntries(next);
    state = { ...state, ...changed };
    const shown = bundle(model);
    for (const view of views)
      view.send(view === from ? { op: "kept", bundle: shown } : { op: "patch", state: changed, bundle: shown });
    for (const listener of listeners) listener(changed);
  };
  const model: Model = {
    id,
    get state() {
      return state;
    },
    set: (wanted) => change(wanted),
    onChange(handler) {
      const bound = inThisCell(handler);
      listeners.add(bound);
      return () => listeners.delete(bound);
    },
    send(content, buffers) {
      for (const view of views) view.send({ op: "custom", content }, buffers);
    },
    onMessage(handler) {
      hear = inThisCell(handler);
    },
  };
  const whole = () => ({ op: "state", state, ...(source === undefined ? {} : { source }) });
  return {
    model,
    views,
    open(comm) {
      views.add(comm);
      comm.send(whole());
    },
    receive(comm, { data, buffers }) {
      const { op, state: wanted, content } = (data ?? {}) as { op?: string; state?: State; content?: unknown };
      if (op === "custom") hear(content, buffers);
      if (op !== "set" || wanted === null || typeof wanted !== "object") return;
      const accepted = accept(wanted);
      if (accepted) change(accepted, comm);
      else comm.send(whole());
    },
  };
}

const copy = (state: State): State => JSON.parse(JSON.stringify(state)) as State;
const isSame = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

/**
 * Throws unless a handler is a function.
 *
 * @throws {TypeError} If it is not.
 * @example
 * checkHandler(() => {}); // nothing
 */
export function checkHandler(handler: unknown): void {
  if (typeof handler !== "function") throw new TypeError(`onChange: expected a function but found ${typeof handler}`);
}

/** A handler's output, and its failure, belong to the cell that named it. */
function inThisCell<Args extends unknown[]>(handler: (...args: Args) => unknown): (...args: Args) => void {
  checkHandler(handler);
  const run = AsyncResource.bind(async (...args: Args) => void (await handler(...args)));
  return (...args) => void run(...args);
}
