/** Two or more checkpoints of one architecture, read side by side, a piece of every tensor at a time. */

import { type Checkpoint, openCheckpoint } from "../../models/safetensors/open-checkpoint.ts";

/** A tensor that all checkpoints have. */
export interface PairedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Number of its elements. */
  readonly size: number;
  /** Element type in each checkpoint. */
  readonly dtypes: readonly string[];
}

export interface PairedCheckpoints {
  readonly tensors: readonly PairedTensor[];
  /**
   * The same range of a tensor in each checkpoint, range after range; the arrays are filled again for the next.
   *
   * @param multiple Elements of a range are a multiple of it.
   * @throws {RangeError} If a weight is not finite.
   */
  pieces(tensor: PairedTensor, multiple?: number): AsyncGenerator<Piece>;
  close(): Promise<void>;
}

export interface Piece {
  readonly start: number;
  /** One array a checkpoint. */
  readonly weights: readonly Float32Array[];
}

export interface PairOptions {
  /** Which tensors. Default: all; both checkpoints must have the same. */
  readonly only?: (name: string) => boolean;
}

const pieceElements = 2 ** 20;

/**
 * Opens checkpoints that have the same tensors.
 *
 * @throws {RangeError} If a tensor is missing in one of them or has another shape; names it.
 * @example
 * const pair = await openPaired(["models/tiny-qwen2", "models/tiny-qwen2"], {});
 * pair.tensors.length; // 26
 * await pair.close();
 */
export async function openPaired(
  paths: readonly string[],
  { only = () => true }: PairOptions,
): Promise<PairedCheckpoints> {
  const opened: Checkpoint[] = [];
  const close = async () => {
    for (const checkpoint of opened) await checkpoint.close();
  };
  try {
    for (const path of paths) opened.push(await openCheckpoint(path));
    const tensors = pairedTensors(opened, only);
    return { tensors, close, pieces: (tensor, multiple = 1) => pieces(opened, tensor, multiple) };
  } catch (error) {
    await close();
    throw error;
  }
}

function pairedTensors(checkpoints: readonly Checkpoint[], only: (name: string) => boolean): PairedTensor[] {
  const names = [...new Set(checkpoints.flatMap(({ tensors }) => [...tensors.keys()]))].filter(only);
  if (names.length === 0) throw new RangeError("parameterDiff: expected a tensor but found none; see only");
  return names.map((name) => {
    const found = checkpoints.map((checkpoint) => {
      const tensor = checkpoint.tensors.get(name);
      if (tensor) return tensor;
      throw new RangeError(
        `parameterDiff: expected ${name} in ${checkpoint.path} but found it in another checkpoint only; leave it out with only`,
      );
    });
    const [{ shape }] = found as [(typeof found)[number]];
    const other = found.findIndex((tensor) => tensor.shape.join() !== shape.join());
    if (other >= 0) {
      throw new RangeError(
        `parameterDiff: expected ${name} of shape [${shape}] in ${checkpoints[other]!.path} but found [${found[other]!.shape}]`,
      );
    }
    const size = shape.reduce((a, b) => a * b, 1);
    return { name, shape, size, dtypes: found.map(({ dtype }) => dtype) };
  });
}

async function* pieces(
  checkpoints: readonly Checkpoint[],
  { name, size }: PairedTensor,
  multiple: number,
): AsyncGenerator<Piece> {
  const length = Math.max(1, Math.floor(pieceElements / multiple)) * multiple;
  const buffers = checkpoints.map(() => new Float32Array(Math.min(length, size)));
  for (let start = 0; start < size; start += length) {
    const weights = buffers.map((buffer) => buffer.subarray(0, Math.min(length, size - start)));
    await Promise.all(checkpoints.map((checkpoint, i) => checkpoint.readRange(name, weights[i]!, start)));
    yield { start, weights };
  }
}
