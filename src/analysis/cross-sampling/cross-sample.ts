/**
 * Cause, not correlation: one policy writes, and where the two differ the other's token is put in its place (after
 * "Sparse but Critical", arXiv 2603.22446). If a few swapped tokens carry a gain over, tuning changed a few decisions;
 * if they destroy the answer, it changed the language.
 *
 * The writer samples a completion to its end; at the first position where the criterion holds, that token is drawn from
 * the other policy instead, and the writer goes on from there, again to the end, and so on. The completion after k
 * swaps is the answer with budget k, so one chain of writing answers for every budget: budgets of one chain share their
 * beginning (which makes their differences sharper), and each by itself is distributed as if it had been run alone,
 * since whether a position is swapped depends on the text before it and not on the token that was drawn there.
 * A chain costs one call of `sample` of each policy and one of `logits` a swap, whatever the number of budgets.
 *
 * A swap counts against the budget also where the other policy draws the token that the writer had drawn; `changed`
 * counts those where it did not.
 */

import type { Problem } from "../../srft/task.ts";
import { continueTexts } from "./continue-texts.ts";
import { firstAbove, measureTexts, randomMarks, topThreshold } from "./swap-criterion.ts";
import { type Direction, rewardOf, type SwapOptions, type SwapPlan, type Swapper, swapPlan } from "./swap-plan.ts";

export interface CrossSampleOptions<P extends Problem> extends SwapOptions<P> {
  /** Most swaps a completion, each an integer >= 0 or Infinity; 0, the writer alone, is always among them. Default [1, 2, 4, 8, Infinity]. */
  readonly budget?: readonly number[];
}

/** One completion of one problem within one budget. */
export interface CrossAnswer {
  readonly writer: "a" | "b";
  /** Index of the problem. */
  readonly problem: number;
  /** From 0. */
  readonly sample: number;
  readonly budget: number;
  readonly completion: Int32Array;
  /** Positions in the completion that hold the other policy's draw, ascending; at most `budget`. */
  readonly swaps: Int32Array;
  /** Swaps whose token is not the one that the writer had drawn. */
  readonly changed: number;
  readonly reward: number;
  /** What the measure had to exceed, in its unit; 0 where positions are taken at random. */
  readonly threshold: number;
}

/**
 * Swaps tokens between two policies, and yields the answers as they are finished: writer by writer, then problem by
 * problem, sample by sample, budgets ascending. `budgetCurve` makes them a curve with intervals.
 *
 * Checks its arguments at once; the writing begins with the first `next()`.
 *
 * @param a For example the base.
 * @param b For example the tuned policy, of the same vocabulary.
 * @throws {TypeError} If the criterion's measure is none of those there are.
 * @throws {RangeError} If an option is out of range, there are no problems, or the vocabularies differ; while it runs,
 *   if a reward is not finite.
 * @example
 * const answers = [];
 * const options = { task, problems: task.problems.slice(0, 8), budget: [1, Infinity], maxTokens: 32, seed: 7 };
 * for await (const answer of crossSample(base, policy, options)) answers.push(answer);
 * budgetCurve(answers).map(({ writer, budget }) => `${writer} ${budget}`);
 * // ["a 0", "a 1", "a Infinity", "b 0", "b 1", "b Infinity"]
 */
export function crossSample<P extends Problem>(
  a: Swapper,
  b: Swapper,
  options: CrossSampleOptions<P>,
): AsyncGenerator<CrossAnswer, void, undefined> {
  const plan = swapPlan("crossSample", { a, b }, options);
  const budgets = budgetsOf(options.budget ?? [1, 2, 4, 8, Infinity]);
  return answers(plan, budgets);
}

function budgetsOf(budget: readonly number[]): readonly number[] {
  const bad = budget.find((one) => !(one === Infinity || (Number.isInteger(one) && one >= 0)));
  if (bad !== undefined) {
    throw new RangeError(`crossSample: expected budgets that are integers >= 0 or Infinity but found ${bad}`);
  }
  return [...new Set([0, ...budget])].sort((a, b) => a - b);
}

async function* answers<P extends Problem>(plan: SwapPlan<P>, budgets: readonly number[]) {
  const { problems, samples, batchSize } = plan;
  for (const writer of plan.writers) {
    const direction = await directionOf(plan, writer);
    for (let first = 0; first < problems.length * samples; first += batchSize) {
      const last = Math.min(first + batchSize, problems.length * samples);
      const chains = Array.from({ length: last - first }, (_, i) => createChain(plan, first + i));
      await writeChains(plan, { chains, direction, most: budgets.at(-1)! });
      for (const chain of chains) yield* answersOf(plan, { chain, direction, budgets });
    }
  }
}

/**
 * The policies in their roles, and the threshold; with `topShare` it is found on completions of the writer, sampled for
 * this alone.
 *
 * @example
 * const plan = swapPlan("crossSample", { a: base, b: policy }, { task, problems: task.problems.slice(0, 2) });
 * (await directionOf(plan, "b")).threshold; // 0.1
 */
