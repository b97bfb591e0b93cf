/**
 * What every name of a notebook means now, and how a cell's file comes to see it. A kept cell imports from the cells
 * that declared its names. The cell at hand imports from one file alone, which exports the newest of every name: a
 * program whose one changed file imports what it did before costs the compiler 0.3 ms, any other one 30 ms.
 */

/** Begins the names that only the virtual files know. */
export const hiddenPrefix = "__srft_";

/** Exports what every name means now; the cell at hand imports it, always by the same two lines. */
export const scopeName = `${hiddenPrefix}scope`;

/** How a name reaches later cells; a "loose" variable has no type annotation. */
export type Kind = "fixed" | "evolving" | "variable" | "loose" | "opaque";

/** Whether a variable without a type annotation may take a value of another type in a later cell. */
export type Typing = "strict" | "loose";

/** A name that a cell declared. */
export interface Declared {
  readonly kind: Kind;
  /** File that declares it. */
  readonly file: string;
  /** File at whose end a variable has the type it has now. */
  state: string;
}

/** Everything committed so far. */
export interface CellHistory {
  readonly files: Map<string, string>;
  readonly declared: Map<string, Declared>;
  readonly typing: Typing;
}

/**
 * An empty history.
 *
 * @example
 * createHistory().files.size; // 0
 */
export const createHistory = (typing: Typing = "strict"): CellHistory => ({
  files: new Map(),
  declared: new Map(),
  typing,
});

/**
 * Says whether a name may have a type of its own in every cell.
 *
 * @example
 * isVariable(undefined); // false
 */
export const isVariable = (declared: Declared | undefined) =>
  declared?.kind === "variable" || declared?.kind === "loose";

/** Whether the cell is kept, with what it sees now, or is the one at hand. */
interface PreludeOptions {
  readonly history: CellHistory;
  readonly isKept: boolean;
}

/**
 * The imports and variables by which a cell sees what earlier cells declared.
 *
 * @example
 * prelude([], "1 + 1", { history: createHistory(), isKept: true }); // ""
 */
export function prelude(wanted: readonly string[], source: string, { history, isKept }: PreludeOptions) {
  const { declared, typing } = history;
  const imports = new Map<string, string[]>(isKept ? [] : [[`${scopeName}.ts`, []]]);
  let variables = "";
  for (const name of wanted) {
    const entry = declared.get(name);
    if (!entry) continue;
    const types = isKept ? typesOfCells(name, entry) : typesInScope(name);
    if (entry.kind === "opaque") variables += `let ${name}: any; type ${name} = any;`;
    else if (entry.kind === "loose" && typing === "loose") variables += looseVariable(name, source, { entry, types });
    else if (isVariable(entry)) variables += carriedVariable(name, types);
    else {
      const file = isKept ? entry.file : `${scopeName}.ts`;
      const picks = imports.get(file) ?? [];
      picks.push(entry.kind === "evolving" ? `${hiddenPrefix}${name} as ${name}` : name);
      imports.set(file, picks);
    }
  }
  const lines = [...imports].map(([file, picks]) => `import { ${picks.join(", ")} } from "./${file}";`);
  const scope = isKept ? "" : `import * as ${scopeName} from "./${scopeName}.ts";`;
  return `${lines.join("")}${scope}${variables}`;
}

/**
 * The file that exports what every name means now.
 *
 * @example
 * const history = createHistory();
 * history.declared.set("n", { kind: "fixed", file: "__srft_1.ts", state: "__srft_1.ts" });
 * scopeFile(history).text; // 'export {};export { n } from "./__srft_1.ts";'
 */
export function scopeFile({ declared }: CellHistory): { readonly name: string; readonly text: string } {
  const lines = [...declared].flatMap(([name, { kind, file, state }]) => {
    if (kind === "opaque") return [];
    const own = kind === "evolving" ? [] : [`export { ${name} } from "./${file}";`];
    return kind === "fixed" ? own : [...own, `export { ${hiddenPrefix}${name} } from "./${state}";`];
  });
  return { name: `${scopeName}.ts`, text: `export {};${lines.join("")}` };
}

/** The declared type of a variable, and its type now, as texts. */
interface VariableTypes {
  readonly type: string;
  readonly now: string;
}

const typesInScope = (name: string): VariableTypes => ({
  type: `typeof ${scopeName}.${name}`,
  now: `typeof ${scopeName}.${hiddenPrefix}${name}`,
});

const typesOfCells = (name: string, { file, state }: Declared): VariableTypes => ({
  type: `typeof import("./${file}").${name}`,
  now: `typeof import("./${state}").${hiddenPrefix}${name}`,
});

/** Its declared type, narrowed as it was; a variable left empty may have been set by a function since. */
const carriedVariable = (name: string, { type, now }: VariableTypes) =>
  `let ${name}: ${type} = null! as [${now}] extends [null | undefined] ? ${type} : ${now};`;

/** Where the cell assigns it, a variable without a type; else it has the type of its latest value. */
function looseVariable(
  name: string,
  source: string,
  { entry, types }: { readonly entry: Declared; readonly types: VariableTypes },
) {
  const { now } = types;
  const declared = entry.state === entry.file ? types.type : "any";
  const type = `[${now}] extends [null | undefined] ? ${declared} : ${now}`;
  if (isAssigned(name, source)) return `let ${name}; ${name} = null! as ${type};`;
  return `let ${name}: ${type} = null! as ${type};`;
}

/** Says so too often rather than too rarely. */
function isAssigned(name: string, source: string) {
  const place = `(?<![.\\p{ID_Continue}$])${name.replaceAll("$", "\\$")}(?![\\p{ID_Continue}$])`;
  const assignment =
    "\\s*(?:(?:[-+*/%&|^]|\\*\\*|<<|>>>?|&&|\\|\\||\\?\\?)?=(?![=>])|\\+\\+|--|[\\],}]|:[^;]*[\\]}]|\\s(?:of|in)\\s)";
  return new RegExp(`(?:\\+\\+|--)\\s*${place}|${place}${assignment}`, "u").test(source);
}
