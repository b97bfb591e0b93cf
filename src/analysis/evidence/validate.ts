/**
 * Finds log-probs that are not what they claim to be. Each kind is a bug that was met: lists renormalised to sum to 1
 * (AlignTDS), sampled at a temperature but scored without it (TRL, prime-rl, NeMo-RL), cut by top-p, shifted by one token.
 *
 * Findings are evidence, not proof: "error" is what no distribution can be, "warning" what a right one hardly is.
 */

import type { ModelColumns, TokenColumns } from "../token-table.ts";

export type FindingKind = "unnormalised" | "truncated" | "mistempered" | "misaligned" | "unknown provenance";

export interface Finding {
  readonly kind: FindingKind;
  readonly severity: "error" | "warning";
  /** The model and its column, for example "sft.topLogprobs". */
  readonly column: string;
  /** Rows it was seen in, at most 20; none where it is of the column as a whole. */
  readonly rows: readonly number[];
  /** How many rows there are in all. */
  readonly count: number;
  readonly message: string;
}

/** float32 log-probs of a list of 1,000 sum to 1 within this. */
const slack = 1e-3;
/** Fewer rows do not tell temperatures or shifts apart. */
const fewRows = 30;

/**
 * Checks every model's columns, and the log-probs of the policy that wrote the text.
 *
 * @returns Findings, errors first; none if all seems right.
 * @example
 * validate(table).filter(({ severity }) => severity === "error"); // []
 */
export function validate(table: TokenColumns): Finding[] {
  const models = [table.base, ...table.models];
  const findings = models.flatMap((model) => [
    ...logprobFindings(model),
    ...listFindings(model),
    ...alignmentFindings(model, table),
    ...provenanceFindings(model),
  ]);
  findings.push(...behaviorFindings(table));
  return findings.sort((a, b) => Number(a.severity === "warning") - Number(b.severity === "warning"));
}

/** A finding of the rows for which something holds; none if there are none. */
function finding(rest: Omit<Finding, "rows" | "count">, length: number, isWrong: (row: number) => boolean): Finding[] {
  const rows: number[] = [];
  let count = 0;
  for (let row = 0; row < length; row++) {
    if (!isWrong(row)) continue;
    if (rows.length < 20) rows.push(row);
    count++;
  }
  return count === 0 ? [] : [{ ...rest, rows, count }];
}

function logprobFindings({ name, logprobs, entropies }: ModelColumns): Finding[] {
  const unnormalised = { kind: "unnormalised", severity: "error" } as const;
  return [
    ...finding(
      { ...unnormalised, column: `${name}.logprobs`, message: "log-probs above 0 or NaN: logits, or another column" },
      logprobs.length,
      (row) => !(logprobs[row]! <= slack),
    ),
    ...finding(
      { ...unnormalised, column: `${name}.entropies`, message: "negative entropies: not of a distribution" },
      entropies.length,
      (row) => entropies[row]! < -slack,
    ),
  ];
}

function listFindings(model: ModelColumns): Finding[] {
  const { name, topK = 0, topIds, topLogprobs, logprobs, ranks, coverage = "full" } = model;
  if (topK === 0 || !topIds || !topLogprobs) return [];
  const n = logprobs.length;
  const column = `${name}.topLogprobs`;
  const mass = massOf(topLogprobs, topK);
  const error = { kind: "unnormalised", severity: "error", column } as const;
  const isWhole = (row: number) => Math.abs(mass[row]! - 1) <= 1e-5;
  const findings = [
    ...finding({ ...error, message: "probabilities that sum to more than 1" }, n, (row) => mass[row]! > 1 + slack),
    ...finding({ ...error, message: "a list that is not in descending order" }, n, (row) =>
      isUnordered(topLogprobs, { row, topK }),
    ),
    ...finding(
      {
        kind: "misaligned",
        severity: "error",
        column: `${name}.logprobs`,
        message: "the text's token has another log-prob in the list",
      },
      n,
      (row) => ranks[row]! >= 1 && ranks[row]! <= topK && !agrees(model, row),
    ),
  ];
  const whole = finding(
    {
      kind: "truncated",
      severity: "warning",
      column,
      message:
        "lists whose probabilities sum to 1 although tokens lie beyond them: cut by top-p or top-k, or renormalised",
    },
    n,
    isWhole,
  );
  const beyond = finding(
    { kind: "truncated", severity: "error", column, message: "lists that sum to 1 and a text's token beyond them" },
    n,
    (row) => isWhole(row) && ranks[row] === 0 && logprobs[row]! > -8,
  );
  const isSuspicious = coverage === "top-k" && whole.length > 0 && whole[0]!.count > n / 2;
  return [...findings, ...beyond, ...(isSuspicious ? whole : [])];
}

