/** The output that lists a cell's type errors, and underlines them in the cell until it is edited or run again; never in another source. */

import { EditorView } from "@codemirror/view";
import type { CodeCell, NotebookPanel } from "@jupyterlab/notebook";
import type { MimeModel, RendererFactory } from "@jupyterlab/rendermime";
import { Widget } from "@lumino/widgets";
import { sourceHash } from "../../../cell/source-hash.ts";
import { type Diagnostic, rangeIn } from "./positions.ts";
import { clearSquiggles, showSquiggles } from "./squiggles.ts";

export const diagnosticsType = "application/vnd.srft.diagnostics+json";

interface Payload {
  readonly diagnostics?: readonly Diagnostic[];
  /** Of the cell that was checked. */
  readonly source_hash?: string;
}

class DiagnosticsView extends Widget {
  readonly #panel: NotebookPanel;
  #diagnostics: readonly Diagnostic[] = [];
  #sourceHash: string | undefined;
  #marked: EditorView | undefined;
  #waiting = 0;

  constructor(panel: NotebookPanel) {
    super();
    this.#panel = panel;
    this.addClass("srft-diagnostics");
  }

  async renderModel({ data }: MimeModel): Promise<void> {
    const payload = data[diagnosticsType] as Payload | undefined;
    this.#sourceHash = payload?.source_hash;
    this.#diagnostics = Array.isArray(payload?.diagnostics) ? payload.diagnostics : [];
    this.node.replaceChildren(...this.#diagnostics.map((diagnostic) => this.#line(diagnostic)));
    this.#mark();
  }

  #line(diagnostic: Diagnostic): HTMLElement {
    const { message, code, severity = "error", start } = diagnostic;
    const line = document.createElement("button");
    line.type = "button";
    line.dataset.severity = String(severity);
    line.textContent = `${start.line}:${start.column + 1} ${code === undefined ? "" : `TS${code} `}${message}`;
    line.style.cssText =
      "display:block;border:0;background:none;text-align:left;cursor:pointer;white-space:pre-wrap;padding:1px 0;" +
      "font:var(--jp-code-font-size)/1.4 var(--jp-code-font-family);" +
      `color:var(${severity === "error" ? "--jp-error-color1" : "--jp-warn-color1"})`;
    line.addEventListener("click", () => this.#goTo(diagnostic));
    return line;
  }

  #goTo(diagnostic: Diagnostic) {
    const editor = this.#editor();
    const range = editor && this.#isOf(editor) && rangeIn(editor.state.doc, diagnostic);
    if (!range) return;
    editor.dispatch({ selection: { anchor: range.from } });
    editor.focus();
  }

  #editor(): EditorView | undefined {
    const cell = cellAround(this.#panel, this.node);
    const editor = cell?.editor?.editor;
    return editor instanceof EditorView ? editor : undefined;
  }

  /** Places in a source mean nothing in another; outputs that name none are taken at their word. */
  #isOf({ state }: EditorView) {
    return this.#sourceHash === undefined || this.#sourceHash === sourceHash(String(state.doc));
  }

  /** The editor of a cell that is still being laid out is there some frames later. */
  #mark(frames = 60) {
    cancelAnimationFrame(this.#waiting);
    if (this.isDisposed || !this.node.isConnected) return;
    const editor = this.#editor();
    if (!editor) {
      if (frames > 0) this.#waiting = requestAnimationFrame(() => this.#mark(frames - 1));
      return;
    }
    this.#marked = editor;
    if (this.#isOf(editor)) showSquiggles(editor, this.#diagnostics);
    else clearSquiggles(editor);
  }

  protected override onAfterAttach() {
    this.#mark();
  }

  override dispose() {
    if (this.isDisposed) return;
    cancelAnimationFrame(this.#waiting);
    if (this.#marked) clearSquiggles(this.#marked);
    super.dispose();
  }
}

const cellAround = ({ content }: NotebookPanel, node: HTMLElement): CodeCell | undefined =>
  content.widgets.find((cell) => cell.node.contains(node));

/** Lists diagnostics below the cells of a notebook. */
export const diagnosticsFactory = (panel: NotebookPanel): RendererFactory => ({
  safe: true,
  mimeTypes: [diagnosticsType],
  createRenderer: () => new DiagnosticsView(panel),
});
