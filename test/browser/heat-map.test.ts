import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import type { Browser, Locator } from "playwright-core";
import { tokenHeatMap } from "../../src/plots/token-heat-map.ts";
import { seriousFaults } from "./accessibility.ts";
import { launch, noBrowser, openPage, type PageOptions } from "./chromium.ts";
import { heatTable } from "./heat-map-table.ts";

const texts = [
  "<bos>",
  " the",
  " sum",
  "\n",
  "שלום",
  " עולם",
  "👩\u200d🚀",
  "語",
  " is",
  "\t",
  "\u200b",
  "<|end|>",
  ".",
];
const table = heatTable({ texts, models: ["sft", "srft@20", "srft@40"], lengths: [40, 1500] });
const map = tokenHeatMap(table);

let browser: Browser;
before(async () => {
  if (!noBrowser) browser = await launch();
});
after(() => browser?.close());

const pageOf = (body: string) =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>t</title><style>:root{color-scheme:light dark}</style></head><body><main><h1>Page</h1>${body}</main></body></html>`;

async function shown(body: string, options: PageOptions = {}) {
  const { page, happened } = await openPage(browser, options);
  await page.setContent(pageOf(body));
  await page.locator("[data-srft] .chunk span").first().waitFor();
  return { page, happened, root: page.locator("[data-srft]").first() };
}

const skip = noBrowser;
const panel = (root: Locator, model: string, text = 0) => root.locator(`[data-model="model ${model}"]`).nth(text);
const token = (root: Locator, model: string, row: number) => panel(root, model).locator("span").nth(row);
const color = (locator: Locator) => locator.evaluate((node) => node.style.backgroundColor);

test("the heat map shows every model's text in order and says whose text it is", { skip }, async () => {
  const { root, happened } = await shown(map.html());
  const letters = await panel(root, "sft").locator(".chunk").allTextContents();
  const raw = letters.join("").replaceAll("\u200b·", " ").replaceAll("↵\n", "\n").replaceAll("⇥", "\t");
  const expected = Array.from(table.tokens.subarray(0, 40), (id) => texts[id]).join("");
  assert.equal(raw.replaceAll("⟨U+200B⟩", "\u200b"), expected);
  assert.match((await root.locator("h2").textContent())!, /on base rollouts$/);
  assert.match((await root.locator("header p").textContent())!, /2 of 2 texts shown; base: base/);
  assert.deepEqual(happened, []);
});

test("the heat map keeps an emoji whole and lays right-to-left letters out from the right", { skip }, async () => {
  const { root } = await shown(map.html());
  assert.equal(await token(root, "sft", 6).textContent(), "👩\u200d🚀");
  const [hello, world] = [token(root, "sft", 4), token(root, "sft", 5)];
  const [first, second] = [(await hello.boundingBox())!, (await world.boundingBox())!];
  assert.equal(first.y, second.y);
  assert.ok(second.x < first.x, "the second Hebrew word stands left of the first");
});

test("the heat map's pointer and keys show each model's likeliest tokens side by side", { skip }, async () => {
  const { page, root } = await shown(map.html());
  const details = root.locator(".details");
  await token(root, "sft", 2).hover();
  assert.deepEqual(await details.locator("thead th").allInnerTexts(), ["", "base", "sft", "srft, step 40"]);
  assert.match((await details.textContent())!, /token 2: ·sum.*likeliest 3/s);
  assert.equal(await details.locator("tbody tr").last().locator(".bar").count(), 3);
  await root.locator(".texts").focus();
  await page.keyboard.press("ArrowRight");
  assert.match((await details.textContent())!, /token 3: ↵/);
  assert.match((await root.locator("[role=status]").textContent())!, /^↵: sft .*; srft, step 40/);
  await page.keyboard.press("End");
  assert.match((await details.textContent())!, /^token 39:/);
  await page.keyboard.press("ArrowRight");
  assert.match((await details.textContent())!, /^token 40:/);
  await page.keyboard.press("ArrowDown");
  assert.doesNotMatch((await details.textContent())!, /^token 40:/);
});

test("the heat map's measure can be switched, and the legend with it", { skip }, async () => {
  const { root } = await shown(map.html());
  const row = table.models[0]!.deltaLogprobs.findIndex((value) => value < -2);
  assert.ok(row < 40);
  const before = await color(token(root, "sft", row));
  assert.match(before, /^rgba\(213, 94, 0/);
  for (const [measure, legend] of [
    ["kl", /KL\(model‖base\) 0 nats/],
    ["class", /unshifted \(base rank 1\)/],
    ["entropy", /entropy 0 nats/],
    ["advantage", /advantage ≤ −/],
  ] as const) {
    await root.locator("select").selectOption(measure);
    assert.match((await root.locator(".key").textContent())!, legend);
  }
  const sign = table.advantages[row]! < 0 ? /^rgba\(213, 94, 0/ : /^rgba\(0, 114, 178/;
  assert.match(await color(token(root, "sft", row)), sign);
});

test("the heat map's slider chooses the checkpoint", { skip }, async () => {
  const { root } = await shown(map.html());
  const name = panel(root, "srft").locator(".name");
  const colors = () =>
    panel(root, "srft")
      .locator("span")
      .evaluateAll((all) => all.map((span) => span.style.backgroundColor));
  assert.equal(await name.textContent(), "srft, step 40");
  const later = await colors();
  await root.locator("input[type=range]").fill("0");
  assert.equal(await name.textContent(), "srft, step 20");
  assert.notDeepEqual(await colors(), later);
  const expected = Array.from(table.models[1]!.deltaLogprobs.subarray(0, 40), (value) => value !== 0);
  assert.deepEqual(
    (await colors()).map((css) => css !== ""),
    expected,
  );
});

test("the heat map's classes filter what is coloured, its models what is shown", { skip }, async () => {
  const { root } = await shown(map.html());
  await root.getByLabel("unshifted").uncheck();
  const off = await panel(root, "sft")
    .locator("span")
    .evaluateAll((all) => all.map((span) => span.classList.contains("off")));
  assert.deepEqual(
    off,
    Array.from(table.models[0]!.baseRanks.subarray(0, 40), (rank) => rank === 1),
  );
  await root.getByLabel("sft", { exact: true }).uncheck();
  assert.equal(await panel(root, "sft").isVisible(), false);
  assert.equal(await panel(root, "srft").isVisible(), true);
  await root.getByLabel("base", { exact: true }).check();
  assert.equal(await root.locator('[data-model="base base"]').first().isVisible(), true);
});

test("the heat map copies what is shown as text", { skip }, async () => {
  const { page, root } = await shown(map.html());
  await page.evaluate(
    "document.execCommand = () => { window.copied = document.activeElement.value ?? document.activeElement.shadowRoot.activeElement.value; return true }",
  );
  await root.getByRole("button", { name: "Copy as text" }).click();
  await root.getByRole("button", { name: "Copied" }).waitFor();
  const copied = String(await page.evaluate("window.copied"));
  assert.match(
    copied,
    /^What tuning changed, token by token, on base rollouts .*change of log-probability \(nats\)\)\nsft · text 0: <bos> \| <bos>/,
  );
  assert.equal(copied.split("\n").length, 1 + 2 * 2);
});

test("several heat maps stand in one page, and each is drawn", { skip }, async () => {
  const { page, happened } = await shown(map.html() + tokenHeatMap(table, { measure: "kl" }).html());
  assert.equal(await page.locator("[data-srft]").count(), 2);
  assert.deepEqual(
    await page
      .locator("[data-srft] select")
      .evaluateAll((all) => all.map((select) => (select as unknown as { value: string }).value)),
    ["deltaLogprob", "kl"],
  );
  assert.equal(await page.locator("figure").count(), 0, "the drawings gave way");
  assert.deepEqual(happened, []);
});

test("the heat map is drawn without script too", { skip }, async () => {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.setContent(pageOf(map.html()));
  assert.equal(await page.locator("figure bdi[title]").count(), 1500);
  assert.match((await page.locator("figcaption").textContent())!, /drawn: the first 500 of 1540 tokens/);
  await context.close();
});

test("a long text has elements only near the view, and all of them when it is printed", { skip }, async () => {
  const { page, root } = await shown(map.html());
  const spans = () => root.locator(".chunk span").count();
  assert.ok((await spans()) < 3000);
  await root.locator(".texts").evaluate((node) => node.scrollTo(0, node.scrollHeight));
  await page.waitForFunction(lastChunkIsFilled);
  await page.evaluate("dispatchEvent(new Event('beforeprint'))");
  assert.equal(await spans(), 3 * 1540);
});
const lastChunkIsFilled = `[...document.querySelector("[data-srft]").shadowRoot.querySelectorAll('[data-model="model sft"] .chunk')].at(-1).children.length > 0`;

for (const colorScheme of ["light", "dark"] as const) {
  test(`axe-core finds no serious fault in the heat map, ${colorScheme}`, { skip }, async () => {
    const { page, root } = await shown(map.html(), { colorScheme });
    await token(root, "sft", 2).hover();
    for (const measure of ["deltaLogprob", "class", "entropy"]) {
      await root.locator("select").selectOption(measure);
      assert.deepEqual(await seriousFaults(page), []);
    }
    await root.getByLabel("unshifted").uncheck();
    assert.deepEqual(await seriousFaults(page), []);
  });
}

const script = new URL("../../src/plots/heat-map/heat-map.script.js", import.meta.url);
const view = noBrowser ? "" : `${readFileSync(script, "utf8")};window.srftHeatMap = srftHeatMap`;

test("renderHeatMap says what is wrong with a payload and draws nothing of it", { skip }, async () => {
  const { page, happened } = await openPage(browser);
  await page.setContent(pageOf('<div id="a"></div>'));
  await page.evaluate(view);
  const render = (payload: unknown) =>
    page.evaluate(
      `srftHeatMap.renderHeatMap(document.querySelector("#a"), ${JSON.stringify(payload)}), document.querySelector("[data-srft]").shadowRoot.querySelector(".wrong")?.textContent`,
    );
  const good = map.payload;
  const cases: [unknown, RegExp][] = [
    [null, /expected an object for a payload but found null$/],
    [[], /expected an object for a payload but found object$/],
    [{ ...good, version: 2 }, /expected version 1 but found 2$/],
    [{ ...good, pieces: [1] }, /expected text for a piece but found 1$/],
    [{ ...good, texts: [{ name: "a", prompt: [], tokens: [99] }] }, /expected an index in \[0, 13\) but found 99$/],
    [{ ...good, limits: { ...good.limits, kl: 0 } }, /expected a finite limit > 0 for kl but found 0$/],
    [{ ...good, models: [{ ...good.models[0], kl: [1] }] }, /expected 1540 kl but found 1$/],
    [
      { ...good, models: [{ ...good.models[0], baseRanks: good.models[0]!.baseRanks.map(() => 0) }] },
      /expected ranks >= 1/,
    ],
    [{ ...good, models: [{ ...good.models[0], top: { count: 51 } }] }, /expected top.count in 1 … 50 but found 51$/],
    [{ ...good, models: Array(65).fill(good.models[0]) }, /expected at most 64 models but found 65$/],
  ];
  for (const [payload, expected] of cases) assert.match(String(await render(payload)), expected);
  assert.equal(await render(good), undefined);
  assert.deepEqual(happened, []);
});

test("renderHeatMap's dispose leaves nothing behind", { skip }, async () => {
  const { page } = await openPage(browser);
  await page.setContent(pageOf('<div id="a"></div>'));
  await page.evaluate(view);
  await page.evaluate(`srftHeatMap.renderHeatMap(document.querySelector("#a"), ${JSON.stringify(map.payload)})()`);
  assert.equal(await page.locator("#a").innerHTML(), "");
});
