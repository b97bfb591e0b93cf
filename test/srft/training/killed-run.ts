/** A small training run that keeps itself: node killed-run.js CHECKPOINT RESULT. Started by progress.test.ts, and killed. */

import { arithmeticTask } from "../../../src/data/arithmetic-task.ts";
import { createPolicy } from "../../../src/models/transformer/checkpoint.ts";
import { srft } from "../../../src/srft/objectives/srft.ts";
import { train } from "../../../src/srft/train.ts";

const [file, result] = process.argv.slice(2) as [string, string];
const policy = await createPolicy({
  vocabularySize: 21,
  layers: 1,
  width: 16,
  heads: 2,
  contextLength: 48,
  threads: 1,
  seed: 1,
});
const options = { objective: srft(), steps: 150, promptsPerStep: 4, groupSize: 3, maxTokens: 16, seed: 5 };
for await (const { step } of train(policy, arithmeticTask({ seed: 1, problems: 50 }), {
  ...options,
  checkpoint: { file, every: 3 },
})) {
  if (process.send) process.send(step);
}
await policy.save(result);
