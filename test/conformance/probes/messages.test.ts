/** Probes of requests and replies. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { resultText, types } from "../../kernel/client.ts";
import { useKernel } from "./probe.ts";

const kernel = useKernel();
const { run, value } = kernel;

test("replies: each has its own type, its request as parent, and the request's identities", async () => {
  const requests: [string, object, string][] = [
    ["kernel_info_request", {}, "kernel_info_reply"],
    ["is_complete_request", { code: "1" }, "is_complete_reply"],
    ["complete_request", { code: "1", cursor_pos: 1 }, "complete_reply"],
    ["inspect_request", { code: "1", cursor_pos: 1 }, "inspect_reply"],
    ["history_request", { hist_access_type: "tail", n: 1 }, "history_reply"],
    ["comm_info_request", {}, "comm_info_reply"],
  ];
  for (const [request, content, type] of requests)
    for (const channel of ["shell", "control"] as const) {
      const { reply, iopub } = await kernel.client.request(request, content, channel);
      assert.equal(reply.header.msg_type, type);
      assert.equal((reply.parent as { msg_type: string }).msg_type, request);
      assert.equal(reply.content.status, request === "is_complete_request" ? "complete" : "ok");
      assert.deepEqual(
        iopub.map((message) => message.content.execution_state),
        ["busy", "idle"],
      );
    }
});

test("kernel_info: banner, help links, features, file extension, mimetype, version", async () => {
  const { content } = (await kernel.client.request("kernel_info_request")).reply;
  assert.match(content.banner, /srft .* Node/);
  assert.ok(content.help_links.every(({ text, url }: { text: string; url: string }) => text && /^https:/.test(url)));
  assert.ok(Array.isArray(content.supported_features));
  assert.equal(content.protocol_version, "5.4");
  assert.equal(content.language_info.mimetype, "text/typescript");
  assert.match(content.language_info.version, /^\d+\.\d+/);
});

test("heartbeat: what is sent comes back", async () => assert.equal(await kernel.client.beat("thump"), "thump"));

test("silent: no input, no result, no count, and no history", async () => {
  const count = (await run("1")).reply.content.execution_count;
  const answer = await run("'secret-silent'", { silent: true, store_history: true });
  assert.deepEqual(types(answer), ["busy", "idle"]);
  assert.equal(answer.reply.content.execution_count, count);
  const { history } = (
    await kernel.client.request("history_request", { hist_access_type: "search", pattern: "*secret-silent*" })
  ).reply.content;
  assert.deepEqual(history, []);
});

test("store_history false: a result without a new count", async () => {
  const count = (await run("1")).reply.content.execution_count;
  const answer = await run("5", { store_history: false });
  assert.equal(resultText(answer), "5");
  assert.equal(answer.reply.content.execution_count, count);
  assert.equal((await run("1")).reply.content.execution_count, count + 1);
});

test("user_expressions: values and errors, after the cell", async () => {
  const { reply } = await run("const base = 20", {
    user_expressions: { sum: "base + 1", wait: "await Promise.resolve([1])", bad: "nothing.here", broken: "let = =" },
  });
  const { sum, wait, bad, broken } = reply.content.user_expressions;
  assert.deepEqual(sum, { status: "ok", data: { "text/plain": "21" }, metadata: {} });
  assert.equal(wait.data["text/plain"], "[ 1 ]");
  assert.deepEqual([bad.status, bad.ename, broken.ename], ["error", "ReferenceError", "SyntaxError"]);
});

test("user_expressions: none after a failure", async () => {
  const { reply } = await run("throw 1", { user_expressions: { a: "1" } });
  assert.deepEqual([reply.content.status, reply.content.user_expressions], ["error", undefined]);
});

test("stop_on_error: false lets the waiting cells run, true aborts them", async () => {
  const kept = await Promise.all([run("throw 1", { stop_on_error: false }), run("2")]);
  assert.equal(kept[1].reply.content.status, "ok");
  const later = "await new Promise((resolve) => setTimeout(resolve, 200)); throw 1"; // the other has come by then
  const aborted = await Promise.all([run(later), run("2")]);
  assert.equal(aborted[1].reply.content.status, "aborted");
  assert.equal(await value("3"), "3");
});

test("error: a thrown value, a custom name, a null", async () => {
  for (const [code, ename] of [
    ["throw 'text'", "Thrown"],
    ["throw Object.assign(new Error('x'), { name: 'OwnError' })", "OwnError"],
    ["throw null", "Thrown"],
    ["throw { get message() { throw 1 } }", "Thrown"],
  ] as const)
    assert.equal((await run(code)).reply.content.ename, ename, code);
});
