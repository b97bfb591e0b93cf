/**
 * How far apart the next-token distributions P and Q of two [T, V] arrays of logits are, row by row, from the whole
 * vocabulary: WASM SIMD on several threads. `divergenceRows` is the same in float64, one row at a time; definitions and the
 * meaning of −Infinity are those of ../analysis/divergences.ts.
 *
 * Exponentials and logarithms are float32, sums float32 within 1024 logits and float64 beyond: errors against float64 stay
 * below 1e-5, or relatively 1e-4. A logit that lies 88 nats below the row's largest has probability 0.
 */

import { checkFormat, type LogitFormat, type Logits, numberOf } from "./logits.ts";
import { isDistribution, nats, type RowJob, type RowKernel, runRows } from "./row-jobs.ts";
import { type ThreadsOption, withThreads } from "./threads.ts";

/** T pairs of rows; kl, reverseKl and js in nats. */
export interface DivergenceStatistics {
  /** KL(P‖Q), [T], in [0, ∞]. */
  readonly kl: Float64Array;
  /** KL(Q‖P), [T]. */
  readonly reverseKl: Float64Array;
  /** Jensen–Shannon, [T], in [0, ln 2]. */
  readonly js: Float64Array;
  /** Total variation, [T], in [0, 1]. */
  readonly tv: Float64Array;
}

export interface DivergenceStatisticsOptions extends LogitFormat {
  /** How many threads to start for this call, or kept ones (`createTokenThreads`). Default: the processor's, at most 8. */
  readonly threads?: ThreadsOption;
}

/**
 * KL both ways, Jensen–Shannon and total variation of every pair of rows.
 *
 * @param p [T, V] logits, unnormalised, or blocks of whole rows; finite or −Infinity, one finite a row.
 * @param q The same of Q; its blocks may be cut elsewhere.
 * @throws {TypeError} If the logits are not of the `dtype`.
 * @throws {RangeError} If the numbers of rows differ, V is out of range, or a row has NaN, +Infinity or no finite logit.
 * @example
 * const { tv } = await divergenceStatistics(Float32Array.of(0, -Infinity), Float32Array.of(0, 0), { vocabularySize: 2 });
 * tv; // Float64Array [0.5]
 */
export async function divergenceStatistics(
  p: Logits,
  q: Logits,
  options: DivergenceStatisticsOptions,
): Promise<DivergenceStatistics> {
  const { vocabularySize, dtype = "float32" } = options;
  checkFormat("divergenceStatistics", { vocabularySize, dtype });
  checkLengths(p, q);
  const rows: Divergence[] = [];
  const kernel = divergenceKernel({ vocabularySize, dtype, rows });
  await withThreads(options.threads, (threads) => runRows([p, q], { vocabularySize, dtype, threads, kernel }));
  return {
    kl: Float64Array.from(rows, ({ kl }) => kl),
    reverseKl: Float64Array.from(rows, ({ reverseKl }) => reverseKl),
    js: Float64Array.from(rows, ({ js }) => js),
    tv: Float64Array.from(rows, ({ tv }) => tv),
  };
}

function checkLengths(p: Logits, q: Logits) {
  if (!ArrayBuffer.isView(p) || !ArrayBuffer.isView(q) || p.length === q.length) return;
  throw new RangeError(
    `divergenceStatistics: expected two arrays of one length but found ${p.length} and ${q.length} logits`,
  );
}

type Divergence = { readonly [name in keyof DivergenceStatistics]: number };
type DivergenceWork = Required<LogitFormat> & { readonly rows: Divergence[] };

function divergenceKernel({ vocabularySize, dtype, rows }: DivergenceWork): RowKernel {
  return {
    name: "divergenceStatistics",
    inputNames: [" of p", " of q"],
    resultBytes: 64,
    call: (job) => ({
      kernel: "divergenceRows",
      args: [...job.logits, numberOf(dtype), job.rows, vocabularySize, job.results],
    }),
    take: (job) => take(job, rows),
  };
}

function take(job: RowJob, rows: Divergence[]) {
  const records = new Float64Array(job.buffer, job.results, job.rows * 8);
  for (let row = 0; row < job.rows; row++) {
    const fields = records.subarray(row * 8, row * 8 + 8) as unknown as Fields;
    const [maximumP, maximumQ, totalP, totalQ, forward, backward, js, tv] = fields;
    const sums = forward + backward;
    if (!isDistribution({ maximum: maximumP, total: totalP, sums })) return row;
    if (!isDistribution({ maximum: maximumQ, total: totalQ, sums })) return row;
    const shift = Math.log(totalQ) - Math.log(totalP);
    rows[job.first + row] = {
      kl: Math.max(nats(forward / totalP) + shift, 0),
      reverseKl: Math.max(nats(backward / totalQ) - shift, 0),
      js: Math.min(Math.max(nats(js / 2), 0), Math.LN2),
      tv: Math.min(tv / 2, 1),
    };
  }
  return -1;
}

/** As the kernel's record says. */
type Fields = [number, number, number, number, number, number, number, number];
