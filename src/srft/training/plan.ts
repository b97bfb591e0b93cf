/**
 * The options of `train`, completed and checked once, before the training begins.
 */

import { createRandom } from "../../random.ts";
import type { Objective } from "../batch.ts";
import { checkStepOptions, type Policy } from "../policy.ts";
import { longestCompletion } from "../rollout.ts";
import { checkTask, type Problem, type Task } from "../task.ts";
import type { TrainOptions } from "../train.ts";
import type { ExperiencePlan } from "./experience.ts";
import { checkKeeper } from "./progress.ts";
import { type Alarm, watch } from "./watch.ts";

export type Plan = ReturnType<typeof planOf>;

/**
 * @throws {RangeError} If an option is out of range; see `train`.
 * @throws {TypeError} If the objective needs demonstrations, a reference or a prefixShare and there is none.
 * @example
 * planOf(policy, task, { objective: srft(), steps: 100 }).groupSize; // 8
 */
export function planOf<P extends Problem>(policy: Policy, task: Task<P>, options: TrainOptions<P>) {
  const { groupSize = 8, promptsPerStep = 24, clipNorm = 1, weightDecay = 0, temperature = 1, seed = 0 } = options;
  const { skipNorm = Infinity, optimizer = "" } = options;
  const { epochs = 1, miniBatches = 1, rowsPerBackward = Infinity, learningRate = 2e-4, dynamicSampling } = options;
  const objective = typeof options.objective === "function" ? options.objective(1) : options.objective;
  const counts = { steps: options.steps, groupSize, promptsPerStep, epochs, miniBatches };
  checkCounts({ ...counts, ...(rowsPerBackward !== Infinity && { rowsPerBackward }) });
  if (dynamicSampling) checkCounts({ "dynamicSampling.rounds": dynamicSampling.rounds });
  if (options.evaluation) checkCounts({ "evaluation.every": options.evaluation.every });
  if (options.checkpoint) checkKeeper(policy, options.checkpoint);
  checkStepOptions({ learningRate: 0, clipNorm, weightDecay, skipNorm });
  checkNeeds(objective, options);
  const demonstrations = demonstrationsOf(objective, { ...options, promptsPerStep });
  const shown = demonstrations.own + demonstrations.further > 0 || objective.prefixed !== undefined;
  checkTask(policy, task, { demonstrations: shown });
  const longest = longestCompletion(policy, task.problems);
  const plan: ExperiencePlan = {
    ...{ groupSize, prompts: objective.rollouts ? promptsPerStep : 0, demonstrations, temperature },
    maxTokens: checkMaxTokens(options.maxTokens ?? longest, longest),
    random: options.random ?? createRandom(seed),
    rounds: dynamicSampling?.rounds ?? 0,
    prefixShare: options.prefixShare,
    reference: options.reference,
  };
  checkSizes(objective, plan, { problems: task.problems.length, miniBatches });
  const rateAt = typeof learningRate === "function" ? learningRate : () => learningRate;
  const stopOn: readonly Alarm[] = options.stopOn ?? [];
  return {
    ...plan,
    ...{ objective, epochs, miniBatches, rowsPerBackward, rateAt, stopOn },
    ...{ optimizer: { clipNorm, weightDecay, skipNorm, optimizer }, alarms: watch(options.watch) },
  };
}

/** How many demonstrations of the prompted problems, and of further ones. */
function demonstrationsOf<P extends Problem>(
  objective: Objective,
  options: TrainOptions<P> & { readonly promptsPerStep: number },
) {
  const { promptsPerStep, demonstrated = "prompted+further" } = options;
  if (objective.demonstrations === "none") return { own: 0, further: 0 };
  const { demonstrationsPerStep = 2 * promptsPerStep } = options;
  checkCounts({ demonstrationsPerStep });
  if (!objective.rollouts) return { own: 0, further: demonstrationsPerStep };
  switch (demonstrated) {
    case "prompted":
      return { own: promptsPerStep, further: 0 };
    case "further":
      return { own: 0, further: demonstrationsPerStep };
    case "prompted+further":
      if (demonstrationsPerStep < promptsPerStep) {
        throw new RangeError(
          `train: expected demonstrationsPerStep >= promptsPerStep, one a group, but found ${demonstrationsPerStep} < ${promptsPerStep}; or choose demonstrated: "further"`,
        );
      }
      return { own: promptsPerStep, further: demonstrationsPerStep - promptsPerStep };
    default:
      throw new TypeError(
        `train: expected demonstrated prompted, further or prompted+further but found ${demonstrated satisfies never}`,
      );
  }
}

function checkNeeds<P extends Problem>(objective: Objective, options: TrainOptions<P>) {
  if (objective.reference && !options.reference) {
    throw new TypeError(
      `train: expected a reference policy for ${objective.name} but found none; pass reference: await policy.clone()`,
    );
  }
  if (objective.prefixed && !options.prefixShare) {
    throw new TypeError(
      `train: expected a prefixShare for ${objective.name} but found none; pass prefixShare: cosinePrefix({ steps }) or hintShare({ hintSteps })`,
    );
  }
  if (objective.demonstrations === "inside" && options.demonstrated === "further") {
    throw new RangeError(
      `train: expected demonstrated "prompted" or "prompted+further" but found "further"; ${objective.name} puts demonstrations into their prompt's group`,
    );
  }
}

function checkCounts(counts: Record<string, number>) {
  for (const [name, count] of Object.entries(counts)) {
    if (!(Number.isInteger(count) && count >= 1)) {
      throw new RangeError(`train: expected an integer ${name} >= 1 but found ${count}`);
    }
  }
}

function checkMaxTokens(maxTokens: number, longest: number) {
  if (!(Number.isInteger(maxTokens) && maxTokens >= 1 && maxTokens <= longest)) {
    throw new RangeError(
      `train: expected an integer maxTokens in [1, ${longest}], what the context leaves after the longest prompt, but found ${maxTokens}`,
    );
  }
  return maxTokens;
}

interface Sizes {
  readonly problems: number;
  readonly miniBatches: number;
}

function checkSizes(objective: Objective, plan: ExperiencePlan, { problems, miniBatches }: Sizes) {
  const { groupSize, prompts, demonstrations, temperature } = plan;
  if (prompts > 0 && groupSize === 1 && (objective.demonstrations !== "inside" || objective.prefixed)) {
    throw new RangeError(
      `train: expected groupSize >= 2 but found 1; ${objective.name} compares the rollouts of a prompt with one another`,
    );
  }
  const needed = Math.max(prompts, demonstrations.further);
  if (needed > problems) {
    throw new RangeError(
      `train: expected at least ${needed} problems but found ${problems}; lower promptsPerStep or demonstrationsPerStep`,
    );
  }
  const parts = prompts > 0 ? prompts : demonstrations.further;
  if (miniBatches > parts) {
    throw new RangeError(
      `train: expected miniBatches <= ${parts}, the prompts or demonstrations, but found ${miniBatches}`,
    );
  }
  if (prompts > 0 && !(temperature > 0 && temperature < Infinity)) {
    throw new RangeError(`train: expected a temperature > 0 but found ${temperature}; greedy rollouts are all equal`);
  }
}
