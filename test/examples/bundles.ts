/** Notes what the figures of the library show while the examples run. */

import type { Scope } from "./expect.ts";
import { publicFunctions } from "./extract.ts";

const display = Symbol.for("Jupyter.display");
const isShown = (value: unknown): value is Record<symbol, () => unknown> =>
  typeof value === "object" && value !== null && display in value;

/** The library's functions below src/plots, by name. */
const plotFunctions: readonly string[] = publicFunctions("src/index.ts").flatMap(({ file, name }) =>
  file.startsWith("src/plots/") ? [name] : [],
);

/** A scope whose figures are noted by the name of the function that made them. */
export function noting(scope: Scope, noted: Map<string, Record<symbol, () => unknown>>): Scope {
  const watched = plotFunctions.flatMap((name) => {
    const make = scope[name];
    if (typeof make !== "function") return [];
    const note = (...args: unknown[]) => {
      const made: unknown = make(...args);
      if (isShown(made)) noted.set(name, made);
      return made;
    };
    return [[name, note]];
  });
  return { ...scope, ...Object.fromEntries(watched) };
}

/** The types of a bundle: what it shows where the notebook extension is, on GitHub, in nbconvert and in a terminal. */
export async function typesOf(figure: Record<symbol, () => unknown>) {
  const bundle = (await figure[display]!()) as Record<string, unknown>;
  const own = Object.keys(bundle).filter((type) => type.startsWith("application/vnd."));
  const texts = ["image/svg+xml", "text/html", "text/plain"].map((type) => String(bundle[type] ?? ""));
  return { own, texts };
}
