/**
 * Process C: knows the types of a notebook. It never runs user code; it answers one request after the other, and one
 * that comes up too late to be of use is skipped.
 */

import { CellSyntaxError } from "../cell/cell.ts";
import { cellFile, commitCell, isCheckable } from "./cells.ts";
import { completions, type Match, type Spot } from "./completion.ts";
import { createEngine, type Diagnostic, rootFiles } from "./engine.ts";
import { type Inspection, inspection } from "./inspection.ts";
import { isMistake, type Texts } from "./leniency.ts";
import { createHistory, scopeFile } from "./scope.ts";
import { type Place, placeOf, toUnits, withoutFiles } from "./text.ts";

/** Something the type checker finds wrong; `start` and `end` are places in the cell. */
export interface TypeProblem {
  readonly start: Place;
  readonly end: Place;
  /** Number of the message, for example 2322. */
  readonly code: number;
  readonly severity: "error" | "warning" | "information";
  readonly message: string;
}

/** What the supervisor asks; `deadline` is a time of Date.now(). */
export type ToLanguage =
  | { readonly op: "commit"; readonly source: string; readonly id: number }
  | { readonly op: "check"; readonly request: number; readonly deadline: number; readonly source: string }
  | {
      readonly op: "complete" | "inspect";
      readonly request: number;
      readonly deadline: number;
      readonly code: string;
      readonly cursor: number;
      readonly detail: 0 | 1;
    };

/** What it hears. */
export type FromLanguage =
  | { readonly op: "ready" }
  | { readonly op: "answer"; readonly request: number; readonly answer: Answer };

type Answer = readonly TypeProblem[] | readonly Match[] | Inspection | "absent";

/**
 * Messages that are no mistake of the author's: top-level await where the folder's settings forbid it (1309, 1375, 1378,
 * 1432), import = require (1202), import.meta (1470), packages without types (7016), JSX without types (2874, 2875, 7026).
 */
const ignoredCodes = new Set([1202, 1309, 1375, 1378, 1432, 1470, 2874, 2875, 7016, 7026]);

const engine = createEngine(process.cwd());
const typing = engine.config === undefined ? "loose" : "strict";
const history = createHistory(typing);
let scope: string | undefined;
let isPreparing = false;
const shown = new Set<string>();

process.on("message", (message: ToLanguage) => {
  if (message.op === "commit") return commit(message.source, message.id);
  const isLate = Date.now() > message.deadline;
  send({ op: "answer", request: message.request, answer: isLate ? "absent" : answerOrAbsent(message) });
});
process.on("disconnect", () => process.exit());
process.on("exit", () => {
  if (process.platform !== "win32") process.kill(-process.pid, "SIGKILL"); // the compiler outlives a polite signal
});
show({ name: rootFiles[0], text: cellFile("", history, { name: "__srft_cell" }).text }).program.getSemanticDiagnostics(
  engine.path(rootFiles[0]),
);
send({ op: "ready" });

function send(message: FromLanguage) {
  process.send!(message);
}

function commit(source: string, id: number) {
  try {
    commitCell(source, id, history);
    if (!isPreparing) setImmediate(prepare);
    isPreparing = true;
  } catch (error) {
    if (!(error instanceof CellSyntaxError || isOverflow(error))) throw error;
  }
}

/** While the author thinks, the compiler takes in what the cell declared. */
function prepare() {
  isPreparing = false;
  showHistory();
  engine.view();
}

/** A walk over a tree that is deep but could be parsed. */
const isOverflow = (error: unknown) => error instanceof RangeError && /call stack/.test(error.message);

function answerOrAbsent(message: Exclude<ToLanguage, { op: "commit" }>): Answer {
  try {
    return answer(message);
  } catch (error) {
    if (isOverflow(error)) return "absent";
    throw error;
  }
}

function answer(message: Exclude<ToLanguage, { op: "commit" }>): Answer {
  if (!isCheckable(message.op === "check" ? message.source : message.code)) return "absent";
  if (message.op === "check") return check(message.source);
  const spot = spotOf(message.code, message.cursor);
  return message.op === "complete" ? completions(spot) : inspection(spot, engine.view(), message.detail);
}

/** Files of the history never change under a name; one that exports nothing leaves the scope, and the program, as it was. */
function showHistory() {
  const { name, text } = scopeFile(history);
  if (text === scope) return;
  scope = text;
  for (const name of shown) if (!history.files.has(name)) hide(name);
  for (const [name, text] of history.files) if (!shown.has(name)) engine.set(name, text);
  for (const name of history.files.keys()) shown.add(name);
  engine.set(name, text);
}

function hide(name: string) {
  shown.delete(name);
  engine.set(name, undefined);
}

function show(file: { name: string; text: string }) {
  showHistory();
  for (const name of rootFiles) engine.set(name, name === file.name ? file.text : "export {}");
  return engine.view();
}

function check(source: string): TypeProblem[] {
  try {
    const file = cellFile(source, history, { name: "__srft_cell" });
    const found = show(file).program.getSemanticDiagnostics(engine.path(file.name));
    const isOwn = ({ pos, code }: Diagnostic) =>
      pos >= file.start && pos <= file.start + source.length && !ignoredCodes.has(code);
    const texts = textsFor(source, file);
    const shown = (diagnostic: Diagnostic) => typing === "strict" || isMistake(diagnostic, texts);
    return found
      .filter(isOwn)
      .filter(shown)
      .map((diagnostic) => problem(diagnostic, source, file.start));
  } catch (error) {
    if (error instanceof CellSyntaxError) return [];
    throw error;
  }
}

/** What the messages about a cell may speak of: the cell and those before it. */
function textsFor(source: string, file: { readonly name: string; readonly text: string }): Texts {
  const known = (path: string) =>
    path === engine.path(file.name) ? file.text : [...history.files].find(([name]) => engine.path(name) === path)?.[1];
  return {
    after: (path, position) => known(path)?.slice(position),
    cells: () => [source, ...history.files.values()],
  };
}

function problem(diagnostic: Diagnostic, source: string, start: number): TypeProblem {
  const message = withoutFiles(messageLines(diagnostic, 0).join("\n"));
  const place = (at: number) => placeOf(source, Math.min(at - start, source.length));
  const isCarried = diagnostic.code === 2632;
  return {
    start: place(diagnostic.pos),
    end: place(diagnostic.end),
    code: isCarried ? 2588 : diagnostic.code,
    severity: (["warning", "error"] as const)[diagnostic.category as number] ?? "information",
    message: isCarried ? message.replace("an import", "a constant") : message,
  };
}

const messageLines = ({ text, messageChain = [] }: Diagnostic, depth: number): string[] => [
  `${"  ".repeat(depth)}${text}`,
  ...messageChain.flatMap((inner) => messageLines(inner, depth + 1)),
];

function spotOf(code: string, cursor: number): Spot {
  const file = cellFile(code, history, { name: "__srft_cell", mentions: "all", dialect: "cell.ts" });
  const { checker } = show(file);
  return { checker, file: engine.path(file.name), history, code, at: toUnits(code, cursor), start: file.start };
}
