/** The model that a widget's own module gets: the part of anywidget's that views use. */

import type { Buffers, Connection, Listener, State } from "./connection.ts";

type Handler = (...args: unknown[]) => void;

/** What `render({ model, el })` is given as `model`. */
export interface ViewModel {
  get(name: string): unknown;
  set(change: string | State, value?: unknown): void;
  save_changes(): void;
  on(events: string, handler: Handler): void;
  off(events?: string | null, handler?: Handler | null): void;
  send(content: unknown, callbacks?: unknown, buffers?: readonly ArrayBufferView[]): void;
}

/** Makes the model of one view; `leave` ends it. */
export function viewModel(connection: Connection): { readonly model: ViewModel; leave(): void } {
  const handlers = new Map<string, Set<Handler>>();
  let staged: State = {};
  const fire = (event: string, ...args: unknown[]) => {
    for (const handler of [...(handlers.get(event) ?? [])]) handler(...args);
  };
  const announce = (change: State) => {
    for (const [name, value] of Object.entries(change)) fire(`change:${name}`, model, value);
    fire("change", model, change);
  };
  const listener: Listener = {
    changed: announce,
    custom: (content: unknown, buffers: Buffers) => fire("msg:custom", content, buffers),
  };
  const model: ViewModel = {
    get: (name) => (name in staged ? staged[name] : connection.state[name]),
    set(change, value) {
      const wanted = typeof change === "string" ? { [change]: value } : change;
      staged = { ...staged, ...wanted };
      announce(wanted);
    },
    save_changes() {
      const change = staged;
      staged = {};
      if (Object.keys(change).length > 0) connection.set(change, listener);
    },
    on(events, handler) {
      for (const event of events.split(/\s+/)) handlers.set(event, (handlers.get(event) ?? new Set()).add(handler));
    },
    off(events, handler) {
      for (const event of events ? events.split(/\s+/) : [...handlers.keys()]) {
        if (handler) handlers.get(event)?.delete(handler);
        else handlers.delete(event);
      }
    },
    send: (content, _callbacks, buffers) => connection.send(content, buffers),
  };
  const leave = connection.join(listener);
  return { model, leave };
}
