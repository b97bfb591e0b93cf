/**
 * Measures ours against a named peer, in turn, and prints a table: npm run bench -- engine [--json]
 * A row without its peer says so and is not ok; the exit code is 1 when a row is not ok.
 */

import { analysisRows } from "./analysis.ts";
import { engineRows } from "./engine.ts";
import { frontendRows } from "./frontend/frontend.ts";
import { gpuRows } from "./gpu.ts";
import { kernelRows } from "./kernel/kernel.ts";
import { methodRows } from "./methods.ts";
import type { BenchRow } from "./row.ts";
import { shiftRows } from "./shift.ts";
import { tokenStatsRows } from "./token-stats.ts";

const subjects: Readonly<Record<string, () => Promise<BenchRow[]>>> = {
  analysis: analysisRows,
  engine: async () => [...(await engineRows()), ...(await tokenStatsRows())],
  gpu: () => gpuRows(process.argv.slice(3)),
  frontend: frontendRows,
  kernel: kernelRows,
  methods: () => methodRows(process.argv.slice(3)),
  shift: () => shiftRows(process.argv.slice(3)),
};

const [subject = "", ...flags] = process.argv.slice(2);
const measure = subjects[subject];
if (!measure) {
  console.error(`bench: expected ${Object.keys(subjects).join(" | ")} but found ${subject || "nothing"}`);
  process.exit(2);
}
const rows = await measure();
if (flags.includes("--json")) console.log(JSON.stringify(rows, undefined, 1));
else console.table(Object.fromEntries(rows.map(({ name, ...row }) => [name, row])));
process.exit(rows.every((row) => row.ok) ? 0 : 1);
