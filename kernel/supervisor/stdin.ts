/** Questions of cells to the front end that sent them, one after the other, as the protocol has them. */

import type { InputQuestion } from "../link.ts";
import type { ExecuteRequest, Message } from "../protocol/messages.ts";
import type { Speaker } from "../protocol/speaker.ts";

/** The request that is being executed. */
export interface RunningCell {
  readonly cell: number;
  readonly message: Message<ExecuteRequest>;
}

/**
 * Makes the supervisor's side of `prompt()` and `input()`.
 *
 * @param running Gives the cell that runs; only that one may ask.
 * @example
 * await createStdin({ ask: () => {} }, () => undefined).ask({ op: "input", id: 1, cell: 1, prompt: "", password: false }); // undefined
 */
export function createStdin(speaker: Pick<Speaker, "ask">, running: () => RunningCell | undefined) {
  const waiting: ((value: string | undefined) => void)[] = [];
  return {
    /** The answer, or undefined where nobody can be asked. */
    async ask({ cell, prompt, password }: InputQuestion): Promise<string | undefined> {
      const now = running();
      if (!now || now.cell !== cell || now.message.content.allow_stdin === false) return undefined;
      speaker.ask(now.message, { prompt, password });
      return new Promise((resolve) => waiting.push(resolve));
    },
    /** Takes an input_reply; front ends do not say to which question. */
    receive(message: Message) {
      const { value } = message.content;
      if (message.header.msg_type === "input_reply") waiting.shift()?.(typeof value === "string" ? value : "");
    },
    /** The cell ended: nobody waits any more. */
    forget() {
      for (const settle of waiting.splice(0)) settle(undefined);
    },
  };
}
