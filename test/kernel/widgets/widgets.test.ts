import assert from "node:assert/strict";
import { test } from "node:test";
import type { CommMessage } from "../../../kernel/link.ts";
import { createComms } from "../../../kernel/user/comms.ts";
import { createWidgets } from "../../../kernel/widgets/widgets.ts";

interface Sent {
  readonly id: string;
  readonly type: CommMessage["type"];
  // biome-ignore lint/suspicious/noExplicitAny: messages differ by op
  readonly data: any;
}

/** Widgets over the kernel's own comms, and views that speak to them as a front end does. */
function setup() {
  const sent: Sent[] = [];
  const { comms, receive } = createComms({
    cell: () => 1,
    send: (output) => {
      if (output.op === "comm") sent.push({ id: output.content.comm_id, type: output.type, data: output.content.data });
    },
  });
  const widgets = createWidgets(comms.register);
  const say = (type: CommMessage["type"], content: CommMessage["content"]) =>
    receive({ type, content, metadata: {}, buffers: [] });
  const view = async (id: unknown, name: string) => {
    await say("comm_open", { comm_id: name, target_name: "srft.widget", data: { id } });
    return {
      heard: () => sent.filter((message) => message.id === name).map(({ data }) => data),
      set: (state: object) => say("comm_msg", { comm_id: name, data: { op: "set", state } }),
      custom: (content: unknown) => say("comm_msg", { comm_id: name, data: { op: "custom", content } }),
      close: () => say("comm_close", { comm_id: name, data: {} }),
    };
  };
  return { widgets, view, sent };
}

type Bundle = Record<string, unknown>;
const display = Symbol.for("Jupyter.display");
const bundleOf = (value: unknown) => (value as Record<symbol, () => Bundle>)[display]!();
const shownBy = (value: unknown) =>
  bundleOf(value)["application/vnd.srft.widget+json"] as { id: string; state: Bundle };

test("a widget's bundle has its own type, a picture, HTML and text, all with its value, markup escaped", () => {
  const { widgets } = setup();
  const label = "<script>alert(1)</script>";
  const all = [
    widgets.slider({ label, value: 3 }),
    widgets.select({ label, options: ["<b>", "c"] }),
    widgets.checkbox({ label, value: true }),
    widgets.text({ label, value: "<i>" }),
    widgets.button({ label }),
    widgets.custom({ render: "export default {}", state: { label } }),
  ];
  for (const bundle of all.map(bundleOf)) {
    assert.deepEqual(Object.keys(bundle).sort(), [
      "application/vnd.srft.widget+json",
      "image/svg+xml",
      "text/html",
      "text/plain",
    ]);
    for (const type of ["image/svg+xml", "text/html"]) assert.doesNotMatch(String(bundle[type]), /<(script|b|i)>/);
    assert.match(String(bundle["text/plain"]), /<script>/);
  }
  assert.deepEqual(
    all.slice(0, 5).map((widget) => bundleOf(widget)["text/plain"]),
    [`${label}: 3`, `${label}: <b>`, `☑ ${label}`, `${label}: <i>`, `[${label}]`],
  );
});

test("a module's source is sent by the kernel and is not in the notebook", async () => {
  const { widgets, view } = setup();
  const custom = widgets.custom({ render: ({ el }) => el.append("secret source") });
  assert.doesNotMatch(JSON.stringify(bundleOf(custom)), /secret source/);
  const { heard } = await view(shownBy(custom).id, "a");
  assert.match(heard()[0].source, /export default \{ render: \(\{ el \}\) => el\.append\("secret source"\) \}/);
});

test("a view hears the state when it opens, and changes by code", async () => {
  const { widgets, view } = setup();
  const slider = widgets.slider({ min: 0, max: 10, step: 1, value: 3 });
  const { heard } = await view(shownBy(slider).id, "a");
  assert.equal(heard()[0].state.value, 3);
  slider.value = 4;
  assert.deepEqual(heard()[1].state, { value: 4 });
  assert.equal(heard()[1].bundle["text/plain"], ": 4");
  slider.value = 4;
  assert.equal(heard().length, 2);
});

