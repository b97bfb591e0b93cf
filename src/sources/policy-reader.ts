/** A policy with its provenance, so that its columns are compared with those of servers and files. */

import { readFile } from "node:fs/promises";
import type { HuggingFaceTokenizer } from "../models/hugging-face/tokenizer.ts";
import type { Policy } from "../srft/policy.ts";
import type { Provenance, Reader } from "../srft/reader.ts";
import { hashFiles } from "./hash-files.ts";

export interface PolicyReaderOptions {
  /** Names tokenizer and template in the provenance. */
  readonly tokenizer?: HuggingFaceTokenizer;
  /** The files that the policy was loaded from, in order. */
  readonly weights?: readonly string[];
  /** What else is known. */
  readonly provenance?: Partial<Provenance>;
}

/**
 * A reader that says what it is: engine srft in this version, raw log-probs at temperature 1, float32.
 *
 * @throws {Error} If a file of the weights cannot be read.
 * @example
 * const reader = await policyReader(policy, { provenance: { seed: 7 } });
 * reader.provenance.engine; // "srft"
 */
export async function policyReader(
  policy: Policy,
  { tokenizer, weights, provenance }: PolicyReaderOptions = {},
): Promise<Reader & { readonly provenance: Provenance }> {
  const { vocabularySize, contextLength } = policy;
  return {
    vocabularySize,
    contextLength,
    logits: (sequences) => policy.logits(sequences),
    sample: (prompts, options) => policy.sample(prompts, options),
    provenance: {
      engine: "srft",
      version: await ownVersion(),
      mode: "raw",
      temperature: 1,
      topP: 1,
      dtype: "float32",
      tokenizerHash: tokenizer?.fingerprint.tokenizer ?? null,
      templateHash: tokenizer?.fingerprint.template ?? null,
      weightsHash: weights ? await hashFiles(weights) : null,
      seed: null,
      ...provenance,
    },
  };
}

async function ownVersion(): Promise<string> {
  const manifest = await readFile(new URL("../../../package.json", import.meta.url), "utf8");
  return (JSON.parse(manifest) as { version: string }).version;
}
