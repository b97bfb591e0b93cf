/** A widget as an output: alive while its kernel is, else its last state, which cannot be changed. */

import type { KernelConnection, NotebookPanel } from "@jupyterlab/notebook";
import type { MimeModel, RendererFactory } from "@jupyterlab/rendermime";
import { Widget } from "@lumino/widgets";
import { type Connection, connect, type State } from "./connection.ts";
import { type ControlElement, drawControl } from "./controls.ts";
import { drawCustom } from "./custom-view.ts";

export const widgetType = "application/vnd.srft.widget+json";

/** Milliseconds after a change until the notebook's output is brought up to date. */
const keepDelay = 300;

interface Payload {
  readonly id: string;
  readonly kind: string;
  readonly state: State;
}

class WidgetView extends Widget {
  readonly #panel: NotebookPanel;
  #payload: Payload | undefined;
  #output: MimeModel | undefined;
  #control: ControlElement | undefined;
  #connection: Connection | undefined;
  #kernel: KernelConnection | undefined;
  #leave = () => {};
  #undraw = () => {};
  #timer = 0;

  constructor(panel: NotebookPanel) {
    super();
    this.#panel = panel;
    this.addClass("srft-widget");
    keepKeys(this.node);
    this.node.style.cssText = "font:var(--jp-ui-font-size1)/1.6 var(--jp-ui-font-family);padding:4px 0";
    panel.sessionContext.kernelChanged.connect(this.#reconnect);
  }

  async renderModel(output: MimeModel): Promise<void> {
    this.#output = output;
    const payload = output.data[widgetType] as Payload;
    if (typeof payload?.id !== "string") throw new TypeError("widget: expected a widget with an id");
    const isSame = this.#payload?.id === payload.id && this.#payload.kind === payload.kind;
    this.#payload = payload;
    if (isSame) return this.#show();
    this.#disconnect();
    this.node.replaceChildren();
    this.#control = drawControl(this.node, payload.kind, (value) => this.#connection?.set({ value }));
    this.#show();
    if (!this.#control) this.#showText();
    await this.#reconnect();
  }

  readonly #reconnect = async () => {
    const { sessionContext } = this.#panel;
    await sessionContext.ready;
    const kernel = sessionContext.session?.kernel;
    if (this.isDisposed || !this.#payload || (kernel === this.#kernel && this.#connection)) return;
    this.#disconnect();
    if (!kernel?.handleComms || kernel.isDisposed) return this.#show();
    const connection = connect(kernel, this.#payload.id);
    this.#kernel = kernel;
    this.#connection = connection;
    this.#leave = connection.join({
      changed: () => this.#show(),
      live: () => this.#lives(),
      kept: (bundle) => this.#keep(bundle),
    });
    if (connection.isLive) this.#lives();
  };

  #lives() {
    this.#show();
    const { isLive, source } = this.#connection!;
    this.#undraw();
    this.#undraw = () => {};
    if (isLive && source !== undefined) void this.#drawModule(source);
    else if (source !== undefined) this.#showText();
  }

  async #drawModule(source: string) {
    const connection = this.#connection!;
    this.node.replaceChildren();
    try {
      const undraw = await drawCustom(this.node, connection, source);
      if (this.isDisposed || this.#connection !== connection) undraw();
      else this.#undraw = undraw;
    } catch (error) {
      this.node.textContent = `This widget's view failed: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  #show() {
    const connection = this.#connection;
    const isLive = connection?.isLive === true;
    this.node.dataset.live = String(isLive);
    this.node.title = isLive ? "" : "This control's kernel is gone: run its cell to use it";
    if (this.#payload) this.#control?.show(isLive ? connection.state : this.#payload.state, isLive);
  }

  #showText() {
    this.node.textContent = [this.#output?.data["text/plain"] ?? ""].flat().join("");
  }

  #keep(bundle: State) {
    clearTimeout(this.#timer);
    this.#timer = window.setTimeout(() => {
      if (!this.isDisposed) this.#output?.setData({ data: bundle });
    }, keepDelay);
  }

  #disconnect() {
    this.#undraw();
    this.#undraw = () => {};
    this.#leave();
    this.#leave = () => {};
    this.#connection = undefined;
  }

  override dispose() {
    if (this.isDisposed) return;
    clearTimeout(this.#timer);
    this.#panel.sessionContext.kernelChanged.disconnect(this.#reconnect);
    this.#disconnect();
    super.dispose();
  }
}

/** Else arrow keys in a control move through the cells: shortcuts are looked for from the document, scrolling from above. */
function keepKeys(node: HTMLElement) {
  node.dataset.lmSuppressShortcuts = "true";
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") event.stopPropagation();
  });
}

/** Draws the widgets of one notebook. */
export const widgetFactory = (panel: NotebookPanel): RendererFactory => ({
  safe: true,
  mimeTypes: [widgetType],
  createRenderer: () => new WidgetView(panel),
});
