/**
 * What JSX compiles to where the notebook has no React: elements that show themselves as HTML, all text escaped. A
 * component is a function from its properties to what it stands for; event handlers and other functions are left out.
 */

import { displaySymbol, escapeHtml } from "./display.ts";

type Component = (properties: Properties) => unknown;
type Properties = Readonly<Record<string, unknown>>;

/** An element of JSX. */
export interface JsxElement {
  readonly type: string | Component;
  readonly props: Properties;
  [displaySymbol](): { readonly "text/html": string; readonly "text/plain": string };
}

const empty = new Set("area base br col embed hr img input link meta source track wbr".split(" "));

const attributeNames: Readonly<Record<string, string>> = { className: "class", htmlFor: "for" };

/**
 * An element with its properties, the children among them.
 *
 * @example
 * jsx("b", { children: ["1 < ", 2] })[Symbol.for("Jupyter.display")]()["text/html"]; // "<b>1 &lt; 2</b>"
 */
export const jsx = (type: string | Component, props: Properties): JsxElement => ({
  type,
  props,
  [displaySymbol]() {
    const html = markup(this);
    return { "text/html": html, "text/plain": html };
  },
});

export { jsx as jsxs };

/**
 * Several elements without one around them.
 *
 * @example
 * Fragment({ children: ["a", "b"] }); // ["a", "b"]
 */
export const Fragment: Component = ({ children }) => children;

function markup(value: unknown): string {
  if (value === null || value === undefined || typeof value === "boolean") return "";
  if (Array.isArray(value)) return value.map(markup).join("");
  if (!isElement(value)) return own(value) ?? escapeHtml(String(value));
  const { type, props } = value;
  if (typeof type === "function") return markup(type(props));
  if (!/^[a-z][\w.:-]*$/i.test(type)) throw new TypeError(`jsx: expected the name of an element but found ${type}`);
  const { children, ...attributes } = props;
  const head = `<${type}${Object.entries(attributes).map(attribute).join("")}>`;
  return empty.has(type) ? head : `${head}${markup(children)}</${type}>`;
}

const isElement = (value: unknown): value is JsxElement =>
  typeof value === "object" && value !== null && "props" in value && "type" in value;

/** Markup of a value that shows itself as HTML. */
function own(value: unknown): string | undefined {
  const method = (Object(value) as { [displaySymbol]?: () => Record<string, unknown> })[displaySymbol];
  const html = typeof method === "function" ? method.call(value)["text/html"] : undefined;
  return typeof html === "string" ? html : undefined;
}

function attribute([key, value]: [string, unknown]): string {
  if (!/^[^\s"'<>/=]+$/.test(key) || value === false || value === null || value === undefined) return "";
  if (typeof value === "function" || key === "key" || key === "ref") return "";
  const name = attributeNames[key] ?? key;
  return value === true ? ` ${name}` : ` ${name}="${escapeHtml(key === "style" ? styleText(value) : String(value))}"`;
}

const styleText = (style: unknown) =>
  typeof style === "object"
    ? Object.entries(style as object)
        .map(([name, value]) => `${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: ${value}`)
        .join("; ")
    : String(style);