test("a change in one view reaches code and the other views, and not the view itself", async () => {
  const { widgets, view } = setup();
  const slider = widgets.slider({ value: 3 });
  const seen: number[] = [];
  slider.onChange((value) => seen.push(value));
  const [a, b] = [await view(shownBy(slider).id, "a"), await view(shownBy(slider).id, "b")];
  await a.set({ value: 7 });
  await b.set({ value: 8 });
  assert.equal(slider.value, 8);
  assert.deepEqual(seen, [7, 8]);
  assert.deepEqual(
    [a, b].map(({ heard }) => heard().map(({ op }) => op)),
    [
      ["state", "kept", "patch"],
      ["state", "patch", "kept"],
    ],
  );
  await a.close();
  slider.value = 9;
  assert.equal(a.heard().length, 3);
  assert.deepEqual(b.heard().at(-1).state, { value: 9 });
});

test("what a control cannot be is refused, and the view is told what it is", async () => {
  const { widgets, view } = setup();
  const cases = [
    { widget: widgets.slider({ max: 10, value: 3 }), wrong: [11, -1, "4", null, Number.NaN] },
    { widget: widgets.select({ options: ["a", "b"] }), wrong: ["c", 1, "__proto__"] },
    { widget: widgets.checkbox(), wrong: [1, "true"] },
    { widget: widgets.text(), wrong: [1, {}] },
  ];
  for (const [i, { widget, wrong }] of cases.entries()) {
    const before = widget.value;
    const { set, heard } = await view(shownBy(widget).id, `view ${i}`);
    for (const value of wrong) await set({ value });
    assert.equal(widget.value, before);
    assert.deepEqual(
      heard().map(({ op, state }) => [op, state.value]),
      [...Array(wrong.length + 1)].map(() => ["state", before]),
    );
  }
  const { widget } = cases[0]!;
  const { set } = await view(shownBy(widget).id, "label");
  await set({ value: 5, label: "another", min: -99 });
  assert.deepEqual(shownBy(widget).state, { label: "", min: 0, max: 10, step: 0.1, value: 5 });
});

test("code that sets what a control cannot be gets an error that says what it can", () => {
  const { widgets } = setup();
  const slider = widgets.slider({ max: 10 });
  assert.throws(() => {
    slider.value = 11;
  }, /^RangeError: value: expected a number in \[0, 10\] but found 11$/);
  assert.throws(() => widgets.slider({ min: 2, max: 1 }), /expected min < max and step > 0 but found 2, 1/);
  assert.throws(() => widgets.slider({ value: 101 }), RangeError);
  assert.throws(() => widgets.select({ options: [] }), /expected options, a list of texts, but found none/);
  assert.throws(() => widgets.select({ options: ["a"], value: "b" as "a" }), /expected one of a but found b/);
  assert.throws(() => widgets.custom({ render: 1 as never }), /expected render, a function or a module's source/);
  assert.throws(() => slider.onChange("no" as never), TypeError);
});

test("a button counts its presses", async () => {
  const { widgets, view } = setup();
  const presses: number[] = [];
  const button = widgets.button({ label: "go" }).onClick((count) => presses.push(count));
  const { set } = await view(shownBy(button).id, "a");
  await set({ value: 1 });
  await set({ value: 2 });
  assert.deepEqual(presses, [1, 2]);
});

test("a custom widget shares fields and messages with its views", async () => {
  const { widgets, view } = setup();
  const custom = widgets.custom({ render: "export default {}", state: { count: 0, name: "a" } });
  const [changes, messages]: unknown[][] = [[], []];
  custom.onChange((change) => changes.push(change)).onMessage((content) => messages.push(content));
  const { set, custom: say, heard } = await view(shownBy(custom).id, "a");
  await set({ count: 1 });
  await say({ hello: "kernel" });
  custom.send({ hello: "view" });
  custom.set({ name: "b" });
  assert.deepEqual(changes, [{ count: 1 }, { name: "b" }]);
  assert.deepEqual(messages, [{ hello: "kernel" }]);
  assert.deepEqual(custom.state, { count: 1, name: "b" });
  assert.deepEqual(
    heard().map(({ op }) => op),
    ["state", "kept", "custom", "patch"],
  );
});

test("a view of a widget that is not there is closed", async () => {
  const { view, sent } = setup();
  for (const id of ["no such", undefined, null, { a: 1 }]) await view(id, `view of ${JSON.stringify(id)}`);
  assert.deepEqual(
    sent.map(({ type }) => type),
    Array(4).fill("comm_close"),
  );
});
