/** Questions to whoever sits in front: `prompt()` blocks the thread, `await input()` does not. */

import { type MessagePort, receiveMessageOnPort } from "node:worker_threads";
import type { InputAnswer, PromptAnswer, SharedCounters, ToWorker } from "../link.ts";

/** How questions reach the control worker. */
export interface InputPort {
  cell(): number;
  post(message: ToWorker): void;
  readonly counters: SharedCounters;
  /** Where answers to a blocked thread arrive. */
  readonly prompts: MessagePort;
  /** What to throw when the question was interrupted. */
  interrupted(): Error;
}

/** Nobody can be asked: the front end said so, or there is none. */
export class StdinNotImplementedError extends Error {
  override readonly name = "StdinNotImplementedError";
  constructor() {
    super("input: expected a front end that can be asked but found allow_stdin false; give the value in the cell");
  }
}

/**
 * Makes the two functions that ask, and the receiver of their answers.
 *
 * @example
 * const { port1 } = new MessageChannel();
 * const counters = new Int32Array(new SharedArrayBuffer(12));
 * const port = { cell: () => 1, post: () => {}, counters, prompts: port1, interrupted: () => new Error() };
 * typeof createInput(port).prompt; // "function"
 */
export function createInput({ cell, post, counters, prompts, interrupted }: InputPort) {
  const waiting = new Map<number, (answer: InputAnswer) => void>();
  let asked = 0;
  const ask = (text: unknown, options: { readonly password: boolean; readonly isSynchronous: boolean }) => {
    const id = ++asked;
    post({ op: "input", id, cell: cell(), prompt: String(text ?? ""), ...options });
    return id;
  };
  return {
    /** Asks and waits, the thread blocked, for a line of text. */
    prompt(text?: unknown): string {
      const before = Atomics.load(counters, 2);
      ask(text, { password: false, isSynchronous: true });
      Atomics.wait(counters, 2, before);
      const answer = receiveMessageOnPort(prompts)?.message as PromptAnswer;
      if (answer === "interrupted") throw interrupted();
      return answerOf(answer);
    },
    /** Asks for a line of text, or for a password, and lets everything else go on meanwhile. */
    input(text?: unknown, { password = false } = {}): Promise<string> {
      const options =
        typeof text === "object" && text !== null ? (text as { password?: boolean; prompt?: string }) : undefined;
      const shown = options ? options.prompt : text;
      const id = ask(shown, { password: options?.password ?? password, isSynchronous: false });
      return new Promise((resolve, reject) => {
        waiting.set(id, (answer) => {
          waiting.delete(id);
          if (answer.value === undefined) reject(new StdinNotImplementedError());
          else resolve(answer.value);
        });
      });
    },
    receive: (answer: InputAnswer) => waiting.get(answer.id)?.(answer),
  };
}

function answerOf({ value }: InputAnswer): string {
  if (value === undefined) throw new StdinNotImplementedError();
  return value;
}