function massOf(topLogprobs: Float32Array, topK: number) {
  const mass = new Float64Array(topLogprobs.length / topK);
  for (const [i, logprob] of topLogprobs.entries()) mass[Math.floor(i / topK)]! += Math.exp(logprob);
  return mass;
}

function isUnordered(logprobs: Float32Array, { row, topK }: { row: number; topK: number }) {
  for (let i = row * topK + 1; i < (row + 1) * topK; i++) if (!(logprobs[i]! <= logprobs[i - 1]! + 1e-6)) return true;
  return false;
}

/** Whether the log-prob at the text's rank is that of the text's token. */
function agrees({ topK = 0, topLogprobs, logprobs, ranks }: ModelColumns, row: number) {
  return Math.abs(topLogprobs![row * topK + ranks[row]! - 1]! - logprobs[row]!) <= 1e-3;
}

/** The right tokens lie in lists at their own rows more often than at the row before or after. */
function alignmentFindings({ name, topK = 0, topIds }: ModelColumns, { tokens, sequences }: TokenColumns): Finding[] {
  if (topK === 0 || !topIds || tokens.length < fewRows) return [];
  const hits = [-1, 0, 1].map((shift) => {
    let found = 0;
    for (let row = 1; row < tokens.length - 1; row++) {
      if (sequences[row - 1] !== sequences[row + 1]) continue;
      const list = topIds.subarray((row + shift) * topK, (row + shift + 1) * topK);
      if (list.includes(tokens[row]!)) found++;
    }
    return found;
  });
  const [before, here, later] = hits as [number, number, number];
  if (Math.max(before, later) < fewRows / 3 || Math.max(before, later) < 1.5 * here) return [];
  const where = later > before ? "the row after" : "the row before";
  const message = `texts' tokens lie in the lists of ${where} (${Math.max(before, later)} times) and not in their own (${here})`;
  return [{ kind: "misaligned", severity: "error", column: `${name}.topIds`, rows: [], count: tokens.length, message }];
}

function provenanceFindings({ name, provenance }: ModelColumns): Finding[] {
  const about = { severity: "warning", column: name, rows: [], count: 0 } as const;
  if (!provenance)
    return [{ ...about, kind: "unknown provenance", message: "nobody said how the log-probs were made" }];
  const { mode, temperature, topP } = provenance;
  const findings: Finding[] = [];
  if (mode === "raw" && temperature !== 1) {
    const message = `raw log-probs at temperature ${temperature}: raw ones are those of temperature 1`;
    findings.push({ ...about, severity: "error", kind: "mistempered", message });
  }
  if (mode === "processed" && topP < 1) {
    const message = `top-p ${topP} gives tokens beyond it no probability: KL to them is infinite`;
    findings.push({ ...about, kind: "truncated", message });
  }
  return findings;
}

/**
 * Where a model's log-probs are those of sampling but for a factor in the logits: Σ (behaviour − own) is near 0 for the
 * policy that wrote the text, and behaviour ≈ own / T + constant has slope 1 at the right temperature.
 */
function behaviorFindings({ base, models, behaviorLogprobs, sources, sourceIds, offsets }: TokenColumns): Finding[] {
  if (!behaviorLogprobs || !sources || !sourceIds) return [];
  return [base, ...models].flatMap((model): Finding[] => {
    const source = sources.indexOf(`${model.name} rollouts`);
    const first = sourceIds.indexOf(source);
    if (source < 0 || first < 0) return [];
    const rows = { first: offsets[first]!, end: offsets[sourceIds.lastIndexOf(source) + 1]! };
    const slope = slopeOf(model.logprobs, behaviorLogprobs, rows);
    if (slope === undefined || Math.abs(slope - 1) < 0.05) return [];
    const message =
      `log-probs as sampled are ${slope.toFixed(2)} times those scored, slope over the model's own text: ` +
      "sampled at another temperature than it is scored at";
    const column = `${model.name}.logprobs`;
    return [{ kind: "mistempered", severity: "error", column, rows: [], count: rows.end - rows.first, message }];
  });
}

/** Least squares of y on x with an intercept; undefined where there are few rows or no spread. */
function slopeOf(x: Float32Array, y: Float32Array, { first, end }: { first: number; end: number }): number | undefined {
  let [n, sumX, sumY, sumXx, sumXy] = [0, 0, 0, 0, 0];
  for (let row = first; row < end; row++) {
    const [a, b] = [x[row]!, y[row]!];
    if (!Number.isFinite(a) || !Number.isFinite(b)) continue;
    n++;
    sumX += a;
    sumY += b;
    sumXx += a * a;
    sumXy += a * b;
  }
  const spread = sumXx - (sumX * sumX) / n;
  return n >= fewRows && spread > 1e-3 * n ? (sumXy - (sumX * sumY) / n) / spread : undefined;
}
