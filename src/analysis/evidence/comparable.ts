/** What must agree before the log-probs of two models may be compared: tokenizer, chat template, and how they were made. */

import { type Provenance, plainProvenance, type Reader } from "../../srft/reader.ts";

/** A reader's provenance; what it does not say is that of raw log-probs at temperature 1. */
export const provenanceOf = ({ provenance = {} }: Pick<Reader, "provenance">): Provenance => ({
  ...plainProvenance,
  ...provenance,
});

const mustAgree = {
  tokenizerHash: "compare models that share a tokenizer",
  templateHash: "render the texts with one chat template",
  mode: "ask every engine for raw log-probs, in vLLM --logprobs-mode raw_logprobs",
  temperature: "score every model at one temperature",
  topP: "score every model at one top-p",
} as const;

/**
 * Throws unless what is known of the columns agrees; what is null agrees with everything.
 *
 * @throws {RangeError} Naming the two columns, what differs and the remedy.
 * @example
 * checkComparable([table.base.provenance, table.models[0].provenance], ["base", "sft"]); // nothing
 */
export function checkComparable(provenances: readonly Provenance[], names: readonly string[]) {
  for (const [entry, remedy] of Object.entries(mustAgree)) {
    const values = provenances.map((provenance) => provenance[entry as keyof typeof mustAgree]);
    const first = values.findIndex((value) => value !== null);
    const other = values.findIndex((value) => value !== null && value !== values[first]);
    if (other < 0) continue;
    throw new RangeError(
      `tokenShift: expected log-probs of one ${entry} but found ${values[first]} of ${names[first]} and ` +
        `${values[other]} of ${names[other]}: ${remedy}`,
    );
  }
}
