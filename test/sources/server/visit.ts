/** What is asked of a server when it is recorded, and again when the recording is replayed. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createRandom } from "../../../src/random.ts";
import type { ServerReader, ServerRollouts } from "../../../src/sources/server/open-server.ts";
import type { Sequence } from "../../../src/srft/policy.ts";

export const golden = join(import.meta.dirname, "../../../../test/golden/servers");

export interface Expected {
  readonly texts: readonly { readonly prompt: string; readonly completion: string }[];
  /** Token ids; the first of them are those of the texts. */
  readonly rows: readonly { readonly prompt: readonly number[]; readonly completion: readonly number[] }[];
  /** In float64, by transformers. */
  readonly logprobs: readonly (readonly number[])[];
  readonly ranks: readonly (readonly number[])[];
  readonly model: { readonly sha256: string; readonly vocab_size: number; readonly max_position_embeddings: number };
}

export const expected = JSON.parse(readFileSync(join(golden, "expected.json"), "utf8")) as Expected;

/** What the servers do not tell. */
export const sizes = {
  vocabularySize: expected.model.vocab_size,
  contextLength: expected.model.max_position_embeddings,
} as const;

/** Encodes, scores and samples, and scores anew what was sampled at a lower temperature. */
export async function visit(server: ServerReader) {
  const encoded = await server.encode(expected.texts);
  const scored = await server.topLogprobs(expected.rows, { topK: 3 });
  const prompts = [expected.rows[0]!.prompt];
  const sample = (temperature: number, topP: number) =>
    server.sample(prompts, { groupSize: 2, maxTokens: 6, topK: 2, temperature, topP, random: createRandom(7) });
  const sampled = await sample(1, 1);
  const cooled = await sample(0.7, 0.9);
  const greedy = await sample(0, 1);
  const again = await server.topLogprobs(sequencesOf(cooled, prompts[0]!), { topK: 0 });
  return { encoded, scored, sampled, cooled, greedy, again };
}

const sequencesOf = ({ completions }: ServerRollouts, prompt: readonly number[]): Sequence[] =>
  completions.map((completion) => ({ prompt, completion }));
