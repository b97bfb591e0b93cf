/** Typed completion: members from the compiler; names in scope from the cells, the globals and the language. */

import { type Checker, CompletionItemKind, SymbolFlags } from "./engine.ts";
import { type CellHistory, hiddenPrefix } from "./scope.ts";
import { identifierBefore, toPoints } from "./text.ts";

/** One way to go on; `type` is a kind of `_jupyter_types_experimental`. */
export interface Match {
  readonly text: string;
  readonly type: string;
  /** First and last + 1 code point of what the text replaces. */
  readonly start: number;
  readonly end: number;
}

/** A request at a place of a cell, and where the cell stands in its file. */
export interface Spot {
  readonly checker: Checker;
  readonly file: string;
  readonly history: CellHistory;
  readonly code: string;
  /** Cursor in the cell, UTF-16 code units. */
  readonly at: number;
  /** Where the cell begins in the file. */
  readonly start: number;
}

const keywords =
  "async await break case catch class const continue debugger default delete do else enum export extends false finally for from function if implements import in instanceof interface let new null of return satisfies static super switch this throw true try type typeof undefined using var void while yield".split(
    " ",
  );

const utilityTypes =
  "Array ArrayLike AsyncIterable Awaited Exclude Extract InstanceType Iterable NonNullable Omit Parameters Partial Pick Promise Readonly Record Required ReturnType".split(
    " ",
  );

/** Names that are looked up for their kind; the rest are said to be variables. */
const mostLookups = 300;

/**
 * What could stand at a place, best first.
 *
 * @returns "absent" where the type to the left of the dot is not known.
 * @example
 * completions(spotOf("policy.sa", 9)); // [{ text: "sample", type: "method", start: 7, end: 9 }, …]
 */
export function completions(spot: Spot): Match[] | "absent" {
  const { code, at } = spot;
  const prefix = identifierBefore(code, at);
  const from = at - prefix.length;
  const range = { start: toPoints(code, from), end: toPoints(code, at) };
  const isMember = /\.\s*$/.test(code.slice(Math.max(0, from - 200), from)) && !/\.\.\.$/.test(code.slice(0, from));
  const found = members(spot) ?? (isMember ? undefined : inScope(spot, prefix));
  if (!found) return "absent";
  return ordered(found, prefix).map(([text, type]) =>
    text.startsWith("?.") ? { text, type, ...range, start: range.start - 1 } : { text, type, ...range },
  );
}

/** The compiler cannot list names in scope without its index of all packages, and says so by an error. */
function members({ checker, file, at, start }: Spot): [string, string][] | undefined {
  try {
    const info = checker.getCompletionsAtPosition(file, start + at);
    if (!info || info.entries.length === 0) return undefined;
    return info.entries
      .map(({ insertText, name, ...entry }) => ({ ...entry, text: insertText ?? name.replace(/\?$/, "") }))
      .filter(({ text }) => /^(\?\.)?[\p{ID_Start}$_#][\p{ID_Continue}$]*$|^[^[.?]/u.test(text))
      .sort((a, b) => (a.sortText ?? "").localeCompare(b.sortText ?? ""))
      .map(({ text, kind }) => [text, typeOfKind(kind)]);
  } catch (error) {
    if (/auto imports/.test(String(error))) return undefined;
    throw error;
  }
}

function inScope(spot: Spot, prefix: string): [string, string][] | undefined {
  if (isInString(spot.code.slice(0, spot.at))) return [];
  const words = spot.code.match(/[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*/gu) ?? [];
  const names = [...new Set([...words, ...spot.history.declared.keys(), ...utilityTypes])];
  const known = names.filter((name) => startsWith(name, prefix) && name !== prefix).slice(0, mostLookups);
  const local = known.flatMap((name): [string, string][] => {
    const type = typeOfName(spot, name);
    return type ? [[name, type]] : [];
  });
  const all = new Map([...keywords.map((word): [string, string] => [word, "keyword"]), ...globals(spot), ...local]);
  const first = local.map(([name]): [string, string] => [name, all.get(name)!]);
  return [...new Map([...first, ...all])];
}

/** On its last line the text is inside quotes. */
const isInString = (before: string) => {
  const line = before.slice(before.lastIndexOf("\n") + 1).replace(/"(\\.|[^"\\])*"|'(\\.|[^'\\])*'|\/\/.*$/g, "");
  return /["']/.test(line);
};

function typeOfName({ checker, file, at, start }: Spot, name: string): string | undefined {
  const meaning = SymbolFlags.Value | SymbolFlags.Type | SymbolFlags.Namespace | SymbolFlags.Alias;
  const symbol = checker.resolveName(name, meaning, { document: file, position: start + at });
  if (!symbol) return undefined;
  return typeOfFlags(symbol.flags & SymbolFlags.Alias ? checker.getAliasedSymbol(symbol).flags : symbol.flags);
}

/** `globalThis` is the first thing in every cell's file. */
function globals({ checker, file, start }: Spot): [string, string][] {
  const type = checker.getTypeAtPosition(file, start - "globalThis;\n".length);
  return (type ? checker.getPropertiesOfType(type) : [])
    .filter(({ name }) => /^[\p{ID_Start}$][\p{ID_Continue}$]*$/u.test(name))
    .map(({ name, flags }) => [name, typeOfFlags(flags)]);
}

function typeOfFlags(flags: number): string {
  if (flags & SymbolFlags.Function) return "function";
  if (flags & SymbolFlags.Class) return "class";
  if (flags & SymbolFlags.Enum) return "enum";
  if (flags & SymbolFlags.Variable) return "variable";
  if (flags & SymbolFlags.Interface) return "interface";
  if (flags & SymbolFlags.TypeAlias) return "type";
  return flags & SymbolFlags.Module ? "module" : "variable";
}

function typeOfKind(kind: CompletionItemKind | undefined): string {
  const name = kind === undefined ? "Variable" : CompletionItemKind[kind];
  if (name === "Field") return "property";
  return (name ?? "variable").toLowerCase();
}

/** `?.name` replaces the dot before the prefix. */
const startsWith = (name: string, prefix: string) =>
  name.replace(/^\?\./, "").toLowerCase().startsWith(prefix.toLowerCase());

/** The case as typed goes first; otherwise the order given. */
function ordered(found: readonly [string, string][], prefix: string) {
  const fitting = found.filter(([name]) => !name.startsWith(hiddenPrefix) && startsWith(name, prefix));
  return [...fitting].sort(([a], [b]) => Number(b.startsWith(prefix)) - Number(a.startsWith(prefix)));
}
