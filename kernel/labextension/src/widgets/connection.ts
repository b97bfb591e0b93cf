/**
 * A widget's state in this page: one comm to the kernel for all views of a widget, so that they stay in step, closed when
 * the last view goes. The messages are told in kernel/widgets/model.ts.
 */

import type { KernelComm, KernelConnection, KernelMessage } from "@jupyterlab/notebook";

export type State = Readonly<Record<string, unknown>>;
export type Buffers = readonly DataView[];

/** What a connection tells its views. */
export interface Listener {
  changed?(change: State): void;
  custom?(content: unknown, buffers: Buffers): void;
  /** The kernel answered for the first time, or is gone. */
  live?(isLive: boolean): void;
  /** The output as it shall stand in the notebook's file from now on. */
  kept?(bundle: State): void;
}

/** The page's end of one widget. */
export interface Connection {
  readonly state: State;
  readonly isLive: boolean;
  /** The module that draws it; controls have none. */
  readonly source: string | undefined;
  /** Changes fields here and in the kernel; every other view hears of it. */
  set(change: State, from?: Listener): void;
  send(content: unknown, buffers?: readonly ArrayBufferView[]): void;
  /** Joins; gives a function that leaves. */
  join(listener: Listener): () => void;
}

const pages = new WeakMap<KernelConnection, Map<string, Connection>>();

/** Milliseconds between two changes that are sent, as while a slider is dragged; the last one always is. */
const interval = 40;

/** The connection to a widget of a kernel, made on first use. */
export function connect(kernel: KernelConnection, id: string): Connection {
  const known = pages.get(kernel) ?? new Map<string, Connection>();
  pages.set(kernel, known);
  const connection = known.get(id) ?? open(kernel, { id, forget: () => known.delete(id) });
  known.set(id, connection);
  return connection;
}

function open(kernel: KernelConnection, { id, forget }: { id: string; forget: () => void }): Connection {
  const listeners = new Set<Listener>();
  let state: State = {};
  let source: string | undefined;
  let isLive = false;
  let isAnswered = false;
  let unsent: State | undefined;
  let timer = 0;
  const comm: KernelComm = kernel.createComm("srft.widget");
  const tell = (call: (listener: Listener) => void, except?: Listener) => {
    for (const listener of listeners) if (listener !== except) call(listener);
  };
  const apply = (change: State, from?: Listener) => {
    state = { ...state, ...change };
    tell((listener) => listener.changed?.(change), from);
  };
  const end = () => {
    forget();
    clearTimeout(timer);
    if (!isLive) return;
    isLive = false;
    tell((listener) => listener.live?.(false));
  };
  const close = () => {
    forget();
    if (isAnswered && !comm.isDisposed && !kernel.isDisposed) comm.close();
  };
  comm.onMsg = ({ content, buffers = [] }: KernelMessage) => {
    isAnswered = true;
    if (listeners.size === 0) return close(); // all left before the first answer
    const { op, ...message } = content.data as {
      op: string;
      state?: State;
      source?: string;
      bundle?: State;
      content?: unknown;
    };
    if (op === "custom") tell((listener) => listener.custom?.(message.content, buffers.map(viewOf)));
    if (message.state) apply(message.state);
    if (message.bundle) tell((listener) => listener.kept?.(message.bundle!));
    if (op !== "state" || isLive) return;
    source = message.source;
    isLive = true;
    tell((listener) => listener.live?.(true));
  };
  comm.onClose = end;
  kernel.disposed.connect(end);
  kernel.statusChanged.connect((_, status) => {
    if (["restarting", "autorestarting", "dead"].includes(status)) end();
  });
  comm.open({ id });
  const flush = () => {
    timer = 0;
    if (unsent && !comm.isDisposed) comm.send({ op: "set", state: unsent });
    unsent = undefined;
  };
  return {
    get state() {
      return state;
    },
    get isLive() {
      return isLive;
    },
    get source() {
      return source;
    },
    set(change, from) {
      apply(change, from);
      unsent = { ...unsent, ...change };
      timer ||= window.setTimeout(flush, interval);
    },
    send(content, buffers = []) {
      flush();
      if (!comm.isDisposed) comm.send({ op: "custom", content }, {}, buffers);
    },
    join(listener) {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size > 0) return;
        flush();
        close();
      };
    },
  };
}

const viewOf = (bytes: ArrayBuffer | ArrayBufferView) =>
  ArrayBuffer.isView(bytes) ? new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength) : new DataView(bytes);
