/** Token tables in Arrow IPC files: everything but `decode`, of which the texts of the tokens that occur are kept. */

import { open } from "node:fs/promises";
import { writeAtomically } from "../../models/safetensors/atomic-write.ts";
import type { Provenance } from "../../srft/reader.ts";
import { tokenRoles } from "../roles.ts";
import {
  type Bounds,
  completed,
  createTokenTable,
  type ShiftColumns,
  type TokenColumns,
  type TokenTable,
} from "../token-table.ts";
import { decodeArrow, encodeArrow } from "./arrow.ts";
import { baseNames, describedModel, type LongColumn, longColumnsOf, ownNames } from "./long-columns.ts";

const key = "srft.tokenTable";
/** 2 GiB − 1, the most that Node reads at once. */
const mostBytes = 2 ** 31 - 1;

interface Described {
  readonly format: 1;
  readonly sources: readonly string[];
  readonly sourceIds: readonly number[];
  readonly offsets: readonly number[];
  readonly prompts: readonly (readonly number[])[];
  readonly rewards: readonly (number | null)[];
  readonly base: ReturnType<typeof describedModel>;
  readonly models: readonly ReturnType<typeof describedModel>[];
  readonly texts: Readonly<Record<string, string>>;
}

/**
 * Writes a token table as an Arrow IPC file, in one step: a reader sees the old file or the new one.
 *
 * Rows are in long form, models outermost; texts, names and provenance are in the schema's metadata.
 *
 * @example
 * await saveTokenTable(table, "tokens.arrow");
 * (await loadTokenTable("tokens.arrow")).models[0].provenance.mode; // "raw"
 */
export async function saveTokenTable(table: TokenColumns, file: string): Promise<void> {
  const all = "of" in table ? (table as TokenTable) : completed(table);
  const described: Described = {
    format: 1,
    sources: all.sources,
    sourceIds: Array.from(all.sourceIds),
    offsets: Array.from(all.offsets),
    prompts: all.prompts.map((prompt) => Array.from(prompt)),
    rewards: Array.from(all.rewards, (reward) => (Number.isNaN(reward) ? null : reward)),
    base: describedModel(all.base),
    models: all.models.map(describedModel),
    texts: textsOf(all),
  };
  await writeAtomically(file, encodeArrow(longColumnsOf(all), new Map([[key, JSON.stringify(described)]])));
}

function textsOf({ tokens, prompts, base, models, decode }: Required<TokenColumns>) {
  const ids = new Set(tokens);
  for (const prompt of prompts) for (const id of prompt) ids.add(id);
  for (const { greedyTokens, topIds = new Int32Array() } of [base, ...models]) {
    for (const id of greedyTokens) ids.add(id);
    for (const id of topIds) ids.add(id);
  }
  ids.delete(-1);
  return Object.fromEntries(Array.from(ids, (id) => [id, decode(id)]));
}

/**
 * Reads what `saveTokenTable` wrote.
 *
 * @param options.maxBytes Largest file that is read. Default 2 GiB − 1, the most there may be.
 * @throws {RangeError} If the file is larger than `maxBytes`.
 * @throws {SyntaxError} If it is no Arrow file of a token table, or damaged; says what is wrong.
 * @example
 * await saveTokenTable(table, "tokens.arrow");
 * (await loadTokenTable("tokens.arrow", { maxBytes: 2 ** 28 })).tokens.length === table.tokens.length; // true
 */
export async function loadTokenTable(file: string, options: { readonly maxBytes?: number } = {}): Promise<TokenTable> {
  const { columns, lengths, metadata } = decodeArrow(await readBounded(file, options.maxBytes), file);
  const described = parsed(metadata.get(key), file);
  const n = described.offsets.at(-1)!;
  if (lengths.length !== described.models.length || lengths.some((length) => length !== n)) {
    throw wrong(file, `batches of ${lengths} rows where ${described.models.length} models have ${n}`);
  }
  const column = <T = Float32Array>(name: string, segment = 0, width = 1) =>
    numbers<T>({ file, columns, name, segment, width });
  return createTokenTable({
    source: described.sources.join(", "),
    sources: described.sources,
    sourceIds: Int32Array.from(described.sourceIds),
    prompts: described.prompts.map((prompt) => Int32Array.from(prompt)),
    offsets: Int32Array.from(described.offsets),
    sequences: column<Int32Array>("sequence"),
    positions: column<Int32Array>("position"),
    tokens: column<Int32Array>("token"),
    roles: checkedRoles(column<Uint8Array>("role"), file),
    rewards: Float32Array.from(described.rewards, (reward) => reward ?? Number.NaN),
    advantages: column("advantage"),
    behaviorLogprobs: column("behaviorLogprob"),
    base: { ...modelOf(described.base, { column, columns, segment: 0, names: baseNames, prefix: "base" }) },
    models: described.models.map((model, segment) => shiftOf(model, { column, columns, segment })),
    decode: (id) => described.texts[id] ?? `#${id}`,
  });
}

