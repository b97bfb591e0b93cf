/** The order of messages, with ipykernel as the oracle: the same cells in Python and in TypeScript, over the same client. */

import assert from "node:assert/strict";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { test } from "node:test";
import { type Answer, type Connected, connectClient, types } from "../../kernel/client.ts";
import { startKernel } from "../../kernel/kernel-process.ts";
import { missing, python } from "../../python.ts";
import { useKernel } from "./probe.ts";

const kernel = useKernel();

interface Probe {
  readonly typescript: string;
  readonly python: string;
  readonly options?: object;
  /** Recorded from ipykernel 7.4.0, for machines without it. */
  readonly order: readonly string[];
  readonly status: "ok" | "error";
}

const input = ["busy", "execute_input"] as const;

const probes: Readonly<Record<string, Probe>> = {
  "a print and a value": {
    ...{ typescript: "console.log(1); 1", python: "print(1); 1" },
    ...{ order: [...input, "stream", "execute_result", "idle"], status: "ok" },
  },
  "an error": {
    ...{ typescript: "throw new Error('no')", python: "1/0" },
    ...{ order: [...input, "error", "idle"], status: "error" },
  },
  "a print, then an error": {
    ...{ typescript: "console.log(1); throw new Error('no')", python: "print(1); 1/0" },
    ...{ order: [...input, "stream", "error", "idle"], status: "error" },
  },
  "a syntax error": {
    ...{ typescript: "let = =", python: "x = = 1" },
    ...{ order: [...input, "error", "idle"], status: "error" },
  },
  "no value": {
    ...{ typescript: "const x = 1", python: "x = 1" },
    ...{ order: [...input, "idle"], status: "ok" },
  },
  nothing: { typescript: "", python: "", order: [...input, "idle"], status: "ok" },
  "stdout, stderr, stdout": {
    typescript: "console.log(1); console.error(2); console.log(3)",
    python: "import sys; print(1, flush=True); print(2, file=sys.stderr, flush=True); print(3, flush=True)",
    ...{ order: [...input, "stream", "stream", "stream", "idle"], status: "ok" },
  },
  "a print before a display and one after it": {
    typescript: "console.log(1); display('shown'); console.log(2)",
    python: "print(1); display('shown'); print(2)",
    ...{ order: [...input, "stream", "display_data", "stream", "idle"], status: "ok" },
  },
  "a display that is updated": {
    typescript: "const shown = display('one', { id: 'place' }); shown.update('two')",
    python: "shown = display('one', display_id='place'); shown.update('two')",
    ...{ order: [...input, "display_data", "update_display_data", "idle"], status: "ok" },
  },
  "a display that is cleared": {
    typescript: "display('gone'); clearOutput(); display('stays')",
    python: "from IPython.display import clear_output\ndisplay('gone'); clear_output(); display('stays')",
    ...{ order: [...input, "display_data", "clear_output", "display_data", "idle"], status: "ok" },
  },
  "a silent cell": {
    ...{ typescript: "1", python: "1", options: { silent: true } },
    ...{ order: ["busy", "idle"], status: "ok" },
  },
  "a silent cell that prints": {
    ...{ typescript: "console.log(1)", python: "print(1)", options: { silent: true } },
    ...{ order: ["busy", "stream", "idle"], status: "ok" },
  },
  "a cell that is not stored": {
    ...{ typescript: "1", python: "1", options: { store_history: false } },
    ...{ order: [...input, "execute_result", "idle"], status: "ok" },
  },
  "user expressions": {
    ...{ typescript: "1", python: "1", options: { user_expressions: { two: "1 + 1" } } },
    ...{ order: [...input, "execute_result", "idle"], status: "ok" },
  },
  "a print after an await": {
    typescript: "await new Promise((go) => setTimeout(go, 5)); console.log(1)",
    python: "import asyncio; await asyncio.sleep(0.005); print(1)",
    ...{ order: [...input, "stream", "idle"], status: "ok" },
  },
};

const reason = missing("ipykernel", "python3-ipykernel");
const skip = reason && `${Object.keys(probes).length + 1} orders are compared with recorded ones only: ${reason}`;
let oracle: Connected | undefined;

/** What ipykernel, started once and ended with the tests, says of a probe. */
const askOracle = async ({ python: code, options }: Probe): Promise<Answer | undefined> =>
  oracle?.execute(code, { ...whole, ...options });

/** ipykernel sends what stands in a stream by the clock: a busy machine may get a text and its newline apart. */
const withWholeStreams = (answer: Answer): Answer => ({
  ...answer,
  iopub: answer.iopub.filter(({ header, content }, i, all) => {
    const before = all[i - 1];
    const isStream = header.msg_type === "stream" && before?.header.msg_type === "stream";
    return !isStream || content.name !== before.content.name;
  }),
});

/** ipykernel before 7 takes no request that leaves a field out. */
const whole = { silent: false, store_history: true, user_expressions: {}, stop_on_error: true };

test("ipykernel starts, or its recorded orders are used", async (context) => {
  if (skip) return context.skip(skip);
  const {
    process: child,
    folder,
    connection,
  } = await startKernel({
    command: (file) => [python, "-m", "ipykernel_launcher", "-f", file],
    env: { IPYTHONDIR: "", PYTHONWARNINGS: "ignore" },
  });
  oracle = connectClient(connection);
  await oracle.subscribed();
  kernel.onEnd(async () => {
    const ended = once(child, "exit");
    child.kill("SIGKILL");
    await ended;
    await oracle!.disconnect();
    rmSync(folder, { recursive: true, force: true });
  });
});

for (const [name, probe] of Object.entries(probes))
  test(`order: ${name}, as ipykernel has it`, { timeout: 30_000 }, async () => {
    const ours = await kernel.run(probe.typescript, probe.options);
    assert.deepEqual(types(ours), probe.order);
    assert.equal(ours.reply.content.status, probe.status);
    const theirs = await askOracle(probe);
    if (!theirs) return;
    assert.deepEqual(types(withWholeStreams(theirs)), probe.order, "the oracle");
    assert.equal(theirs.reply.content.status, probe.status, "the oracle");
  });

test("order: waiting cells after an error are aborted, as ipykernel has it", { timeout: 30_000 }, async () => {
  const abortedBy = async (client: Connected, failing: string) => {
    const answers = await Promise.all([failing, "1", "2"].map((code) => client.execute(code, whole)));
    return answers.map((answer) => [...types(answer), answer.reply.content.status as string]);
  };
  const ours = await abortedBy(kernel.client, "await new Promise((resolve) => setTimeout(resolve, 200)); throw 1");
  assert.deepEqual(ours, [
    ["busy", "execute_input", "error", "idle", "error"],
    ["busy", "idle", "aborted"],
    ["busy", "idle", "aborted"],
  ]);
  if (oracle) assert.deepEqual(await abortedBy(oracle, "import time; time.sleep(0.2); 1/0"), ours);
});
