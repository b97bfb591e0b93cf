import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { after, test } from "node:test";
import { createRandom } from "../../src/random.ts";
import { divergenceStatistics } from "../../src/token-stats/divergence-statistics.ts";
import { createTokenThreads } from "../../src/token-stats/threads.ts";
import { tokenStatistics } from "../../src/token-stats/token-statistics.ts";

const threads = createTokenThreads(2);
after(() => threads.close());

const [rows, vocabularySize] = [50, 3001];
const random = createRandom(3);
const logits = Float32Array.from({ length: rows * vocabularySize }, () => 9 * random());
const other = logits.map((logit) => logit + random());
const labels = Array.from({ length: rows }, (_, t) => t * 60);
const options = { vocabularySize, threads };

async function* blocksOf(array: Float32Array, sizes: readonly number[]) {
  for (let i = 0, begin = 0; begin < array.length; i++) {
    const end = begin + sizes[i % sizes.length]! * vocabularySize;
    yield array.subarray(begin, end);
    begin = end;
  }
}

test("tokenStatistics of blocks are bit by bit those of the whole, however it is cut", async () => {
  const whole = await tokenStatistics(logits, labels, { ...options, topK: 4 });
  for (const sizes of [[1], [7, 0, 3], [49]]) {
    assert.deepEqual(await tokenStatistics(blocksOf(logits, sizes), labels, { ...options, topK: 4 }), whole);
  }
  const halves = [logits.subarray(0, 25 * vocabularySize), logits.subarray(25 * vocabularySize)];
  assert.deepEqual(await tokenStatistics(halves, labels, { ...options, topK: 4 }), whole);
});

test("tokenStatistics is bit by bit the same on one, two and three threads, and in calls at the same time", async () => {
  const one = await tokenStatistics(logits, labels, { vocabularySize, threads: 1 });
  assert.deepEqual(await tokenStatistics(logits, labels, { vocabularySize, threads: 3 }), one);
  const calls = Array.from({ length: 8 }, () => tokenStatistics(logits, labels, options));
  for (const statistics of await Promise.all(calls)) assert.deepEqual(statistics, one);
});

test("divergenceStatistics of blocks cut at different rows are those of the whole", async () => {
  const whole = await divergenceStatistics(logits, other, options);
  const cut = await divergenceStatistics(blocksOf(logits, [3, 11]), blocksOf(other, [8]), options);
  assert.deepEqual(cut, whole);
  assert.deepEqual(await divergenceStatistics(logits, blocksOf(other, [5]), { vocabularySize, threads: 1 }), whole);
});

test("createLogitBlock gives memory that is read where it is, in part as well, and can be filled again", async () => {
  const block = threads.createLogitBlock({ rows: 10, vocabularySize });
  assert.ok(block.buffer instanceof SharedArrayBuffer);
  const later = threads.createLogitBlock({ rows: 3, vocabularySize: 262144, dtype: "bfloat16" }); // grows the memory
  assert.equal(later.length, 3 * 262144);
  async function* filled() {
    for (let begin = 0; begin < logits.length; begin += block.length) {
      block.set(logits.subarray(begin, begin + block.length));
      yield block.subarray(0, 3 * vocabularySize);
      yield block.subarray(3 * vocabularySize);
      block.fill(Number.NaN);
    }
  }
  assert.deepEqual(await tokenStatistics(filled(), labels, options), await tokenStatistics(logits, labels, options));
});

test("divergenceStatistics of a block and an array elsewhere are those of two arrays", async () => {
  const block = threads.createLogitBlock({ rows, vocabularySize });
  block.set(logits);
  assert.deepEqual(
    await divergenceStatistics(block, other, options),
    await divergenceStatistics(logits, other, options),
  );
});

test("createLogitBlock refuses shapes that do not fit, and says what to do about 4 GiB", () => {
  const create = (size: number, width: number) => () => threads.createLogitBlock({ rows: size, vocabularySize: width });
  assert.throws(create(0, 5), /^RangeError: createLogitBlock: expected a positive integer of rows but found 0$/);
  assert.throws(create(5, 0.5), /^RangeError: createLogitBlock: expected an integer vocabularySize/);
  assert.throws(create(4096, 262144), /^RangeError: createLogitBlock: .* 4 GiB .*: use a block of fewer rows again$/);
});

test("tokenStatistics ends the caller's blocks on an error, and kept threads work on after it", async () => {
  let ended = false;
  async function* blocks() {
    try {
      for (;;) yield new Float32Array(vocabularySize).fill(Number.NaN);
    } finally {
      ended = true;
    }
  }
  await assert.rejects(tokenStatistics(blocks(), labels, options), /row \d+: expected finite/);
  assert.ok(ended);
  async function* failing() {
    yield logits.subarray(0, vocabularySize);
    throw new Error("the disk is gone");
  }
  await assert.rejects(tokenStatistics(failing(), labels, options), /^Error: the disk is gone$/);
  assert.equal((await tokenStatistics(logits, labels, options)).ranks.length, rows);
});

test("close ends the threads: later calls are refused", async () => {
  const team = createTokenThreads(1);
  await tokenStatistics(logits, labels, { vocabularySize, threads: team });
  await team.close();
  const refused = tokenStatistics(logits, labels, { vocabularySize, threads: team });
  await assert.rejects(
    refused,
    /^Error: createTokenThreads: expected open threads but found them closed: create new ones$/,
  );
});

/** Runs a module in a process of its own. */
function runAlone(body: string) {
  const from = (name: string) => JSON.stringify(new URL(`../../src/token-stats/${name}.js`, import.meta.url));
  const text = `import { createTokenThreads } from ${from("threads")};
    import { tokenStatistics } from ${from("token-statistics")};
    ${body}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", text], {
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

test("createTokenThreads lets the process end by itself, and a call keeps it alive", () => {
  const { status, stdout, stderr } = runAlone(`
    const threads = createTokenThreads(2);
    const ranks = [];
    for (let i = 0; i < 3; i++) {
      ranks.push((await tokenStatistics(new Float32Array(300000), [1, 2, 3], { vocabularySize: 100000, threads })).ranks);
    }
    console.log(ranks.join(";"));`);
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: "1,1,1;1,1,1;1,1,1\n", stderr: "" });
});

test("tokenStatistics of a streamed gigabyte takes less than 150 MB", () => {
  const { status, stdout, stderr } = runAlone(`
    const vocabularySize = 262144;
    const block = new Float32Array(4 * vocabularySize);
    const threads = createTokenThreads(2);
    const warm = await tokenStatistics(block, [0, 0, 0, 0], { vocabularySize, threads });
    const before = process.memoryUsage.rss();
    async function* blocks() {
      for (let i = 0; i < 256; i++) yield block.fill(i);
    }
    const { maxima } = await tokenStatistics(blocks(), new Array(1024).fill(5), { vocabularySize, threads });
    console.log(maxima[1023], warm.ranks.length, (process.resourceUsage().maxRSS * 1024 - before) / 1e6);`);
  const [last, warm, growth] = stdout.split(" ").map(Number);
  assert.deepEqual([status, stderr, last, warm], [0, "", 255, 4]);
  assert.ok(growth! < 150, `grew by ${growth} MB`);
});
