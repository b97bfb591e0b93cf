/**
 * Help while a cell is written: first by types, from a process C that this file knows by its interface only, else by
 * the values of the variables, else, while the user process computes, by the names that cells declared.
 */

import { type Completion, completeFromNames } from "./completion.ts";
import type { Executor } from "./executor.ts";
import type { MimeBundle } from "./link.ts";

/** What the type checker has to say of a cell; lines are 1-based, columns 0-based code units. */
export interface Diagnostic {
  readonly severity: "error" | "warning";
  readonly message: string;
  readonly code?: number;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

/** The TypeScript service of process C; offsets are code units. It may be slow, absent or dead: rejections count as no answer. */
export interface Language {
  check(cell: string): Promise<readonly Diagnostic[]>;
  /** A cell ran: later cells see what it declared. */
  accept?(cell: string): void;
  complete(code: string, cursor: number): Promise<Completion | undefined>;
  inspect(code: string, cursor: number, detail: number): Promise<MimeBundle | undefined>;
  close(): Promise<void>;
}

/** How long each answer is waited for, in milliseconds; the sum stays below what a person notices. */
const patience = { types: 80, values: 50 };

/** How long a cell waits for its diagnostics, in milliseconds. */
const checkPatience = 300;

/**
 * Makes the assistant of one kernel.
 *
 * @example
 * const asked = { ask: async () => undefined, names: new Set(["total"]) };
 * (await createAssistant(asked).complete("tot", 3)).matches; // [{ text: "total", type: "instance" }]
 */
export function createAssistant(executor: Pick<Executor, "ask" | "names">, language?: Language) {
  return {
    async complete(code: string, cursor: number): Promise<Completion> {
      const question = { kind: "complete", code, cursor } as const;
      const [typed, valued] = await Promise.all([
        soon(language?.complete(code, cursor), patience.types),
        executor.ask(question, patience.values) as Promise<Completion | undefined>,
      ]);
      if (typed && typed.matches.length > 0) return typed;
      const names = [...executor.names, ...Object.getOwnPropertyNames(globalThis)];
      return valued ?? completeFromNames(names, code, cursor);
    },
    async inspect(code: string, { cursor, detail }: { readonly cursor: number; readonly detail: number }) {
      const question = { kind: "inspect", code, cursor, detail } as const;
      const [typed, valued] = await Promise.all([
        soon(language?.inspect(code, cursor, detail), patience.types),
        executor.ask(question, patience.values) as Promise<MimeBundle | undefined>,
      ]);
      return typed ?? valued;
    },
    /** What the types say of a cell in time; `late` is told what they say afterwards. */
    async check(cell: string, late: (diagnostics: readonly Diagnostic[]) => void): Promise<readonly Diagnostic[]> {
      const checking = language?.check(cell).catch(() => []);
      const known = await soon(checking, checkPatience);
      if (!known) void checking?.then(late);
      return known ?? [];
    },
    accept: (cell: string) => language?.accept?.(cell),
    close: async () => language?.close(),
  };
}

/** Help for one kernel. */
export type Assistant = ReturnType<typeof createAssistant>;

function soon<Value>(work: Promise<Value> | undefined, milliseconds: number): Promise<Value | undefined> {
  if (!work) return Promise.resolve(undefined);
  let timer: NodeJS.Timeout;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, milliseconds, undefined);
  });
  return Promise.race([work.catch(() => undefined), late]).finally(() => clearTimeout(timer));
}
