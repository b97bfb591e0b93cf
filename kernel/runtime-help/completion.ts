/** Completion from the values of the variables, and, while those cannot be read, from the names that cells declared. */

import { follow, pathBefore, prototypes } from "./property-path.ts";

/** One way to go on. */
export interface Match {
  readonly text: string;
  /** What it is, in the words of front ends: function, class, module, keyword, instance, property. */
  readonly type: string;
}

/** What could stand between `start` and `end`, in code units. */
export interface Completion {
  readonly matches: readonly Match[];
  readonly start: number;
  readonly end: number;
}

/** Longest list that is sent. */
const longest = 500;

const keywords =
  "abstract as async await break case catch class const continue debugger declare default delete do else enum export extends false finally for from function if implements import in instanceof interface keyof let namespace new null of private protected public readonly return satisfies static super switch this throw true try type typeof undefined using var void while yield".split(
    " ",
  );

const identifier = /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u;
const declared = /\b(?:const|let|var|function\*?|class|enum|namespace)\s+([\p{ID_Start}$_][\p{ID_Continue}$]*)/gu;

/**
 * Completes the name at the cursor by the properties of a value, without running getters.
 *
 * @param cursor Offset in code units. @param root The global object.
 * @example
 * completeFrom({ alpha: { beta: 1 } }, "alpha.b", 7).matches; // [{ text: "beta", type: "property" }]
 */
export function completeFrom(root: object, code: string, cursor: number): Completion {
  const found = pathBefore(code, cursor);
  if (!found) return { matches: [], start: cursor, end: cursor };
  const { path, prefix, start } = found;
  const target = follow(root, path);
  const candidates = path.length > 0 ? [] : namesIn(code, cursor);
  return {
    matches: [...candidates, ...(target ? propertiesOf(target.value) : [])].filter(unique(prefix)),
    start,
    end: cursor,
  };
}

/**
 * Completes a name that stands alone from a list; what follows a dot needs the value, so it has no matches.
 *
 * @example
 * completeFromNames(["alpha", "beta"], "al", 2).matches; // [{ text: "alpha", type: "instance" }]
 */
export function completeFromNames(names: Iterable<string>, code: string, cursor: number): Completion {
  const { path = [], prefix = "", start = cursor } = pathBefore(code, cursor) ?? { path: ["?"] };
  if (path.length > 0) return { matches: [], start, end: cursor };
  const known = Array.from(names, (text) => ({ text, type: "instance" }));
  return { matches: [...known, ...namesIn(code, cursor)].filter(unique(prefix)), start, end: cursor };
}

/** What the cell itself declares, and keywords. */
function namesIn(code: string, cursor: number): Match[] {
  const near = code.slice(Math.max(0, cursor - 20_000), cursor + 20_000);
  const own = [...near.matchAll(declared)].map(([, text]) => ({ text: text!, type: "instance" }));
  return [...own, ...keywords.map((text) => ({ text, type: "keyword" }))];
}

function propertiesOf(value: unknown): Match[] {
  const list = value === null || typeof value !== "object" || !ArrayBuffer.isView(value);
  return [...prototypes(value)].flatMap((object, depth) =>
    (depth > 0 || list ? Object.getOwnPropertyNames(object) : [])
      .filter((text) => identifier.test(text))
      .map((text) => ({ text, type: typeOf(Object.getOwnPropertyDescriptor(object, text)) })),
  );
}

function typeOf(descriptor: PropertyDescriptor | undefined) {
  if (typeof descriptor?.value !== "function") return "property";
  return /^class\b/.test(Function.prototype.toString.call(descriptor.value)) ? "class" : "function";
}

/** Passes the first of each name that goes on from a prefix, up to the longest list. */
function unique(prefix: string) {
  const seen = new Set<string>();
  return ({ text }: Match) => {
    if (!text.startsWith(prefix) || seen.has(text) || seen.size >= longest) return false;
    seen.add(text);
    return true;
  };
}
