/** What is known of the value at a cursor, for a tooltip: signature, summary, and at detail 1 the source. */

import { inspect, types } from "node:util";
import type { MimeBundle } from "../link.ts";
import { follow, pathBefore } from "./property-path.ts";

/** Longest source or summary that is shown, in characters. */
const longest = 4000;

/**
 * Describes the value whose name stands at the cursor, or, within a call's parentheses, the function called.
 *
 * @param root The global object. @param cursor Offset in code units. @param detail 0, or 1 for the source too.
 * @returns A bundle of text/plain and text/markdown, or undefined where there is no such value.
 * @example
 * inspectFrom({ half: (n: number) => n / 2 }, "half(4)", { cursor: 2, detail: 0 }); // a signature
 */
export function inspectFrom(
  root: object,
  code: string,
  { cursor, detail }: { readonly cursor: number; readonly detail: number },
): MimeBundle | undefined {
  const path = pathAt(code, cursor);
  const reached = path && follow(root, path);
  if (!path || !reached) return undefined;
  const { value } = reached;
  const name = path.join(".");
  const head = typeof value === "function" ? signature(name, value) : `${name}: ${kindOf(value)}`;
  const body = typeof value === "function" ? (detail > 0 ? sourceOf(value) : "") : shorten(textOf(value));
  const blocks = [
    `\`\`\`ts\n${head}\n\`\`\``,
    ...(body ? [`\`\`\`${typeof value === "function" ? "js" : ""}\n${body}\n\`\`\``] : []),
  ];
  return { "text/plain": body ? `${head}\n\n${body}` : head, "text/markdown": blocks.join("\n\n") };
}

function pathAt(code: string, cursor: number): string[] | undefined {
  const rest = /^[\p{ID_Continue}$]*/u.exec(code.slice(cursor, cursor + 200))![0].length;
  const here = pathBefore(code, cursor + rest);
  if (here?.prefix) return [...here.path, here.prefix];
  const open = openParenthesis(code, cursor);
  const called = open === undefined ? undefined : pathBefore(code, open);
  return called?.prefix ? [...called.path, called.prefix] : undefined;
}

function openParenthesis(code: string, cursor: number) {
  let depth = 0;
  for (let at = cursor - 1; at >= Math.max(0, cursor - 1000); at--) {
    if (code[at] === ")") depth++;
    else if (code[at] === "(" && depth-- === 0) return at;
  }
  return undefined;
}

/** The value's own inspection is not asked: it may do anything. */
const textOf = (value: unknown) =>
  inspect(value, { depth: 2, customInspect: false, maxArrayLength: 20, maxStringLength: 1000, breakLength: 100 });

const sourceOf = (value: object) => shorten(Function.prototype.toString.call(value));

function signature(name: string, value: object): string {
  const source = Function.prototype.toString.call(value);
  if (/^class\b/.test(source)) {
    const parameters = /\bconstructor\s*\(([^)]*)\)/.exec(source)?.[1] ?? "";
    return `class ${name} { constructor(${squeeze(parameters)}) }`;
  }
  const parameters =
    /^[^(=]*\(((?:[^()]|\([^()]*\))*)\)/.exec(source)?.[1] ?? /^(?:async\s+)?([\w$]+)\s*=>/.exec(source)?.[1];
  const { length } = value as { length?: unknown };
  const known = /\{\s*\[native code\]\s*\}$/.test(source) ? nativeParameters(length) : squeeze(parameters ?? "…");
  return `${/^async\b/.test(source) ? "async " : ""}function ${name}(${known})`;
}

const nativeParameters = (length: unknown) =>
  Array.from(
    { length: typeof length === "number" ? Math.min(length, 8) : 0 },
    (_, index) => `argument${index + 1}`,
  ).join(", ");

const squeeze = (text: string) => text.replace(/\s+/g, " ").trim();

const shorten = (text: string) => (text.length > longest ? `${text.slice(0, longest)}…` : text);

function kindOf(value: unknown): string {
  if (types.isProxy(value)) return "Proxy";
  if (value === null || typeof value !== "object") return value === null ? "null" : typeof value;
  const prototype: unknown = Object.getPrototypeOf(value);
  const maker = prototype && Object.getOwnPropertyDescriptor(prototype, "constructor")?.value;
  const name = typeof maker === "function" && Object.getOwnPropertyDescriptor(maker, "name")?.value;
  return typeof name === "string" && name !== "" ? name : "object";
}
