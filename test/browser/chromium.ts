/** Headless Chromium through playwright-core, with traps: scripts that are not ours, dialogs, requests, console errors. */

import { existsSync } from "node:fs";
import { type Browser, chromium, type Page, type Request } from "playwright-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const found = [process.env.SRFT_CHROMIUM, ...places].find((place) => place && existsSync(place));

/** Why the browser's tests cannot run; false where they can. */
export const noBrowser: string | false =
  found === undefined ? `no Chromium in ${places.join(", ")}: install it or set SRFT_CHROMIUM` : false;

/** Starts the browser; close it after. */
export function launch(): Promise<Browser> {
  return chromium.launch({ executablePath: found!, args: ["--no-sandbox", "--disable-gpu"] });
}

/** A page, and what happened in it that should not have. */
export interface TrappedPage {
  readonly page: Page;
  readonly happened: string[];
}

export interface PageOptions {
  readonly colorScheme?: "light" | "dark";
  readonly width?: number;
  readonly height?: number;
  /** Beginning of the addresses that the page may ask for; files and data it always may. */
  readonly server?: string;
  /** Errors of a front end's own that are not ours. */
  readonly known?: readonly RegExp[];
}

/** Opens a page whose traps write down every hostile call, dialog, request, new window, page error and console error. */
export async function openPage(browser: Browser, options: PageOptions = {}): Promise<TrappedPage> {
  const { colorScheme = "light", width = 1000, height = 800, server, known = [] } = options;
  const context = await browser.newContext({ colorScheme, viewport: { width, height } });
  const happened: string[] = [];
  const note = (what: string) => {
    if (!known.some((error) => error.test(what))) happened.push(what.slice(0, 300));
  };
  await context.exposeFunction("srftHostile", () => note("hostile call"));
  const page = await context.newPage();
  context.on("page", (other) => note(`window ${other.url()}`));
  page.on("dialog", (dialog) => {
    if (dialog.type() === "beforeunload") return void dialog.accept(); // a page with unsaved work, not an attack
    note(`dialog ${dialog.message()}`);
    void dialog.dismiss();
  });
  const asks = (request: Request) => {
    const isServer = server !== undefined && request.url().startsWith(server);
    if (!isServer && !/^(file|data|blob|about):/.test(request.url())) note(`request ${request.url()}`);
  };
  page.on("requestfinished", asks);
  page.on("requestfailed", (request) => {
    if (request.failure()?.errorText !== "csp") asks(request); // those the page's own policy held back never left
  });
  page.on("pageerror", (error) => note(`page error ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") note(`console ${message.text()}`);
  });
  return { page, happened };
}
