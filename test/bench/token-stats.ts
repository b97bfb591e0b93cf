/**
 * Token statistics over [256, 152064] float32 logits against PyTorch eager, on the whole array and in its best form, 16 rows
 * at a time: same logits, same threads, in turn. The peer is `token_stats_torch.py`, run by SRFT_PYTHON (default python3);
 * without torch there the rows have no peer and are not ok. Ours counts ranks as well, the peer does not.
 */

import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { createRandom } from "../../src/random.ts";
import { divergenceStatistics } from "../../src/token-stats/divergence-statistics.ts";
import { createTokenThreads, type TokenThreads } from "../../src/token-stats/threads.ts";
import { tokenStatistics } from "../../src/token-stats/token-statistics.ts";
import { type Peer, startPeer } from "./peer.ts";
import { type BenchRow, timeRow } from "./row.ts";

const script = join(import.meta.dirname, "../../../test/bench/token_stats_torch.py");
const [rows, vocabularySize] = [256, 152064];
const threadCount = Math.min(8, availableParallelism());
const rounds = 7;
const labels = Array.from({ length: rows }, (_, row) => (row * 7919) % vocabularySize);

/** Logits like a model's: normal, with a few likely tokens a row; q is p with some noise. */
function writeLogits(file: string) {
  const random = createRandom(1);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const noise = Float32Array.from({ length: 1 << 20 }, normal);
  const descriptor = openSync(file, "w");
  for (const scale of [0, 0.3]) {
    for (let row = 0; row < rows; row++) {
      const logits = new Float32Array(vocabularySize);
      for (let v = 0; v < vocabularySize; v++) {
        const i = row * 104_729 + v;
        logits[v] = 3 * noise[i & 0xfffff]! + scale * noise[(i * 3 + 12_345) & 0xfffff]!;
      }
      for (let k = 0; k < 8; k++) logits[labels[(row + k) % rows]!]! += 10 - k;
      writeSync(descriptor, logits);
    }
  }
  closeSync(descriptor);
}

function readBlock(file: string, { threads, index }: { threads: TokenThreads; index: number }) {
  const block = threads.createLogitBlock({ rows, vocabularySize });
  const bytes = new Uint8Array(block.buffer, block.byteOffset, block.byteLength);
  const descriptor = openSync(file, "r");
  for (let done = 0; done < bytes.length; ) {
    const position = index * bytes.length + done;
    done += readSync(descriptor, bytes, done, Math.min(1 << 26, bytes.length - done), position);
  }
  closeSync(descriptor);
  return block;
}

async function inTurn(works: readonly (() => Promise<unknown>)[]) {
  const times = works.map((): number[] => []);
  for (let round = -1; round < rounds; round++) {
    for (const [i, work] of works.entries()) {
      await setTimeout(50); // until the other's idle threads no longer spin
      const begin = performance.now();
      const answer = (await work()) as { ms?: number };
      if (round >= 0) times[i]!.push(answer.ms ?? performance.now() - begin);
    }
  }
  return times;
}

/** The peer's version and threads, and the largest difference of our columns from its own in float64. */
async function noteOf(
  of: "tokens" | "divergences",
  { ours, peer }: { ours: ArrayLike<number>[]; peer: Peer | undefined },
) {
  if (!peer) return "no peer: SRFT_PYTHON has no torch";
  const { torch } = await peer.ask(of, { chunk: rows });
  const { columns } = (await peer.ask("reference", { of })) as unknown as { columns: number[][] };
  const differences = ours.flatMap((column, c) => Array.from(column, (value, i) => Math.abs(value - columns[c]![i]!)));
  return `torch ${torch} eager, ${threadCount} threads: ${works[of]}; error ${Math.max(...differences).toExponential(1)}`;
}

/** What `token_stats_torch.py` computes. */
const works = {
  tokens: "log_softmax, gather, -sum(exp * log), max with argmax",
  divergences: "log_softmax and exp of both, log of the mean, four sums",
};

const forms = [
  { form: "whole array", chunk: rows, target: 5 },
  { form: "16 rows at a time", chunk: 16, target: 1.8 },
];

/** Statistics and divergences, each against both forms of the peer. */
export async function tokenStatsRows(): Promise<BenchRow[]> {
  const folder = mkdtempSync(join(tmpdir(), "srft-token-stats-"));
  const file = join(folder, "logits.f32");
  writeLogits(file);
  const setting = { file, rows, vocabulary: vocabularySize, labels, threads: threadCount };
  const peer = await startPeer(script, ["load", setting]);
  const threads = createTokenThreads(threadCount);
  try {
    const [p, q] = [readBlock(file, { threads, index: 0 }), readBlock(file, { threads, index: 1 })];
    const copy = Float32Array.from(p);
    const options = { vocabularySize, threads };
    const tokens = () => tokenStatistics(p, labels, options);
    const divergences = () => divergenceStatistics(p, q, options);
    const theirs = (verb: string) =>
      peer
        ? forms.map(
            ({ chunk }) =>
              () =>
                peer.ask(verb, { chunk }),
          )
        : [];
    const tokenTimes = await inTurn([tokens, () => tokenStatistics(copy, labels, options), ...theirs("tokens")]);
    const divergenceTimes = await inTurn([divergences, ...theirs("divergences")]);
    const { logprobs, entropies } = await tokens();
    const { kl, reverseKl, js, tv } = await divergences();
    const tokenNote = await noteOf("tokens", { ours: [logprobs, entropies], peer });
    const divergenceNote = await noteOf("divergences", { ours: [kl, reverseKl, js, tv], peer });
    const [inPlace, copied, ...tokenPeers] = tokenTimes;
    const [pairs, ...divergencePeers] = divergenceTimes;
    return [
      ...formRows("token statistics", { ours: inPlace!, peers: tokenPeers, note: tokenNote }),
      ...formRows("token statistics, copied in", { ours: copied!, peers: tokenPeers, note: tokenNote }),
      ...formRows("KL both ways, JS and TV", { ours: pairs!, peers: divergencePeers, note: divergenceNote }),
    ];
  } finally {
    await threads.close();
    await peer?.end();
    rmSync(folder, { recursive: true });
  }
}

function formRows(name: string, { ours, peers, note }: { ours: number[]; peers: number[][]; note: string }) {
  return forms.map(({ form, target }, i) =>
    timeRow({ name: `${name}, [${rows}, ${vocabularySize}]; torch ${form}`, ours, peer: peers[i] ?? [], target, note }),
  );
}