export async function directionOf<P extends Problem>(plan: SwapPlan<P>, writer: "a" | "b"): Promise<Direction> {
  const { a, b, when, problems, maxTokens, temperature, random } = plan;
  const [writing, other] = writer === "a" ? [a, b] : [b, a];
  const direction = { a, b, writer, writing, other };
  if (when.measure === "random") return { ...direction, threshold: 0 };
  if ("above" in when) return { ...direction, threshold: when.above };
  const prompts = problems.map(({ prompt }) => ({ prompt, completion: [] }));
  const own = await continueTexts(writing, prompts, { maxTokens, temperature, random });
  const texts = own.map((completion, i) => ({ prompt: problems[i]!.prompt, completion }));
  const measured = await measureTexts(direction, texts, { measure: when.measure });
  const values = measured.flatMap((one) => Array.from(one));
  return { ...direction, threshold: topThreshold(values, when.topShare) };
}

/** A completion on its way: what stays, where it was swapped, and the whole completion after each number of swaps. */
interface Chain {
  readonly problem: number;
  readonly sample: number;
  readonly prompt: ArrayLike<number>;
  readonly kept: number[];
  readonly swaps: number[];
  changed: number;
  ended: boolean;
  readonly states: { readonly completion: Int32Array; readonly changed: number }[];
}

function createChain<P extends Problem>({ problems, samples }: SwapPlan<P>, row: number): Chain {
  const problem = Math.floor(row / samples);
  const { prompt } = problems[problem]!;
  const begun = { problem, sample: row % samples, prompt };
  return { ...begun, kept: [], swaps: [], changed: 0, ended: false, states: [] };
}

const textOf = ({ prompt, kept }: Chain) => ({ prompt, completion: kept });

interface Batch {
  readonly chains: readonly Chain[];
  readonly direction: Direction;
  /** Swaps after which no more are made. */
  readonly most: number;
}

async function writeChains<P extends Problem>(plan: SwapPlan<P>, { chains, direction, most }: Batch) {
  let live = chains;
  while (live.length > 0) {
    const further = await continueTexts(direction.writing, live.map(textOf), plan);
    for (const [i, chain] of live.entries()) pushState(chain, [...chain.kept, ...further[i]!]);
    const open = live.flatMap((chain, i) => (chain.swaps.length < most ? [{ chain, further: further[i]! }] : []));
    const swapped = await swapTokens(plan, { open, direction });
    for (const chain of swapped) if (chain.ended) pushState(chain, chain.kept);
    live = swapped.filter(({ ended }) => !ended);
  }
}

function pushState(chain: Chain, completion: readonly number[]) {
  chain.states.push({ completion: Int32Array.from(completion), changed: chain.changed });
}

type Open = readonly { readonly chain: Chain; readonly further: Int32Array }[];

/** Swaps each chain's next token that the criterion finds; gives back the chains that have one. */
async function swapTokens<P extends Problem>(
  plan: SwapPlan<P>,
  { open, direction }: { open: Open; direction: Direction },
): Promise<Chain[]> {
  const values = await valuesOf(plan, { open, direction });
  const found = open.flatMap(({ chain, further }, i) => {
    const at = firstAbove(values[i]!, direction.threshold);
    return at < 0 ? [] : [{ chain, begin: further.subarray(0, at), drawn: further[at]! }];
  });
  for (const { chain, begin } of found) chain.kept.push(...begin);
  const texts = found.map(({ chain }) => textOf(chain));
  // two tokens are asked for, since a policy does not name its end token: a row that stops after one has ended
  const tokens = await continueTexts(direction.other, texts, { ...plan, ahead: 2 });
  return found.map(({ chain, drawn }, i) => {
    chain.swaps.push(chain.kept.length);
    chain.kept.push(tokens[i]![0]!);
    if (tokens[i]![0] !== drawn) chain.changed++;
    chain.ended = tokens[i]!.length === 1;
    return chain;
  });
}

async function valuesOf<P extends Problem>(
  { when, random }: SwapPlan<P>,
  { open, direction }: { open: Open; direction: Direction },
): Promise<Float64Array[]> {
  if (when.measure === "random") {
    return open.map(({ further }) => randomMarks(further.length, { share: when.share, random }));
  }
  const texts = open.map(({ chain: { prompt, kept }, further }) => ({
    prompt: [...Array.from(prompt), ...kept],
    completion: further,
  }));
  return measureTexts(direction, texts, when);
}

async function* answersOf<P extends Problem>(
  { task, problems }: SwapPlan<P>,
  { chain, direction, budgets }: { chain: Chain; direction: Direction; budgets: readonly number[] },
): AsyncGenerator<CrossAnswer, void, undefined> {
  const { problem, sample, states } = chain;
  const { writer, threshold } = direction;
  const rewards: number[] = [];
  for (const budget of budgets) {
    const count = Math.min(budget, states.length - 1);
    const { completion, changed } = states[count]!;
    rewards[count] ??= await rewardOf("crossSample", { task, problem: problems[problem]! }, completion);
    const swaps = Int32Array.from(chain.swaps.slice(0, count));
    yield { writer, problem, sample, budget, completion, swaps, changed, reward: rewards[count]!, threshold };
  }
}