/** A file's bytes, if they are few enough. */
export async function readBounded(file: string, maxBytes = mostBytes): Promise<Uint8Array> {
  await using handle = await open(file);
  const { size } = await handle.stat();
  if (size > Math.min(maxBytes, mostBytes)) {
    throw new RangeError(
      `token table: expected a file of at most ${Math.min(maxBytes, mostBytes)} bytes but found ${size} in ${file}: ` +
        "open it as Parquet with openTokenFrame, or raise maxBytes",
    );
  }
  return handle.readFile();
}

type ColumnOf = <T = Float32Array>(name: string, segment?: number, width?: number) => T;
interface Segment {
  readonly column: ColumnOf;
  readonly columns: ReadonlyMap<string, LongColumn>;
  readonly segment: number;
}

function numbers<T>(at: {
  file: string;
  columns: ReadonlyMap<string, LongColumn>;
  name: string;
  segment: number;
  width: number;
}): T {
  const found = at.columns.get(at.name);
  if (found && (found.width ?? 1) === at.width) return found.segments[at.segment]! as T;
  throw wrong(at.file, found ? `lists of ${found.width ?? 1} in column ${at.name}` : `no column ${at.name}`);
}

function modelOf(
  { name, coverage, topK, provenance }: Described["base"],
  { column, columns, segment, names, prefix }: Segment & { names: typeof baseNames; prefix: "base" | "" },
) {
  const cased = (word: string) => (prefix ? prefix + word[0]!.toUpperCase() + word.slice(1) : word);
  const hasLists = topK > 0 && columns.has(cased("topIds"));
  return {
    name,
    coverage,
    topK: hasLists ? topK : 0,
    logprobs: column(names.logprobs, segment),
    entropies: column(names.entropies, segment),
    ranks: column<Int32Array>(names.ranks, segment),
    greedyTokens: column<Int32Array>(names.greedyTokens, segment),
    ...(hasLists && {
      topIds: column<Int32Array>(cased("topIds"), segment, topK),
      topLogprobs: column(cased("topLogprobs"), segment, topK),
    }),
    ...(coverage === "top-k" && { entropyBounds: boundsOf(cased("entropy"), { column, columns, segment })! }),
    ...(provenance && { provenance: provenance as Provenance }),
  };
}

function shiftOf(described: Described["base"], at: Segment): ShiftColumns {
  const { column, segment } = at;
  const names = ownNames as unknown as typeof baseNames;
  const kl = boundsOf("kl", at);
  return {
    ...modelOf(described, { ...at, names, prefix: "" }),
    deltaLogprobs: column(ownNames.deltaLogprobs, segment),
    deltaProbs: column(ownNames.deltaProbs, segment),
    kl: column("kl", segment),
    reverseKl: column("reverseKl", segment),
    js: column("js", segment),
    tv: column("tv", segment),
    baseRanks: column<Int32Array>(ownNames.baseRanks, segment),
    ...(kl && {
      bounds: { kl, reverseKl: boundsOf("reverseKl", at)!, js: boundsOf("js", at)!, tv: boundsOf("tv", at)! },
    }),
  };
}

/** undefined where there are no such columns, or they are of another model. */
function boundsOf(name: string, { column, columns, segment }: Segment): Bounds | undefined {
  if (!columns.has(`${name}Lower`)) return undefined;
  const lower = column(`${name}Lower`, segment);
  return lower.every(Number.isNaN) ? undefined : { lower, upper: column(`${name}Upper`, segment) };
}

function checkedRoles(roles: Uint8Array, file: string) {
  if (roles.every((role) => role < tokenRoles.length)) return roles;
  throw wrong(file, "a role that is not known");
}

function parsed(text: string | undefined, file: string): Described {
  if (text === undefined) throw wrong(file, `no metadata ${key}; open tables of others with openTokenFrame`);
  try {
    const described = JSON.parse(text) as Described;
    const { offsets, prompts, sources, sourceIds, models, format, texts } = described;
    const isWhole =
      format === 1 &&
      [offsets, prompts, sources, sourceIds, models].every(Array.isArray) &&
      offsets.length === prompts.length + 1 &&
      sourceIds.length === prompts.length &&
      offsets[0] === 0 &&
      offsets.every((offset, s) => Number.isInteger(offset) && offset >= (offsets[s - 1] ?? 0)) &&
      typeof texts === "object";
    if (isWhole) return described;
  } catch (cause) {
    throw wrong(file, `metadata that is no JSON: ${(cause as Error).message}`);
  }
  throw wrong(file, "metadata of another format");
}

const wrong = (file: string, found: string) =>
  new SyntaxError(`loadTokenTable: expected a token table as saveTokenTable writes it but found ${found} in ${file}`);
