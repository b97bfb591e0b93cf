/**
 * Training curves: reward, entropy and the weights of the SFT and the RL term over the steps, a colour a method.
 *
 * With several seeds of one name the line is their mean and the band mean ± s (sample standard deviation, n − 1) at
 * each step, over the seeds that have the step; a step that only one seed has gets no band.
 */

import { colorOf, createFigure, type Figure, literal } from "../figure.ts";
import type { Trace } from "../plotly/static-svg.ts";

/** What a step record gives to the curves; `train` yields more. */
export interface CurveRecord {
  readonly step: number;
  /** Mean reward of the rollouts; absent for steps without any. */
  readonly reward?: number | undefined;
  /** Mean token entropy, in nats. */
  readonly entropy: number;
  readonly weights: { readonly sft: number; readonly rl: number };
}

export interface TrainingRun {
  /** Method, such as "SRFT"; runs of one name are seeds of it. */
  readonly name: string;
  readonly seed: number;
  readonly records: readonly CurveRecord[];
}

const panels = [
  { label: "reward", unit: "reward", of: (record: CurveRecord) => record.reward },
  { label: "entropy", unit: "entropy (nats)", of: (record: CurveRecord) => record.entropy },
  { label: "SFT weight", unit: "w<sub>SFT</sub>", of: (record: CurveRecord) => record.weights.sft },
  { label: "RL weight", unit: "w<sub>RL</sub>", of: (record: CurveRecord) => record.weights.rl },
] as const;

/**
 * Draws reward, entropy, w_SFT and w_RL over the steps.
 *
 * @throws {RangeError} If there is no run, a run has no record, or a method has a seed twice.
 * @example
 * trainingCurves([{ name: "SRFT", seed: 7, records }]).summary; // "Training curves: SRFT ends at reward …"
 */
export function trainingCurves(runs: readonly TrainingRun[]): Figure {
  checkRuns(runs);
  const names = [...new Set(runs.map(({ name }) => name))];
  const methods = names.map((name) => runs.filter((run) => run.name === name));
  const data = methods.flatMap((method, m) =>
    panels.flatMap((panel, p) => panelTraces(method, { of: panel.of, panel: p, color: colorOf(m) })),
  );
  const seeds = names.map((name, m) => `${name} ${methods[m]!.map(({ seed }) => seed).join(", ")}`).join("; ");
  const several = methods.some((method) => method.length > 1);
  return createFigure({
    title: "Training curves",
    caption: `seeds: ${seeds}${several ? "; band: mean ± s over seeds" : "; one run each"}`,
    summary: `Training curves: ${methods.map(lastValues).join("; ")}`,
    data,
    layout: {
      ...panelAxes(),
      height: 560,
      margin: { l: 70, r: 20, t: 90, b: 70 },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" },
    },
  });
}

function checkRuns(runs: readonly TrainingRun[]) {
  if (runs.length === 0) throw new RangeError("trainingCurves: expected at least one run but found none");
  const seen = new Set<string>();
  for (const { name, seed, records } of runs) {
    if (records.length === 0) throw new RangeError(`trainingCurves: expected records of ${name}, seed ${seed}`);
    const key = JSON.stringify([name, seed]);
    if (seen.has(key))
      throw new RangeError(`trainingCurves: expected ${name} to have each seed once but found ${seed} twice`);
    seen.add(key);
  }
}

function panelTraces(
  method: readonly TrainingRun[],
  { of, panel, color }: { of: (record: CurveRecord) => number | undefined; panel: number; color: string },
) {
  const points = meanPoints(method, of);
  if (points.length === 0) return [];
  const name = literal(method[0]!.name);
  const place: Trace = { xaxis: `x${panel + 1}`, yaxis: `y${panel + 1}`, legendgroup: name, type: "scatter" };
  const line: Trace = {
    ...place,
    name,
    showlegend: panel === 1,
    mode: "lines",
    line: { color, width: 2 },
    x: points.map(({ step }) => step),
    y: points.map(({ mean }) => mean),
  };
  const banded = points.filter(({ n }) => n > 1);
  if (banded.length === 0) return [line];
  const band: Trace = {
    ...place,
    name,
    showlegend: false,
    hoverinfo: "skip",
    mode: "lines",
    line: { width: 0 },
    fill: "toself",
    fillcolor: `${color}33`,
    x: [...banded.map(({ step }) => step), ...banded.map(({ step }) => step).reverse()],
    y: [...banded.map(({ mean, s }) => mean + s), ...banded.map(({ mean, s }) => mean - s).reverse()],
  };
  return [band, line];
}

/** Mean and sample standard deviation over the seeds, at each step where a seed has a value. */
function meanPoints(method: readonly TrainingRun[], of: (record: CurveRecord) => number | undefined) {
  const values = new Map<number, number[]>();
  for (const record of method.flatMap(({ records }) => records)) {
    const value = of(record);
    if (value !== undefined) values.set(record.step, [...(values.get(record.step) ?? []), value]);
  }
  return [...values]
    .sort(([a], [b]) => a - b)
    .map(([step, all]) => {
      const n = all.length;
      const mean = all.reduce((sum, value) => sum + value, 0) / n;
      const squares = all.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      return { step, n, mean, s: n > 1 ? Math.sqrt(squares / (n - 1)) : 0 };
    });
}

function lastValues(method: readonly TrainingRun[]) {
  const last = (of: (record: CurveRecord) => number | undefined) => meanPoints(method, of).at(-1)?.mean.toFixed(3);
  const reward = last(({ reward }) => reward);
  const ending = reward === undefined ? "no reward" : `reward ${reward}`;
  return `${method[0]!.name} ends at ${ending}, entropy ${last(({ entropy }) => entropy)} nats`;
}

function panelAxes() {
  const domains = [
    [0, 0.44],
    [0.56, 1],
  ] as const;
  const axes = panels.map(({ unit }, p) => {
    const [column, row] = [p % 2, Math.floor(p / 2)];
    const x = { domain: domains[column], anchor: `y${p + 1}`, title: { text: row === 1 ? "step" : "" } };
    const y = { domain: domains[1 - row], anchor: `x${p + 1}`, title: { text: unit } };
    return { [axisKey("xaxis", p)]: x, [axisKey("yaxis", p)]: y };
  });
  return Object.assign({}, ...axes) as Record<string, unknown>;
}

function axisKey(axis: "xaxis" | "yaxis", panel: number) {
  return panel === 0 ? axis : `${axis}${panel + 1}`;
}
