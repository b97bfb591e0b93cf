/**
 * What [T, V] logits say of T labels, from the whole vocabulary, at memory speed: WASM SIMD on several threads.
 *
 *     log π(y) = x_y − m − log Z,   H = log Z − Σ_v e^(x_v − m) (x_v − m) / Z,   Z = Σ_v e^(x_v − m),   m = max_v x_v
 *
 * Exponentials are float32 (relative error < 2e-7), sums float32 within 1024 logits and float64 beyond: errors against
 * float64 stay below 1e-5. A logit of −Infinity has probability 0, and so has one that lies 88 nats below the largest.
 * Ranks and ties are those of `rankOf` and `topK`: equals share the best rank, and the smaller id comes first.
 */

import { checkFormat, type LogitFormat, type Logits, numberOf } from "./logits.ts";
import { isDistribution, nats, type RowJob, type RowKernel, runRows } from "./row-jobs.ts";
import { type ThreadsOption, withThreads } from "./threads.ts";

/** T rows' statistics; log-probs and entropies in nats. */
export interface TokenStatistics {
  /** log π(label), [T]. */
  readonly logprobs: Float64Array;
  /** [T], in [0, ln V]. */
  readonly entropies: Float64Array;
  /** The largest logit, [T]. */
  readonly maxima: Float64Array;
  /** Its token id, the smallest of equals, [T]. */
  readonly argmax: Int32Array;
  /** 1 + the number of tokens with a larger logit than the label, [T]. */
  readonly ranks: Int32Array;
  /** The k likeliest tokens in descending order, [T, k]. */
  readonly topIds: Int32Array;
  /** Their log-probs, [T, k]. */
  readonly topLogprobs: Float64Array;
}

export interface TokenStatisticsOptions extends LogitFormat {
  /** k, 0 … min(V, 1024). Default 0. */
  readonly topK?: number;
  /** How many threads to start for this call, or kept ones (`createTokenThreads`). Default: the processor's, at most 8. */
  readonly threads?: ThreadsOption;
}

const recordBytes = 48;

/**
 * Log-prob and rank of a label, entropy, maximum and likeliest tokens of every row.
 *
 * @param logits [T, V], unnormalised, or blocks of whole rows; finite or −Infinity, one finite a row.
 * @param labels Token ids, [T].
 * @throws {TypeError} If the logits are not of the `dtype`.
 * @throws {RangeError} If lengths do not fit, a label is outside [0, V), V or k is out of range, or a row has NaN, +Infinity
 *   or no finite logit.
 * @example
 * const { logprobs, ranks } = await tokenStatistics(Float32Array.of(0, 0, 1, 3), [0, 0], { vocabularySize: 2 });
 * logprobs; // Float64Array [-0.693…, -2.126…]
 * ranks; // Int32Array [1, 2]
 */
export async function tokenStatistics(
  logits: Logits,
  labels: ArrayLike<number>,
  options: TokenStatisticsOptions,
): Promise<TokenStatistics> {
  const { vocabularySize, dtype = "float32", topK = 0 } = options;
  const name = "tokenStatistics";
  checkFormat(name, { vocabularySize, dtype });
  checkTopK(topK, vocabularySize);
  checkLabels(labels, vocabularySize);
  checkLength(logits, labels.length * vocabularySize);
  const statistics = columns(labels.length, topK);
  const kernel = tokenKernel({ labels, vocabularySize, dtype, topK, statistics });
  const rows = await withThreads(options.threads, (threads) =>
    runRows([logits], { vocabularySize, dtype, threads, kernel }),
  );
  if (rows !== labels.length) throw wrongRows(labels.length, `${rows}`);
  return statistics;
}

function checkTopK(topK: number, vocabularySize: number) {
  const most = Math.min(vocabularySize, 1024);
  if (!(Number.isInteger(topK) && topK >= 0 && topK <= most)) {
    throw new RangeError(`tokenStatistics: expected an integer topK in [0, ${most}] but found ${topK}`);
  }
}

