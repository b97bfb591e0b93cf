import assert from "node:assert/strict";
import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { arithmeticTask } from "../../../src/data/arithmetic-task.ts";
import { createPolicy } from "../../../src/models/transformer/checkpoint.ts";
import { createRandom } from "../../../src/random.ts";
import { srft } from "../../../src/srft/objectives/srft.ts";
import { train } from "../../../src/srft/train.ts";

const folder = await mkdtemp(join(tmpdir(), "srft-progress-"));
after(() => rm(folder, { recursive: true }));
const script = join(import.meta.dirname, "killed-run.js");
const start = (name: string) => fork(script, [join(folder, `${name}.run`), join(folder, `${name}.safetensors`)]);

test("train goes on to the same bits after being killed at 20 random moments", async () => {
  const [code] = await once(start("whole"), "exit");
  assert.equal(code, 0);
  const random = createRandom(11);
  let kills = 0;
  for (let finished = false; !finished; ) {
    const child = start("killed");
    const ended = once(child, "exit");
    const steps = 1 + Math.floor(random() * 5);
    let seen = 0;
    child.on("message", () => {
      seen++;
      // between two steps, in the middle of one, or while the file is written
      if (seen === steps && kills < 20) setTimeout(() => child.kill("SIGKILL"), 30 * random());
    });
    const [exit] = await ended;
    if (exit === null) kills++;
    finished = exit === 0;
  }
  assert.equal(kills, 20);
  assert.deepEqual(
    await readFile(join(folder, "killed.safetensors")),
    await readFile(join(folder, "whole.safetensors")),
  );
});

const policyOf = (width: number) =>
  createPolicy({ vocabularySize: 21, layers: 1, width, heads: 2, contextLength: 48, seed: 1 });
const task = arithmeticTask({ seed: 1, problems: 50 });
const options = { objective: srft(), promptsPerStep: 4, groupSize: 3, maxTokens: 16 };

test("train yields only the steps that are left, and leaves no temporary file", async () => {
  const file = join(folder, "left.run");
  const steps = async (count: number) => {
    const seen: number[] = [];
    for await (const { step } of train(await policyOf(16), task, {
      ...options,
      steps: count,
      checkpoint: { file, every: 2 },
    }))
      seen.push(step);
    return seen;
  };
  assert.deepEqual(await steps(3), [1, 2, 3]);
  assert.deepEqual(await steps(5), [4, 5]);
  assert.deepEqual(await steps(5), []);
  assert.deepEqual(
    (await readdir(folder)).filter((name) => name.endsWith(".tmp") && name.includes("left")),
    [],
  );
});

test("train refuses the file of another architecture, of no run, or an odd interval", async () => {
  const file = join(folder, "left.run");
  const next = async (width: number, checkpoint: { file: string; every?: number }) =>
    train(await policyOf(width), task, { ...options, steps: 9, checkpoint }).next();
  await assert.rejects(next(8, { file }), /expected the state of this architecture but found another one/);
  const other = join(folder, "other.safetensors");
  await (await policyOf(16)).save(other);
  await assert.rejects(next(16, { file: other }), /expected a file that saveState wrote/);
  await writeFile(other, "no checkpoint");
  await assert.rejects(next(16, { file: other }), /loadSafetensors/);
  await assert.rejects(next(16, { file, every: 0 }), /expected a whole checkpoint\.every > 0 but found 0/);
});
