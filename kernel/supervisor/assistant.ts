/**
 * Help while a cell is written: first by types, from a process C that this file knows by its interface only, else by
 * the values of the variables, else, while the user process computes, by the names that cells declared.
 */

import { setTimeout as delay } from "node:timers/promises";
import type { Executor } from "../executor/executor.ts";
import type { Language, TypeProblem } from "../language/language.ts";
import type { MimeBundle } from "../link.ts";
import { type Completion, completeFromNames } from "../runtime-help/completion.ts";
import { toCodePoints, toCodeUnits } from "./code-points.ts";

/** How long each answer is waited for, in ms: types always, values while a cell runs; less than a person notices. */
const patience = { types: 150, values: 50 };

/** How long a cell waits for its diagnostics, and for the type checker to start; how late they are still told; in ms. */
const checkPatience = { before: 300, start: 5000, late: 10_000 };

/** A cell without these words leaves later cells nothing, and depends on no file. */
const declaring =
  /\b(const|let|var|using|function|class|enum|interface|type|namespace|module|declare|abstract|import|export|require)\b/;

/**
 * Makes the assistant of one kernel.
 *
 * @param language The types; without them values and names must do.
 * @example
 * const asked = { ask: async () => undefined, names: new Set(["total"]) };
 * (await createAssistant(asked).complete("tot", 3)).matches; // [{ text: "total", type: "instance" }]
 */
export function createAssistant(
  executor: Pick<Executor, "ask" | "names">,
  language?: Pick<Language, "check" | "complete" | "inspect" | "commit" | "close" | "ready">,
) {
  let isReady = false;
  /** The last cell, if it was found right and declares nothing: run again at once, it is right again. */
  let settled: string | undefined;
  void language?.ready.then(() => {
    isReady = true;
  });
  const typedCompletion = async (code: string, cursor: number): Promise<Completion | undefined> => {
    const request = { code, cursor: toCodePoints(code, cursor), budget: patience.types };
    const matches = (await language?.complete(request).catch(() => "absent" as const)) ?? "absent";
    if (matches === "absent" || matches.length === 0) return undefined;
    const [start, end] = [matches[0]!.start, matches[0]!.end].map((points) => toCodeUnits(code, points));
    return { matches, start: start!, end: end! };
  };
  const typedInspection = async (code: string, cursor: number, detail: 0 | 1): Promise<MimeBundle | undefined> => {
    const request = { code, cursor: toCodePoints(code, cursor), detail, budget: patience.types };
    const known = (await language?.inspect(request).catch(() => "absent" as const)) ?? "absent";
    return known !== "absent" && known.found ? known.data : undefined;
  };
  return {
    async complete(code: string, cursor: number): Promise<Completion> {
      const question = { kind: "complete", code, cursor } as const;
      const [typed, valued] = await Promise.all([
        typedCompletion(code, cursor),
        executor.ask(question, patience.values) as Promise<Completion | undefined>,
      ]);
      const names = [...executor.names, ...Object.getOwnPropertyNames(globalThis)];
      return merged(typed, valued ?? completeFromNames(names, code, cursor));
    },
    async inspect(code: string, { cursor, detail }: { readonly cursor: number; readonly detail: 0 | 1 }) {
      const question = { kind: "inspect", code, cursor, detail } as const;
      const [typed, valued] = await Promise.all([
        typedInspection(code, cursor, detail),
        executor.ask(question, patience.values) as Promise<MimeBundle | undefined>,
      ]);
      return typed ?? valued;
    },
    /**
     * What the types say of a cell in time; `late` is told what they say afterwards. While the type checker starts, only
     * a cell that is to be refused waits.
     */
    async check(
      cell: { readonly source: string; readonly id: number; readonly types: "error" | "warn" },
      late: (problems: readonly TypeProblem[]) => void,
    ): Promise<readonly TypeProblem[]> {
      if (!language || cell.source === settled) return [];
      const checking = language
        .check(cell.source, { id: cell.id, budget: checkPatience.late })
        .then((problems) => (problems === "absent" ? [] : problems))
        .catch(() => []);
      const wait = isReady ? checkPatience.before : cell.types === "error" ? checkPatience.start : 0;
      const known = await Promise.race([checking, delay(wait, undefined, { ref: false })]);
      if (!known) void checking.then(late);
      settled = known?.length === 0 && !declaring.test(cell.source) ? cell.source : undefined;
      return known ?? [];
    },
    /** A cell ran: later cells see what it declared. */
    commit(source: string, id: number) {
      if (source === settled) return;
      settled = undefined;
      language?.commit(source, id);
    },
    close: async () => language?.close(),
  };
}

/** Typed matches come first; the values know more where a type is open. Both must speak of the same word. */
function merged(typed: Completion | undefined, valued: Completion): Completion {
  if (!typed) return valued;
  if (typed.start !== valued.start) return typed;
  const known = new Set(typed.matches.map(({ text }) => text));
  return { ...typed, matches: [...typed.matches, ...valued.matches.filter(({ text }) => !known.has(text))] };
}

/** Help for one kernel. */
export type Assistant = ReturnType<typeof createAssistant>;
