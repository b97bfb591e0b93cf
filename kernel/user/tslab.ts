/** tslab's public API, so that its notebooks run here: `display.html` and its like, `newDisplay`, `versions`. */

import { packageVersion } from "../protocol/messages.ts";

type Content = string | Uint8Array;

/** How a bundle is shown: `update` when the display is there already. */
export type ShowBundle = (
  bundle: Record<string, unknown>,
  target: { readonly id?: string; readonly update?: true },
) => void;

const types = {
  javascript: "application/javascript",
  html: "text/html",
  markdown: "text/markdown",
  latex: "text/latex",
  svg: "image/svg+xml",
  text: "text/plain",
  png: "image/png",
  jpeg: "image/jpeg",
  gif: "image/gif",
  pdf: "application/pdf",
} as const;

type Methods = { readonly [Name in keyof typeof types]: (content: Content) => void };

/** A display: a method a content type, and `raw` for the others. */
export interface TslabDisplay extends Methods {
  raw(type: string, content: Content): void;
}

/**
 * Makes the object `tslab`.
 *
 * @example
 * const shown: object[] = [];
 * createTslab((bundle) => shown.push(bundle)).display.html("<b>bold</b>");
 * shown; // [{ "text/html": "<b>bold</b>" }]
 */
export function createTslab(show: ShowBundle) {
  let created = 0;
  const displayOf = (target: () => Parameters<ShowBundle>[1]): TslabDisplay => {
    const raw = (type: string, content: Content) => show({ [type]: textOf(type, content) }, target());
    const methods = Object.entries(types).map(([name, type]) => [name, (content: Content) => raw(type, content)]);
    return { ...(Object.fromEntries(methods) as unknown as Methods), raw };
  };
  return {
    display: displayOf(() => ({})),
    /** A display of one place: what it shows first stays where it is and later contents replace it. */
    newDisplay(): TslabDisplay {
      const id = `tslab-${process.pid}-${++created}`;
      let isShown = false;
      return displayOf(() => {
        const target = isShown ? ({ id, update: true } as const) : { id };
        isShown = true;
        return target;
      });
    },
    versions: { tslab: "1.0.22", srft: packageVersion(), node: process.versions.node },
  };
}

/** The protocol carries binary content as base64. */
function textOf(type: string, content: Content): string {
  if (typeof content === "string") return content;
  if (!(content instanceof Uint8Array))
    throw new TypeError(`display: expected text or bytes for ${type} but found ${typeof content}`);
  const isText = type.startsWith("text/") || type === "image/svg+xml" || type === "application/javascript";
  return Buffer.from(content.buffer, content.byteOffset, content.byteLength).toString(isText ? "utf8" : "base64");
}
