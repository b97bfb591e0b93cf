/** A page of HTML, as jsdom reads it; jsdom comes without types. */

import { createRequire } from "node:module";

export interface PageElement {
  readonly textContent: string;
  readonly children: ArrayLike<PageElement>;
  querySelector(selector: string): PageElement | null;
  querySelectorAll(selector: string): Iterable<PageElement> & { readonly length: number };
}

export interface Page extends PageElement {
  createElementNS(namespace: string, name: string): PageElement;
}

const { JSDOM } = createRequire(import.meta.url)("jsdom") as {
  JSDOM: new (markup: string) => { readonly window: { readonly document: Page } };
};

/** Reads markup without running any script in it. */
export const readPage = (markup: unknown): Page => new JSDOM(String(markup)).window.document;
