import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";

/** 1,000 positions x 2 models x 151,936 tokens are 1.2 GB of logits; a fresh process says the most it held. */
const script = `
import { tokenShift } from ${JSON.stringify(new URL("../../src/analysis/token-shift.js", import.meta.url).href)};
const [positions, vocabularySize] = [1000, 151936];
const noise = Float32Array.from({ length: 2 ** 20 }, (_, i) => 6 * Math.sin(i * i));
const reader = (seed) => ({
  vocabularySize,
  contextLength: 4096,
  async *logitBlocks(_, { rows }) {
    const buffer = new Float32Array(rows * vocabularySize);
    for (let first = 0; first < positions; first += rows) {
      const count = Math.min(rows, positions - first);
      for (let i = 0; i < count; i++) {
        const at = (seed * 7919 + (first + i) * 104729) % (noise.length - vocabularySize);
        buffer.set(noise.subarray(at, at + vocabularySize), i * vocabularySize);
      }
      yield buffer.subarray(0, count * vocabularySize);
    }
  },
});
const before = process.resourceUsage().maxRSS;
const on = [{ prompt: [0], completion: Array.from({ length: positions }, (_, i) => i) }];
const begin = performance.now();
const table = await tokenShift([reader(1), reader(2)], { on, source: "synthetic" });
const grown = (process.resourceUsage().maxRSS - before) / 1024;
const positive = table.models[0].kl.filter((kl) => kl > 0).length;
console.log(JSON.stringify({ grown, seconds: (performance.now() - begin) / 1000, tokens: table.tokens.length, positive }));
`;

test("tokenShift of 1,000 positions x 2 models x 151,936 tokens holds less than 400 MB beside the process", (t) => {
  const out = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8" });
  const { grown, seconds, tokens, positive } = JSON.parse(out);
  t.diagnostic(`${grown.toFixed(0)} MB, ${seconds.toFixed(1)} s`);
  assert.deepEqual([tokens, positive], [1000, 1000]);
  assert.ok(grown < 400, `${grown} MB`);
});
