/** What every cell of the kernel has without an import. */

/** Content by MIME type, for example `{ "text/html": "<b>bold</b>" }`. */
type MimeBundle = Record<string, unknown>;

/** A display that can change. */
interface DisplayHandle {
  readonly id: string;
  /** Shows another value in its place, wherever it is shown. */
  update(value: unknown): void;
}

/** Something that says itself how it is shown, by its method `[Symbol.for("Jupyter.display")]()`. */
type Displayable = object;

/**
 * Shows a value below the cell.
 *
 * @param options `id` names the display, `raw` says that the value is itself a MIME bundle.
 * @example
 * display("started", { id: "state" }).update("done");
 */
declare function display(
  value: unknown,
  options?: { readonly id?: string; readonly raw?: true; readonly metadata?: MimeBundle },
): DisplayHandle;

/** Clears the output of the cell; with `wait`, when the next output arrives. */
declare function clearOutput(options?: { readonly wait?: boolean }): void;

/** HTML: markup as an argument is taken as it is; values in a template are escaped unless they are `html` themselves. */
declare function html(template: string | TemplateStringsArray, ...values: unknown[]): Displayable;

/** Markdown, as a function or as a template. */
declare function md(template: string | TemplateStringsArray, ...values: unknown[]): Displayable;

/** An SVG drawing, as a function or as a template. */
declare function svg(template: string | TemplateStringsArray, ...values: unknown[]): Displayable;

/** TeX, as a function or as a template. */
declare function latex(template: string | TemplateStringsArray, ...values: unknown[]): Displayable;

/** A progress bar moved by hand. */
interface ProgressBar {
  /** Sets how many steps are done. */
  update(done: number): void;
  /** Adds steps, one by default. */
  tick(by?: number): void;
  finish(): void;
}

/** Shows how much of a loop is done and how long the rest takes; gives the loop's items. */
declare function progress<Item>(
  work: Iterable<Item> | AsyncIterable<Item>,
  options?: { readonly label?: string; readonly total?: number },
): AsyncGenerator<Item, void, undefined>;
/** Shows a bar of so many steps, to be moved by hand. */
declare function progress(total: number, options?: { readonly label?: string }): ProgressBar;

/** Asks the user for a line of text and waits for it; null where the front end cannot ask. */
declare function prompt(message?: string, defaultValue?: string): string | null;

/** Asks the user for a line of text; `password` hides what is typed. */
declare function input(message?: string, options?: { readonly password?: boolean }): Promise<string>;

/** The display functions of tslab, for notebooks written for it. */
declare const tslab: TslabApi;

interface TslabApi {
  readonly display: TslabDisplay;
  /** A display whose content can be replaced by showing again. */
  newDisplay(): TslabDisplay;
}

interface TslabDisplay {
  javascript(text: string): void;
  html(text: string): void;
  markdown(text: string): void;
  svg(text: string): void;
  text(text: string): void;
  pdf(bytes: Uint8Array): void;
  png(bytes: Uint8Array): void;
  jpeg(bytes: Uint8Array): void;
  gif(bytes: Uint8Array): void;
  /** Content of any MIME type. */
  raw(contentType: string, content: string | Uint8Array): void;
}
