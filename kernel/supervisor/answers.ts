/** Requests that are answered at once, whatever the cells do: one function a type, from content to content. */

import { CellSyntaxError, checkSyntax } from "../cell/cell.ts";
import { kernelInfo } from "../protocol/messages.ts";
import type { Assistant } from "./assistant.ts";
import { toCodePoints, toCodeUnits } from "./code-points.ts";
import type { CommRelay } from "./comm-relay.ts";
import type { History } from "./history.ts";

type Content = Record<string, unknown>;

/** What the answers are made from. */
export interface Sources {
  readonly assistant: Pick<Assistant, "complete" | "inspect">;
  readonly history: Pick<History, "find">;
  readonly comms: Pick<CommRelay, "info">;
  interrupt(): void;
}

/** Content of the reply to a request's content. */
export type Answer = (content: Content) => object | Promise<object>;

/**
 * Makes the answers, by request type.
 *
 * @example
 * const sources = { history: { find: () => [] }, comms: { info: () => ({}) }, interrupt: () => {} };
 * createAnswers(sources).get("is_complete_request")({ code: "1 + 1" }); // { status: "complete" }
 */
export function createAnswers({ assistant, history, comms, interrupt }: Sources): ReadonlyMap<string, Answer> {
  return new Map<string, Answer>([
    ["kernel_info_request", kernelInfo],
    ["is_complete_request", ({ code }) => completeness(textOf(code))],
    ["complete_request", (content) => complete(assistant, content)],
    ["inspect_request", (content) => inspect(assistant, content)],
    ["history_request", (content) => ({ status: "ok", history: history.find(content) })],
    ["comm_info_request", ({ target_name }) => ({ status: "ok", comms: comms.info(target_name) })],
    [
      "interrupt_request",
      () => {
        interrupt();
        return { status: "ok" };
      },
    ],
  ]);
}

const textOf = (code: unknown) => (typeof code === "string" ? code : "");

async function complete(assistant: Sources["assistant"], content: Content) {
  const code = textOf(content.code);
  const { matches, start, end } = await assistant.complete(code, toCodeUnits(code, content.cursor_pos));
  const [cursor_start, cursor_end] = [toCodePoints(code, start), toCodePoints(code, end)];
  const typed = matches.map(({ text, type }) => ({ text, type, start: cursor_start, end: cursor_end }));
  const metadata = { _jupyter_types_experimental: typed };
  return { status: "ok", matches: matches.map(({ text }) => text), cursor_start, cursor_end, metadata };
}

async function inspect(assistant: Sources["assistant"], content: Content) {
  const code = textOf(content.code);
  const cursor = toCodeUnits(code, content.cursor_pos);
  const data = await assistant.inspect(code, { cursor, detail: content.detail_level === 1 ? 1 : 0 });
  return { status: "ok", found: data !== undefined, data: data ?? {}, metadata: {} };
}

function completeness(code: string) {
  try {
    checkSyntax(code);
    return { status: "complete" };
  } catch (error) {
    if (!(error instanceof CellSyntaxError)) throw error;
    return error.isIncomplete ? { status: "incomplete", indent: nextIndent(code) } : { status: "invalid" };
  }
}

/** The last line's indentation, one step deeper after a bracket that it opens. */
function nextIndent(code: string) {
  const line = code.trimEnd().split("\n").at(-1) ?? "";
  const indent = /^\s*/.exec(line)![0];
  return /[([{]\s*(?:\/\/.*)?$|=>\s*$/.test(line) ? `${indent}  ` : indent;
}
