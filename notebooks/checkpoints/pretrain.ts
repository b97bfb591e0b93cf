/**
 * Makes the base checkpoints of the arithmetic lab with our own engine, and the log of how:
 *
 *     npm run checkpoints [-- foreign in-support rare]
 *
 * AdamW (betas 0.9, 0.98; decay 0.01; norm clip 1) on documents of data/arithmetic-documents.ts, 128 a step; the loss
 * is the mean over completion tokens; the learning rate warms up over 100 steps and falls by a cosine to a twentieth.
 * "rare" continues "foreign". Two to three minutes each on two cores. The same machine and versions give the same bits;
 * another processor or version rounds differently and gives another base of the same kind.
 */

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { arithmeticVocabulary } from "../../src/data/arithmetic.ts";
import { type DocumentVariant, documentMixes, drawDocument, rareSteps } from "../../src/data/arithmetic-documents.ts";
import { createPolicy, loadPolicy } from "../../src/models/transformer/checkpoint.ts";
import { createRandom } from "../../src/random.ts";
import type { Policy } from "../../src/srft/policy.ts";

interface Recipe {
  readonly seed: number;
  readonly steps: number;
  readonly learningRate: number;
  readonly warmup: number;
  readonly from?: DocumentVariant;
}

const recipes: Readonly<Record<DocumentVariant, Recipe>> = {
  foreign: { seed: 1, steps: 2000, learningRate: 2e-3, warmup: 100 },
  "in-support": { seed: 2, steps: 2200, learningRate: 2e-3, warmup: 100 },
  rare: { seed: 3, steps: rareSteps, learningRate: 5e-4, warmup: 20, from: "foreign" },
};

const documentsPerStep = 128;
const folder = join(import.meta.dirname, "../../../notebooks/checkpoints");
const fileOf = (variant: DocumentVariant) => join(folder, `${variant}.safetensors`);

function learningRateAt(step: number, { steps, learningRate, warmup }: Recipe): number {
  const cosine = 0.5 * (1 + Math.cos((Math.PI * step) / steps));
  return learningRate * Math.min(1, (step + 1) / warmup) * (0.95 * cosine + 0.05);
}

/** Trains and yields the mean loss in nats a token, and the gradient norm, of every step. */
async function* pretrain(policy: Policy, variant: DocumentVariant) {
  const recipe = recipes[variant];
  const random = createRandom(recipe.seed);
  for (let step = 0; step < recipe.steps; step++) {
    const documents = Array.from({ length: documentsPerStep }, () => drawDocument(random, documentMixes[variant]));
    const tokens = documents.reduce((count, { completion }) => count + completion.length, 0);
    const before = step % 50 === 0 || step === recipe.steps - 1 ? await policy.score(documents) : undefined;
    await policy.backward(documents, { logprobs: new Float32Array(tokens).fill(-1 / tokens) });
    const learningRate = learningRateAt(step, recipe);
    const { gradNorm } = await policy.step({ learningRate, clipNorm: 1, betas: [0.9, 0.98], weightDecay: 0.01 });
    if (before)
      yield { step, loss: -before.logprobs.reduce((a, b) => a + b, 0) / tokens, gradNorm, learningRate, tokens };
  }
}

async function make(variant: DocumentVariant): Promise<void> {
  const recipe = recipes[variant];
  const policy = recipe.from
    ? await loadPolicy(fileOf(recipe.from))
    : await createPolicy({ vocabularySize: arithmeticVocabulary.length, seed: recipe.seed });
  const versions = { node: process.version, "onnxruntime-node": (await import("onnxruntime-node")).env.versions.node };
  const head = {
    variant,
    command: `npm run checkpoints -- ${variant}`,
    ...recipe,
    documentsPerStep,
    mix: documentMixes[variant],
    config: policy.config,
    versions,
  };
  const lines: object[] = [head];
  const began = performance.now();
  for await (const record of pretrain(policy, variant)) {
    const seconds = (performance.now() - began) / 1000;
    lines.push({ ...record, seconds: Math.round(seconds) });
    console.error(
      `${variant}  step ${record.step}/${recipe.steps}  loss ${record.loss.toFixed(4)}  ${seconds.toFixed(0)} s`,
    );
  }
  await policy.save(fileOf(variant));
  await writeFile(join(folder, `${variant}.log.jsonl`), `${lines.map((line) => JSON.stringify(line)).join("\n")}\n`);
}

const wanted = process.argv.slice(2);
const known = Object.keys(recipes) as DocumentVariant[];
const unknown = wanted.filter((name) => !known.includes(name as DocumentVariant));
if (unknown.length > 0) throw new RangeError(`pretrain: expected ${known.join(" | ")} but found ${unknown.join(", ")}`);
for (const variant of known) if (wanted.length === 0 || wanted.includes(variant)) await make(variant);
