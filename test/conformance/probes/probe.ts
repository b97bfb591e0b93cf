/** What probes have in common: a kernel for the tests of one file, and short ways to ask it. */

import assert from "node:assert/strict";
import { after, before } from "node:test";
import { type Answer, type Client, resultText, startClient } from "../../kernel/client.ts";

/** The contents of an answer's messages of one type. */
const contents = (answer: Answer, type: string) =>
  answer.iopub.filter(({ header }) => header.msg_type === type).map(({ content }) => content);

/** Starts a kernel before the tests of a file and ends it after them. */
export function useKernel() {
  let client: Client;
  before(async () => {
    client = await startClient();
  });
  const endings: (() => Promise<void>)[] = [];
  after(async () => {
    for (const end of endings) await end();
    await client.close();
  });
  const run = (code: string, options?: object) => client.execute(code, options);
  return {
    get client() {
      return client;
    },
    /** Does something more after the tests of the file. */
    onEnd: (work: () => Promise<void>) => endings.push(work),
    contents,
    run,
    value: async (code: string, options?: object) => resultText(await run(code, options)),
    bundle: async (code: string) =>
      contents(await run(code), "execute_result")[0]?.data as Readonly<Record<string, unknown>>,
    complete: async (code: string, cursor_pos = [...code].length) =>
      (await client.request("complete_request", { code, cursor_pos })).reply.content,
    inspect: async (code: string, cursor_pos: number, detail_level = 0) =>
      (await client.request("inspect_request", { code, cursor_pos, detail_level })).reply.content,
  };
}

/** Within so many milliseconds. */
export async function soon<Value>(work: () => Promise<Value>, milliseconds: number): Promise<Value> {
  const start = performance.now();
  const result = await work();
  const took = performance.now() - start;
  assert.ok(took < milliseconds, `took ${took} ms`);
  return result;
}
