/** Collects a run's output into the outputs of its cells, as a front end does with the messages. */

import type { Output } from "../link.ts";
import { type CellOutput, joined } from "./notebook.ts";

interface OpenCell {
  readonly outputs: CellOutput[];
  /** A clear_output with wait: the next output takes the place of all before. */
  clearsNext: boolean;
}

type Display = Extract<CellOutput, { output_type: "display_data" }>;

/**
 * Makes a collector. Adjacent pieces of one stream become one output; an update changes every display of its name.
 *
 * @example
 * const outputs = createOutputs();
 * const list: CellOutput[] = [];
 * outputs.open(1, list);
 * outputs.add({ op: "stream", cell: 1, name: "stdout", text: "a" });
 */
export function createOutputs() {
  const cells = new Map<number, OpenCell>();
  const displays = new Map<string, Display[]>();
  const pieces = new Map<CellOutput, string[]>();
  return {
    /** Gives a cell the list that its outputs go to, also the late ones. */
    open: (cell: number, outputs: CellOutput[]) => void cells.set(cell, { outputs, clearsNext: false }),
    add(output: Output) {
      const cell = cells.get(output.cell);
      if (!cell || output.op === "comm") return;
      if (output.op === "clear") return clear(cell, output.wait);
      if (output.op === "display" && output.update) return update(displays.get(output.id ?? ""), output);
      if (cell.clearsNext) clear(cell, false);
      if (output.op === "stream") addText(cell.outputs, output, pieces);
      else addDisplay(cell.outputs, output, displays);
    },
    /** Joins the pieces of streams; call it once everything has come. */
    finish() {
      for (const [output, texts] of pieces) if (output.output_type === "stream") output.text = texts.join("");
      pieces.clear();
    },
  };
}

function clear(cell: OpenCell, wait: boolean) {
  cell.clearsNext = wait;
  if (!wait) cell.outputs.length = 0;
}

type StreamOutput = Extract<Output, { op: "stream" }>;

function addText(outputs: CellOutput[], { name, text }: StreamOutput, pieces: Map<CellOutput, string[]>) {
  const last = outputs.at(-1);
  if (last?.output_type === "stream" && last.name === name) {
    const known = pieces.get(last);
    if (known) known.push(text);
    else last.text = joined(last.text) + text;
    return;
  }
  const output: CellOutput = { output_type: "stream", name, text: "" };
  pieces.set(output, [text]);
  outputs.push(output);
}

type DisplayOutput = Extract<Output, { op: "display" }>;

function addDisplay(outputs: CellOutput[], { data, metadata, id }: DisplayOutput, displays: Map<string, Display[]>) {
  const output: Display = { output_type: "display_data", data, metadata };
  outputs.push(output);
  if (id !== undefined) displays.set(id, [...(displays.get(id) ?? []), output]);
}

function update(shown: readonly Display[] | undefined, { data, metadata }: DisplayOutput) {
  for (const output of shown ?? []) Object.assign(output, { data, metadata });
}