function checkLabels(labels: ArrayLike<number>, vocabularySize: number) {
  for (let row = 0; row < labels.length; row++) {
    const label = labels[row]!;
    if (!(Number.isInteger(label) && label >= 0 && label < vocabularySize)) {
      throw new RangeError(
        `tokenStatistics: expected labels in [0, ${vocabularySize}) but found ${label} in row ${row}: ` +
          "leave out rows that have no label",
      );
    }
  }
}

function checkLength(logits: Logits, length: number) {
  if (!ArrayBuffer.isView(logits) || logits.length === length) return;
  throw new RangeError(
    `tokenStatistics: expected ${length} logits, V a label, but found ${logits.length}: give one label a row`,
  );
}

const wrongRows = (labels: number, rows: string) =>
  new RangeError(`tokenStatistics: expected one row a label, ${labels}, but found ${rows} rows`);

function columns(rows: number, topK: number): TokenStatistics {
  return {
    logprobs: new Float64Array(rows),
    entropies: new Float64Array(rows),
    maxima: new Float64Array(rows),
    argmax: new Int32Array(rows),
    ranks: new Int32Array(rows),
    topIds: new Int32Array(rows * topK),
    topLogprobs: new Float64Array(rows * topK),
  };
}

interface TokenWork extends Required<LogitFormat> {
  readonly labels: ArrayLike<number>;
  readonly topK: number;
  readonly statistics: TokenStatistics;
}

function tokenKernel(work: TokenWork): RowKernel {
  const { labels, vocabularySize, dtype, topK } = work;
  return {
    name: "tokenStatistics",
    inputNames: [""],
    resultBytes: recordBytes + 8 * topK + 4,
    call(job) {
      const { first, rows, logits, buffer } = job;
      if (first + rows > labels.length) throw wrongRows(labels.length, `${first + rows} or more`);
      const at = layout(job, topK);
      const ids = new Int32Array(buffer, at.labels, rows);
      for (let row = 0; row < rows; row++) ids[row] = labels[first + row]!;
      const shape = [numberOf(dtype), rows, vocabularySize];
      return {
        kernel: "tokenRows",
        args: [logits[0]!, ...shape, at.labels, at.records, topK, at.topLogits, at.topIds],
      };
    },
    take: (job) => take(job, work),
  };
}

/** Addresses in the slot's results. */
function layout({ results, rows }: RowJob, topK: number) {
  const topLogits = results + rows * recordBytes;
  const topIds = topLogits + rows * topK * 4;
  return { records: results, topLogits, topIds, labels: topIds + rows * topK * 4 };
}

function take(job: RowJob, { vocabularySize, topK, statistics }: TokenWork) {
  const at = layout(job, topK);
  const records = new Float64Array(job.buffer, at.records, job.rows * 6);
  const topLogits = new Float32Array(job.buffer, at.topLogits, job.rows * topK);
  for (let row = 0; row < job.rows; row++) {
    const [maximum, total, weighted, labelLogit, argmax, rank] = records.subarray(
      row * 6,
      row * 6 + 6,
    ) as unknown as Fields;
    if (!isDistribution({ maximum, total, sums: weighted })) return row;
    const [t, logTotal] = [job.first + row, Math.log(total)];
    statistics.logprobs[t] = labelLogit - maximum - logTotal;
    statistics.entropies[t] = Math.min(Math.max(logTotal - nats(weighted / total), 0), Math.log(vocabularySize));
    statistics.maxima[t] = maximum;
    statistics.argmax[t] = argmax;
    statistics.ranks[t] = rank;
    for (let k = 0; k < topK; k++) {
      statistics.topLogprobs[t * topK + k] = topLogits[row * topK + k]! - maximum - logTotal;
    }
  }
  statistics.topIds.set(new Int32Array(job.buffer, at.topIds, job.rows * topK), job.first * topK);
  return -1;
}

/** maximum, Σ e^(x−m), Σ e^(x−m) (x−m) log2 e, the label's logit, argmax, rank. */
type Fields = [number, number, number, number, number, number];
