import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { exp } from "../../src/graph/ops.ts";
import { compile, loadRuntime } from "../../src/graph/session.ts";
import { input } from "../../src/graph/tensor.ts";
import { createPolicy } from "../../src/models/transformer/checkpoint.ts";
import { createRandom, randomInteger } from "../../src/random.ts";

const moduleUrl = (path: string) => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);

/** Runs a module in a process of its own, and gives what it printed. */
function run(script: string, { env = {} }: { env?: Readonly<Record<string, string>> } = {}): string {
  const options = { encoding: "utf8", env: { ...process.env, ...env } } as const;
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", script], options);
  assert.equal(status, 0, stderr);
  return stdout;
}

test("a run over texts of every length makes its sessions in the first step and no more", async () => {
  const { InferenceSession } = await loadRuntime();
  const { create } = InferenceSession;
  let sessions = 0;
  InferenceSession.create = ((...args: Parameters<typeof create>) => {
    sessions++;
    return create.apply(InferenceSession, args);
  }) as typeof create;
  try {
    const policy = await createPolicy({ vocabularySize: 9, layers: 1, width: 8, heads: 2, contextLength: 40, seed: 1 });
    const random = createRandom(2);
    const counts: number[] = [];
    for (let step = 0; step < 8; step++) {
      const prompts = Array.from({ length: 1 + step }, () =>
        Array.from({ length: 1 + randomInteger(random, 9) }, () => 3),
      );
      const { completions } = await policy.sample(prompts, { maxTokens: 5 + 3 * step, random });
      const rows = completions.map((completion, i) => ({ prompt: prompts[i]!, completion }));
      const { logprobs } = await policy.score(rows);
      await policy.backward(rows, { logprobs });
      await policy.step({ learningRate: 0.01 });
      counts.push(sessions);
    }
    assert.deepEqual(counts, new Array(8).fill(3)); // generation, score, update
  } finally {
    InferenceSession.create = create;
  }
});

test("label statistics of a wide vocabulary take half the memory of their textbook form", {
  skip: process.platform !== "linux" && "reads /proc",
}, () => {
  const peak = (statistics: string) =>
    Number(
      run(`
    import { readFileSync } from "node:fs";
    import * as ops from ${moduleUrl("graph/ops.js")};
    import { gradients } from ${moduleUrl("graph/gradients.js")};
    import { compile, loadRuntime, value } from ${moduleUrl("graph/session.js")};
    import { input } from ${moduleUrl("graph/tensor.js")};
    await loadRuntime();
    const [n, V, width] = [64, 151_936, 4];
    const [hidden, table, ids] = [input("hidden", [n, width]), input("table", [V, width]), input("ids", [n], "int32")];
    const logits = ops.linear(hidden, table);
    const { logprobs, entropies } = ${statistics};
    const seeds = [[logprobs, input("g", [n, 1])], [entropies, input("h", [n, 1])]];
    const [dHidden] = gradients(seeds, [hidden]);
    const program = await compile({ logprobs, entropies, dHidden });
    const zeros = (...shape) => value(new Float32Array(shape.reduce((a, b) => a * b)), shape);
    const resident = () => Number(/VmHWM:\\s+(\\d+)/.exec(readFileSync("/proc/self/status", "utf8"))[1]) * 1024;
    const feeds = { hidden: zeros(n, width), table: zeros(V, width), g: zeros(n, 1), h: zeros(n, 1), ids: value(new Int32Array(n), [n]) };
    const before = resident();
    await program.run(feeds);
    console.log((resident() - before) / (4 * n * V));`),
    );
  const textbook = `(() => { const all = ops.logSoftmax(logits);
    return { logprobs: ops.pick(all, ids), entropies: ops.negate(ops.sum(ops.multiply(ops.exp(all), all), [-1])) }; })()`;
  const [ours, theirs] = [peak("ops.labelStatistics(logits, ids)"), peak(textbook)];
  // ONNX Runtime's arena grows by powers of two, hence the slack
  assert.ok(ours < 0.6 * theirs, `${ours} arrays of the size of the logits, textbook ${theirs}`);
});

test("loadRuntime keeps ONNX Runtime from recording its use in the user's cache folder", () => {
  const home = mkdtempSync(join(tmpdir(), "srft-home-"));
  const script = `
    import { createPolicy } from ${moduleUrl("models/transformer/checkpoint.js")};
    const policy = await createPolicy({ vocabularySize: 3, layers: 1, width: 4, heads: 1, seed: 1 });
    await policy.score([{ prompt: [1], completion: [2] }]);`;
  try {
    const env = { HOME: home, USERPROFILE: home, XDG_CACHE_HOME: join(home, "cache") };
    run(script, { env });
    assert.deepEqual(readdirSync(home, { recursive: true }), []);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test("compile on a device that is not there says why and what helps, and takes no other", async (t) => {
  const y = exp(input("x", [1]));
  await assert.rejects(
    compile({ y }, { device: "tpu" as "cpu" }),
    /compile: expected device cpu \| webgpu \| cuda but found tpu/,
  );
  const refusal = await compile({ y }, { device: "cuda" }).then(
    () => undefined,
    (error: Error) => error.message,
  );
  if (refusal === undefined) return t.skip("CUDA works here");
  assert.match(
    refusal,
    /^compile: expected a cuda device but found none that works \(.+\); .*ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node.*or use device: "cpu"$/s,
  );
});
