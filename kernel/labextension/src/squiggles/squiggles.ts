/** Wavy lines below parts of a cell; its first edit removes them all. */

import { StateEffect, StateField, type Transaction } from "@codemirror/state";
import { Decoration, type DecorationSet, EditorView } from "@codemirror/view";
import { type Diagnostic, rangeIn } from "./positions.ts";

const setMarks = StateEffect.define<DecorationSet>();

const field = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, { docChanged, effects }: Transaction) {
    const set = effects.find((effect) => effect.is(setMarks));
    if (set) return set.value as DecorationSet;
    return docChanged ? Decoration.none : marks;
  },
  provide: (own) => EditorView.decorations.from(own),
});

const wavy = (color: string) => ({ textDecoration: `underline wavy ${color} 1px`, textUnderlineOffset: "3px" });

const theme = EditorView.baseTheme({
  ".srft-squiggle-error": wavy("var(--jp-error-color1, #d32f2f)"),
  ".srft-squiggle-warning": wavy("var(--jp-warn-color1, #f57c00)"),
});

/** Underlines what diagnostics speak of, in place of what was underlined before. */
export function showSquiggles(editor: EditorView, diagnostics: readonly Diagnostic[]): void {
  const ranges = diagnostics.flatMap((diagnostic) => {
    const range = rangeIn(editor.state.doc, diagnostic);
    if (!range) return [];
    const kind = (diagnostic.severity ?? "error") === "error" ? "error" : "warning";
    const attributes = { title: String(diagnostic.message) };
    return [Decoration.mark({ class: `srft-squiggle srft-squiggle-${kind}`, attributes }).range(range.from, range.to)];
  });
  const isThere = editor.state.field(field, false) !== undefined;
  const install = isThere ? [] : [StateEffect.appendConfig.of([field, theme])];
  editor.dispatch({ effects: [...install, setMarks.of(Decoration.set(ranges, true))] });
}

/** Removes the lines. */
export function clearSquiggles(editor: EditorView): void {
  if (editor.state.field(field, false) !== undefined) editor.dispatch({ effects: [setMarks.of(Decoration.none)] });
}
