/** What every cell of the kernel has without an import. */

/** Content by MIME type, for example `{ "text/html": "<b>bold</b>" }`. */
type MimeBundle = Record<string, unknown>;

/** A display that can change. */
interface DisplayHandle {
  readonly id: string;
  /**
   * Shows another value in its place, wherever it is shown. After a reload of JupyterLab's page the output stands still: a
   * notebook's file has no place for the display's id, by which an update finds it. A live chart finds its output again.
   */
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

// biome-ignore lint/style/noNamespace: a function with a member, still completed as a function
declare namespace display {
  /** Changes a display of this or an earlier cell by the name that it was given. */
  function update(id: string, value: unknown, options?: { readonly raw?: true; readonly metadata?: MimeBundle }): void;
}

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

/**
 * Asks the user for a line of text and waits for it, the whole process with it.
 *
 * @throws StdinNotImplementedError where the front end cannot be asked.
 */
declare function prompt(message?: unknown): string;

interface InputOptions {
  /** Hides what is typed. */
  readonly password?: boolean;
}

/**
 * Asks the user for a line of text; everything else goes on meanwhile.
 *
 * @throws StdinNotImplementedError where the front end cannot be asked.
 */
declare function input(message?: string, options?: InputOptions): Promise<string>;
declare function input(options: InputOptions & { readonly prompt?: string }): Promise<string>;

/** A message of the front end on a comm. */
interface CommEvent {
  // biome-ignore lint/suspicious/noExplicitAny: what the front end sends is its own affair
  readonly data: any;
  readonly metadata: Record<string, unknown>;
  readonly buffers: readonly Uint8Array[];
}

/** A channel between a cell's objects and the front end's, such as a widget. */
interface Comm {
  readonly id: string;
  readonly target: string;
  send(data: unknown, buffers?: readonly Uint8Array[]): void;
  close(data?: unknown): void;
  /** Names who hears the front end's messages; the last one named does. */
  onMessage(handler: (event: CommEvent) => unknown): void;
  onClose(handler: (event: CommEvent) => unknown): void;
}

/** The comms of this notebook. */
declare const comms: {
  /** Names who answers when the front end opens a comm to a target. */
  register(target: string, handler: (comm: Comm, event: CommEvent) => unknown): void;
  /** Forgets a target; its open comms stay. */
  unregister(target: string): boolean;
  /** The comms that are open. */
  list(): Comm[];
};

/** Opens a comm to a target of the front end. */
declare function openComm(target: string, data?: unknown, buffers?: readonly Uint8Array[]): Comm;

/** Controls whose values code and user share, and views of your own. */
declare const widgets: {
  /** A number between two others; without limits, from 0 to 100. */
  slider(options?: {
    readonly label?: string;
    readonly min?: number;
    readonly max?: number;
    readonly step?: number;
    readonly value?: number;
  }): Control<number>;
  /** One of several texts. */
  select<const Option extends string>(options: {
    readonly label?: string;
    readonly options: readonly Option[];
    readonly value?: NoInfer<Option>;
  }): Control<Option>;
  /** Yes or no. */
  checkbox(options?: { readonly label?: string; readonly value?: boolean }): Control<boolean>;
  /** A line of text. */
  text(options?: { readonly label?: string; readonly value?: string }): Control<string>;
  /** A button; its value counts the presses. */
  button(options?: { readonly label?: string }): Control<number> & {
    onClick(handler: (presses: number) => unknown): Control<number>;
  };
  /**
   * A view of your own, as anywidget's: `render({ model, el })` runs in the browser, alone, without the cell's names.
   *
   * @example
   * widgets.custom({
   *   state: { count: 0 },
   *   render({ model, el }) {
   *     const show = () => { el.textContent = String(model.get("count")); };
   *     model.on("change:count", show);
   *     show();
   *   },
   * });
   */
  custom<Fields extends Readonly<Record<string, unknown>> = Record<never, never>>(options: {
    // biome-ignore lint/suspicious/noExplicitAny: an element of the browser and what views keep, whose types a cell does not have
    readonly render: string | ((context: { readonly model: WidgetViewModel; readonly el: any }) => unknown);
    readonly state?: Fields;
  }): CustomWidget<Fields>;
};

/** A control with a value that the user and the code can change. */
interface Control<Value> {
  value: Value;
  /** Calls the function after every change; its output appears below the cell that calls this. */
  onChange(handler: (value: Value) => unknown): this;
}

interface CustomWidget<Fields> {
  readonly state: Fields;
  set(change: Partial<Fields>): void;
  onChange(handler: (change: Partial<Fields>) => unknown): this;
  /** Sends a message to the views, where `model.on("msg:custom", …)` hears it. */
  send(content: unknown, buffers?: readonly Uint8Array[]): void;
  onMessage(handler: (content: unknown, buffers: readonly Uint8Array[]) => unknown): this;
}

interface WidgetViewModel {
  // biome-ignore lint/suspicious/noExplicitAny: an element of the browser and what views keep, whose types a cell does not have
  get(name: string): any;
  set(name: string, value: unknown): void;
  save_changes(): void;
  // biome-ignore lint/suspicious/noExplicitAny: an element of the browser and what views keep, whose types a cell does not have
  on(event: string, handler: (...args: any[]) => void): void;
  // biome-ignore lint/suspicious/noExplicitAny: an element of the browser and what views keep, whose types a cell does not have
  off(event?: string, handler?: (...args: any[]) => void): void;
  send(content: unknown, callbacks?: unknown, buffers?: readonly ArrayBufferView[]): void;
}

/** The display functions of tslab, for notebooks written for it. */
declare const tslab: TslabApi;

declare module "tslab" {
  export const display: TslabApi["display"];
  export const newDisplay: TslabApi["newDisplay"];
  export const versions: TslabApi["versions"];
}

interface TslabApi {
  readonly display: TslabDisplay;
  /** A display whose content can be replaced by showing again. */
  newDisplay(): TslabDisplay;
  readonly versions: { readonly tslab: string; readonly srft: string; readonly node: string };
}

interface TslabDisplay {
  javascript(content: string | Uint8Array): void;
  html(content: string | Uint8Array): void;
  markdown(content: string | Uint8Array): void;
  latex(content: string | Uint8Array): void;
  svg(content: string | Uint8Array): void;
  text(content: string | Uint8Array): void;
  pdf(content: string | Uint8Array): void;
  png(content: string | Uint8Array): void;
  jpeg(content: string | Uint8Array): void;
  gif(content: string | Uint8Array): void;
  /** Content of any MIME type. */
  raw(contentType: string, content: string | Uint8Array): void;
}
