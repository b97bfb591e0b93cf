/**
 * The parts of JupyterLab 4 that the extension speaks to. JupyterLab gives the packages at run time, from the scope it
 * shares with extensions; declaring what is used keeps the build free of them.
 */

declare module "@lumino/widgets" {
  export class Widget {
    readonly node: HTMLElement;
    readonly isDisposed: boolean;
    readonly parent: Widget | null;
    addClass(name: string): void;
    dispose(): void;
    protected onResize(message: unknown): void;
    protected onAfterAttach(message: unknown): void;
    protected onBeforeDetach(message: unknown): void;
  }
}

declare module "@jupyterlab/rendermime" {
  import type { Widget } from "@lumino/widgets";
  export interface MimeModel {
    readonly trusted: boolean;
    readonly data: Readonly<Record<string, unknown>>;
    setData(options: { readonly data?: Readonly<Record<string, unknown>> }): void;
  }
  export interface RendererFactory {
    readonly safe: boolean;
    readonly mimeTypes: readonly string[];
    readonly defaultRank?: number;
    createRenderer(options: unknown): Widget & { renderModel(model: MimeModel): Promise<void> };
  }
  export interface IRenderMimeRegistry {
    addFactory(factory: RendererFactory, rank?: number): void;
  }
}

declare module "@jupyterlab/application" {
  import type { Widget } from "@lumino/widgets";
  export interface CommandOptions {
    readonly label: string;
    readonly caption?: string;
    readonly isEnabled?: () => boolean;
    readonly execute: (args: Readonly<Record<string, unknown>>) => unknown;
  }
  export interface JupyterFrontEnd {
    readonly commands: {
      addCommand(id: string, options: CommandOptions): void;
      execute(id: string, args?: Readonly<Record<string, unknown>>): Promise<unknown>;
    };
    readonly shell: { readonly currentWidget: Widget | null };
    readonly serviceManager: {
      readonly contents: {
        get(
          folder: string,
          options: { readonly content: true },
        ): Promise<{ readonly content: readonly { readonly name: string }[] }>;
        save(path: string, options: Readonly<Record<string, unknown>>): Promise<{ readonly path: string }>;
      };
    };
  }
  export interface JupyterFrontEndPlugin {
    readonly id: string;
    readonly description: string;
    readonly autoStart: true;
    readonly requires?: readonly unknown[];
    readonly optional?: readonly unknown[];
    readonly activate: (app: JupyterFrontEnd, ...services: any[]) => void;
  }
}

declare module "@jupyterlab/launcher" {
  export interface ILauncher {
    add(item: {
      readonly command: string;
      readonly category: string;
      readonly rank: number;
      readonly kernelIconUrl?: string;
    }): void;
  }
  export const ILauncher: unknown;
}

declare module "@jupyterlab/mainmenu" {
  export interface IMainMenu {
    readonly helpMenu: { addGroup(items: readonly { readonly command: string }[], rank: number): void };
  }
  export const IMainMenu: unknown;
}

declare module "@jupyterlab/apputils" {
  export interface ICommandPalette {
    addItem(item: { readonly command: string; readonly category: string }): void;
  }
  export const ICommandPalette: unknown;
}

declare module "@jupyterlab/notebook" {
  import type { IRenderMimeRegistry } from "@jupyterlab/rendermime";
  import type { Widget } from "@lumino/widgets";

  interface Signal<Args> {
    connect(slot: (sender: unknown, args: Args) => void): boolean;
    disconnect(slot: (sender: unknown, args: Args) => void): boolean;
  }
  export interface KernelMessage {
    readonly header: { readonly msg_type: string };
    readonly content: Readonly<Record<string, unknown>>;
    readonly buffers?: readonly (ArrayBuffer | ArrayBufferView)[];
  }
  export interface KernelComm {
    readonly isDisposed: boolean;
    onMsg: (message: KernelMessage) => void;
    onClose: (message: KernelMessage) => void;
    open(data: unknown): unknown;
    send(data: unknown, metadata?: object, buffers?: readonly ArrayBufferView[]): unknown;
    close(): unknown;
  }
  export interface KernelConnection {
    readonly isDisposed: boolean;
    readonly handleComms: boolean;
    readonly status: string;
    readonly statusChanged: Signal<string>;
    readonly disposed: Signal<void>;
    createComm(target: string): KernelComm;
  }
  export interface SessionContext {
    readonly ready: Promise<void>;
    readonly session: { readonly kernel: KernelConnection | null } | null;
    readonly kernelChanged: Signal<unknown>;
    readonly iopubMessage: Signal<KernelMessage>;
  }
  export interface OutputModel {
    readonly data: Readonly<Record<string, unknown>>;
    setData(options: { readonly data: Readonly<Record<string, unknown>> }): void;
  }
  export interface CodeCell extends Widget {
    readonly editor: { readonly editor?: unknown; replaceSelection?(text: string): void; focus(): void } | null;
    readonly model: {
      readonly type: string;
      readonly outputs?: { readonly length: number; get(index: number): OutputModel };
    };
  }
  export interface NotebookPanel extends Widget {
    readonly content: {
      readonly rendermime: IRenderMimeRegistry;
      readonly widgets: readonly CodeCell[];
      readonly activeCell: CodeCell | null;
    };
    readonly sessionContext: SessionContext;
    readonly disposed: Signal<void>;
  }
  export interface INotebookTracker {
    readonly currentWidget: NotebookPanel | null;
    readonly activeCell: CodeCell | null;
    readonly widgetAdded: Signal<NotebookPanel>;
    forEach(use: (panel: NotebookPanel) => void): void;
  }
  export const INotebookTracker: unknown;
}

declare module "@codemirror/state" {
  export interface Range<Value> {
    readonly from: number;
    readonly to: number;
    readonly value: Value;
  }
  export interface Transaction {
    readonly docChanged: boolean;
    readonly effects: readonly { readonly value: unknown; is(type: unknown): boolean }[];
  }
  export const StateEffect: {
    define<Value>(): { of(value: Value): object };
    readonly appendConfig: { of(extension: unknown): object };
  };
  export const StateField: {
    define<Value>(spec: {
      create(): Value;
      update(value: Value, transaction: Transaction): Value;
      provide(field: object): unknown;
    }): object;
  };
}

declare module "@codemirror/view" {
  import type { Range } from "@codemirror/state";
  export interface DecorationSet {
    readonly size: number;
  }
  export const Decoration: {
    readonly none: DecorationSet;
    mark(spec: object): { range(from: number, to: number): Range<unknown> };
    set(ranges: readonly Range<unknown>[], sort: boolean): DecorationSet;
  };
  export class EditorView {
    static readonly decorations: { from(field: object): unknown };
    static baseTheme(rules: Readonly<Record<string, Readonly<Record<string, string>>>>): unknown;
    readonly state: {
      readonly doc: {
        readonly lines: number;
        line(n: number): { readonly from: number; readonly to: number; readonly text: string };
      };
      field(field: object, require: false): unknown;
    };
    dispatch(spec: { readonly effects?: readonly object[]; readonly selection?: { readonly anchor: number } }): void;
    focus(): void;
  }
}

declare module "plotly.js-basic-dist-min" {
  const plotly: import("./renderers/plotly.ts").Plotly;
  export default plotly;
}

declare module "plotly.js-dist-min" {
  const plotly: import("./renderers/plotly.ts").Plotly;
  export default plotly;
}

declare module "srft-tour" {
  const notebook: object;
  export default notebook;
}

declare module "srft-icon" {
  const dataUrl: string;
  export default dataUrl;
}
