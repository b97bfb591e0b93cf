/** A renderer of one MIME type, drawn in untrusted notebooks too: what it draws is data, never code. */

import type { MimeModel, RendererFactory } from "@jupyterlab/rendermime";
import { Widget } from "@lumino/widgets";

/** What draws payloads into an element; an update of the output updates the drawing, so that nothing flickers. */
export interface Drawing {
  update(payload: unknown, trust: { readonly isTrusted: boolean }): void | Promise<void>;
  resize?(): void;
  dispose(): void;
}

/** Makes a drawing in an empty element. */
export type Draw = (host: HTMLElement) => Drawing;

class DrawingView extends Widget {
  readonly #mimeType: string;
  readonly #drawing: Drawing;

  constructor(mimeType: string, draw: Draw) {
    super();
    this.#mimeType = mimeType;
    this.addClass("srft-output");
    const host = document.createElement("div");
    this.node.append(host);
    this.#drawing = draw(host);
  }

  async renderModel(model: MimeModel): Promise<void> {
    try {
      await this.#drawing.update(model.data[this.#mimeType], { isTrusted: model.trusted });
      if (!this.isDisposed) this.#drawing.resize?.();
    } catch (error) {
      this.#showText(model, error);
    }
  }

  /** A payload that cannot be drawn leaves the output's own text, and says why. */
  #showText({ data }: MimeModel, error: unknown) {
    const text = document.createElement("pre");
    const reason = error instanceof Error ? error.message : String(error);
    text.textContent = `${[data["text/plain"] ?? ""].flat().join("")}\n(cannot be drawn: ${reason})`;
    this.node.replaceChildren(text);
  }

  protected override onResize() {
    this.#drawing.resize?.();
  }

  override dispose() {
    if (this.isDisposed) return;
    this.#drawing.dispose();
    super.dispose();
  }
}

/** The factory that JupyterLab asks for a renderer of the MIME type. */
export function drawingFactory(mimeType: string, draw: Draw): RendererFactory {
  return {
    safe: true,
    mimeTypes: [mimeType],
    createRenderer: () => new DrawingView(mimeType, draw),
  };
}
