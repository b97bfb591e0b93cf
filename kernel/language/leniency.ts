/**
 * What of the compiler's messages a notebook shows where no tsconfig.json asks for more: mistakes, and not the habits of
 * loosely written JavaScript. Types are as strict as ever, completion and hover know all they can; only messages that a
 * correct program may bring about are kept back.
 */

import type { Diagnostic } from "./engine.ts";

/** Reads a position that a message speaks of; undefined for a file of somebody else's. */
export interface Texts {
  /** The text from there on of the file that holds the place. */
  after(fileName: string, position: number): string | undefined;
  /** The cell's own text and those of all cells before it. */
  readonly cells: () => Iterable<string>;
}

/**
 * Left-out annotations (70xx), what may be null, undefined or unknown (25xx, 180xx), resolve() without a value (2794),
 * parameters and properties that are given twice by intent are not among them.
 */
const habits = new Set([2531, 2532, 2533, 2571, 2721, 2722, 2723, 2794, 18046, 18047, 18048, 18049]);

/**
 * Says whether a message tells of a mistake.
 *
 * @example
 * const implicitAny = { code: 7006, text: "Parameter 'x' implicitly has an 'any' type.", pos: 0, end: 1, category: 1 };
 * isMistake(implicitAny, { after: () => undefined, cells: () => [] }); // false
 */
export function isMistake(diagnostic: Diagnostic, texts: Texts): boolean {
  const { code } = diagnostic;
  if (habits.has(code) || (code >= 7005 && code <= 7057)) return false;
  const excuses = [isOnlyNullable, isEmptyList, isAddedProperty, isLeftOut, isPutIntoGlobal];
  return !excuses.some((excuse) => excuse(diagnostic, texts));
}

const innermost = ({ text, messageChain = [] }: Diagnostic): string =>
  messageChain.length > 0 ? innermost(messageChain.at(-1)!) : text;

/** All that is wrong with a value is that it may be undefined. */
const isOnlyNullable = (diagnostic: Diagnostic) =>
  (diagnostic.messageChain?.length ?? 0) > 0 &&
  /^Type '(undefined|null)' is not assignable to type/.test(innermost(diagnostic));

/** `{ list: [] }` gives a list of nothing, into which nothing can be put. */
const isEmptyList = ({ text }: Diagnostic) => /to (parameter of )?type 'never'\.$/.test(text);

/** A property that some cell adds by an assignment: to an object literal, or to `this` in a class of a cell. */
function isAddedProperty({ code, text }: Diagnostic, texts: Texts) {
  const [, property, owner] = /^Property '([\p{ID_Continue}$]+)' does not exist on type '(.*?)'\./su.exec(text) ?? [];
  if (property === undefined || owner === undefined || ![2339, 2551].includes(code)) return false;
  const name = `${property.replaceAll("$", "\\$")}\\s*=(?![=>])`;
  const isLiteral = /^\{/.test(owner);
  const addition = new RegExp(isLiteral ? `[\\p{ID_Continue}$\\])]\\.${name}` : `\\bthis\\.${name}`, "u");
  const known = [...texts.cells()];
  const isOwnClass = () =>
    known.some((cell) =>
      new RegExp(`\\bclass\\s+${owner.replace(/^typeof |<.*$/gs, "").replaceAll("$", "\\$")}\\b`).test(cell),
    );
  return known.some((cell) => addition.test(cell)) && (isLiteral || isOwnClass());
}

/** A call that leaves out an argument whose parameter has no type either, as JavaScript may. */
function isLeftOut({ code, relatedInformation = [] }: Diagnostic, texts: Texts) {
  if (code !== 2554 && code !== 2555) return false;
  const [parameter] = relatedInformation;
  if (parameter?.fileName === undefined) return false;
  const declaration = texts.after(parameter.fileName, parameter.pos);
  return declaration !== undefined && /^[\p{ID_Continue}$]+\s*[,)=]/u.test(declaration);
}

/** A name that some cell made a property of the global object. */
function isPutIntoGlobal({ code, text }: Diagnostic, texts: Texts) {
  const [, name] = /^Cannot find name '([\p{ID_Continue}$]+)'/u.exec(text) ?? [];
  if (name === undefined || (code !== 2304 && code !== 2552)) return false;
  const put = new RegExp(`\\bglobalThis\\.${name.replaceAll("$", "\\$")}\\s*=|\\(\\s*globalThis\\s*,`);
  return [...texts.cells()].some((cell) => put.test(cell));
}
