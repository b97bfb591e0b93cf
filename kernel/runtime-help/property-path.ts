/**
 * The chain of properties that stands at a cursor, as in `a.b["c"].d`, and its value without running anybody's code:
 * properties are read by their descriptors, and accessors and proxies end the way.
 */

import { types } from "node:util";

/** A chain of properties; offsets are code units. */
export interface PropertyPath {
  /** The names before the last dot, from the global object on. */
  readonly path: readonly string[];
  /** What is written of the last name. */
  readonly prefix: string;
  /** Where the last name begins. */
  readonly start: number;
}

/** How far back a chain is looked for, in code units. */
const reach = 1000;

const name = "[\\p{ID_Start}$_][\\p{ID_Continue}$]*";
const index = "\\[(?:\\d+|\"[^\"\\\\\\]]*\"|'[^'\\\\\\]]*')\\]";
const chain = new RegExp(`((?:${name}(?:${index})*\\s*\\??\\.\\s*)*)((?:${name})?)$`, "u");
const part = new RegExp(`${name}|\\[(\\d+)\\]|\\["([^"]*)"\\]|\\['([^']*)'\\]`, "gu");

/**
 * Finds the chain that ends at a place.
 *
 * @returns Undefined where what stands before the last dot is not a chain of names, as after a call.
 * @example
 * pathBefore("1 + config.model.na", 19); // { path: ["config", "model"], prefix: "na", start: 17 }
 */
export function pathBefore(code: string, end: number): PropertyPath | undefined {
  const text = code.slice(Math.max(0, end - reach), end);
  const [whole = "", before = "", prefix = ""] = chain.exec(text) ?? [];
  if (
    /[.\p{ID_Continue}]$/u.test(
      text
        .slice(0, text.length - whole.length)
        .trimEnd()
        .slice(-1),
    )
  ) {
    const isSpread = text.slice(0, text.length - whole.length).endsWith("...");
    const isWord = /[\p{ID_Continue}]\s+$/u.test(text.slice(0, text.length - whole.length));
    if (!isSpread && !isWord) return undefined;
  }
  const path = [...before.matchAll(part)].map(([found, ...inner]) => inner.find((key) => key !== undefined) ?? found);
  return { path, prefix, start: end - prefix.length };
}

/** A value that was reached, or nothing. */
export type Reached = { readonly value: unknown } | undefined;

/** Node defines these as accessors of its own, which are safe to read. */
const nodeGlobals: Readonly<Record<string, unknown>> = { process, Buffer, performance };

/**
 * Follows a chain from an object on.
 *
 * @example
 * follow({ a: { b: 3 } }, ["a", "b"]); // { value: 3 }
 */
export function follow(root: object, path: readonly string[]): Reached {
  let reached: Reached = { value: root };
  for (const key of path) {
    reached = reached && property(reached.value, key, root);
    if (!reached) return undefined;
  }
  return reached;
}

function property(from: unknown, key: string, root: object): Reached {
  for (const object of prototypes(from)) {
    const descriptor = Object.getOwnPropertyDescriptor(object, key);
    if (descriptor && "value" in descriptor) return { value: descriptor.value };
    if (descriptor) return from === root && Object.hasOwn(nodeGlobals, key) ? { value: nodeGlobals[key] } : undefined;
  }
  return undefined;
}

/**
 * A value and its prototypes, up to the first proxy.
 *
 * @example
 * [...prototypes("text")].length; // 3
 */
export function* prototypes(value: unknown): Generator<object> {
  let object: object | null = value === null || value === undefined ? null : Object(value);
  for (; object !== null && !types.isProxy(object); object = Object.getPrototypeOf(object)) yield object;
}
