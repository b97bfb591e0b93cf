/** Tensors of several packages, told by their shape: `dtype` and `shape`, or ONNX Runtime's `type` and `dims`. */

import type { MimeBundle } from "../link.ts";
import { escapeHtml, summary } from "./plain-text.ts";

/** Values that are shown. */
const shownValues = 16;

interface Tensor {
  readonly type: string;
  readonly shape: readonly number[];
  /** Absent while the values are on a device. */
  readonly values?: ArrayLike<number | bigint>;
}

/**
 * The bundle of a tensor, or undefined for what is none.
 *
 * @example
 * tensorBundle({ dtype: "int32", shape: [2], data: [1, 3] })?.["text/plain"]; // "tensor int32 [2]: min 1, max 3, mean 2\n[1, 3]"
 */
export function tensorBundle(shape: Record<string, unknown>): MimeBundle | undefined {
  const tensor = tensorOf(shape);
  if (!tensor) return undefined;
  const { type, values } = tensor;
  const size = tensor.shape.length > 0 ? tensor.shape.join(" × ") : "scalar";
  const numbers = values && values.length > 0 && typeof values[0] === "number" ? values : undefined;
  const about = numbers ? `: ${summary(numbers as ArrayLike<number>)}` : "";
  const head = `tensor ${type} [${size}]${about}`;
  const list = values ? `[${firstOf(values)}]` : "values are on the device";
  const html = `<b>${escapeHtml(head)}</b><pre>${escapeHtml(list)}</pre>`;
  return { "text/html": html, "text/plain": `${head}\n${list}` };
}

function tensorOf(from: Record<string, unknown>): Tensor | undefined {
  const type = from.dtype ?? from.type;
  const shape = from.dtype === undefined ? from.dims : from.shape;
  if (typeof type !== "string" || !isShape(shape)) return undefined;
  const values = readValues(from);
  return { type, shape, ...(values ? { values } : {}) };
}

const isShape = (shape: unknown): shape is number[] => Array.isArray(shape) && shape.every(Number.isInteger);

function readValues(from: Record<string, unknown>) {
  try {
    const values: unknown = typeof from.dataSync === "function" ? from.dataSync() : from.data;
    const isList = Array.isArray(values) || (ArrayBuffer.isView(values) && "length" in values);
    return isList ? (values as unknown as ArrayLike<number | bigint>) : undefined;
  } catch {
    return undefined; // disposed, or on a device
  }
}

function firstOf(values: ArrayLike<number | bigint>) {
  const shown = Array.from({ length: Math.min(values.length, shownValues) }, (_, index) => {
    const value = values[index]!;
    return typeof value === "number" ? String(Number(value.toPrecision(6))) : String(value);
  });
  return `${shown.join(", ")}${values.length > shownValues ? ", …" : ""}`;
}
