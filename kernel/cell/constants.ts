/**
 * Constants among the global variables of cells: what a cell declares by `const`, `using` or `import` cannot be assigned
 * afterwards, neither by a later cell nor by a closure, but the next cell that declares the name has it anew.
 *
 * A global `var` cannot be deleted or made writable again, so names are made configurable before a cell declares them.
 */

/**
 * Makes names variables that a cell may declare: not constant, no accessors of Node's, and free to become constants.
 *
 * @param global The object whose properties the variables are.
 * @example
 * const scope = {};
 * openNames(scope, ["a"]);
 * Object.keys(scope); // ["a"]
 */
export function openNames(global: object, names: readonly string[]): void {
  for (const name of names) {
    const property = Object.getOwnPropertyDescriptor(global, name);
    if (property?.writable || property?.configurable === false) continue;
    Object.defineProperty(global, name, { ...variable, value: property?.value });
  }
}

const variable = { writable: true, enumerable: true, configurable: true };

/**
 * Makes names constants; one that Node itself holds fast stays as it is.
 *
 * @example
 * const scope = { a: 1 };
 * openNames(scope, ["a"]);
 * fixNames(scope, ["a"]);
 * Object.getOwnPropertyDescriptor(scope, "a")?.writable; // false
 */
export function fixNames(global: object, names: readonly string[]): void {
  for (const name of names)
    if (Object.getOwnPropertyDescriptor(global, name)?.configurable)
      Object.defineProperty(global, name, { writable: false });
}

/** V8 tells whose property cannot be assigned by the constructor's name: this one tells constants from frozen objects. */
function Constants() {}

/**
 * Gives the global object the name by which `constantMessage` knows it.
 *
 * @example
 * const scope = {};
 * nameConstants(scope);
 * scope.constructor.name; // "Constants"
 */
export function nameConstants(global: object): void {
  Object.defineProperty(global, "constructor", { value: Constants, writable: true, configurable: true });
}

/**
 * A text with what V8 says of an assignment to one of our constants in the words it has for any other.
 *
 * @example
 * constantMessage("Cannot assign to read only property 'a' of object '#<Constants>'"); // "Assignment to constant variable."
 */
export const constantMessage = (text: string): string =>
  text.replace(
    /Cannot assign to read only property '[^']*' of object '#<Constants>'/g,
    "Assignment to constant variable.",
  );
