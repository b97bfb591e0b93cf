/**
 * What the supervisor (process A) and the user process (B) say to each other: JSON, one message a line, over one
 * socket that B's control worker holds; cells come over a second one, straight to B's main thread. Cells are numbered
 * by A in the order in which they run, never twice in its life, so that late output finds its cell.
 */

/** Descriptors of the two sockets in process B. */
export const descriptors = { link: 3, cells: 4 } as const;

/** Content by MIME type: text, or a JSON value for JSON types; binary content is base64 text. */
export type MimeBundle = Record<string, unknown>;

/** How a cell failed, in the words of the protocol; `traceback` has one entry a line. */
export interface CellError {
  readonly ename: string;
  readonly evalue: string;
  readonly traceback: readonly string[];
}

/** A piece of output; `cell` is the cell that caused it, which may have ended. */
export type Output =
  | { readonly op: "stream"; readonly cell: number; readonly name: "stdout" | "stderr"; readonly text: string }
  | {
      readonly op: "display";
      readonly cell: number;
      readonly data: MimeBundle;
      readonly metadata: MimeBundle;
      /** Display that this one creates, or changes when `update` is set. */
      readonly id?: string;
      readonly update?: true;
    }
  | { readonly op: "clear"; readonly cell: number; readonly wait: boolean }
  | ({ readonly op: "comm"; readonly cell: number } & CommMessage);

/** A message of a comm, either way; buffers are base64 text. */
export interface CommMessage {
  readonly type: "comm_open" | "comm_msg" | "comm_close";
  readonly content: { readonly comm_id: string; readonly data: unknown; readonly target_name?: string };
  readonly metadata: Record<string, unknown>;
  readonly buffers: readonly string[];
}

/** What a user expression came to, in the words of the protocol. */
export type ExpressionResult =
  | { readonly status: "ok"; readonly data: MimeBundle; readonly metadata: MimeBundle }
  | ({ readonly status: "error" } & CellError);

/** The end of a cell: its value's bundle, its error, or neither. */
export interface Done {
  readonly op: "done";
  readonly cell: number;
  readonly data?: MimeBundle;
  readonly error?: CellError;
  readonly expressions?: Record<string, ExpressionResult>;
  /** Names the cell declared. */
  readonly names?: readonly string[];
  /** Told by the main thread itself: no barrier comes, but all that the pipes carried before can be read by now. */
  readonly isStraight?: true;
}

/** A question to whoever sits in front. */
export interface InputQuestion {
  readonly op: "input";
  readonly id: number;
  readonly cell: number;
  readonly prompt: string;
  readonly password: boolean;
}

/** The answer; without a value nobody can be asked. */
export interface InputAnswer {
  readonly op: "input_reply";
  readonly id: number;
  readonly value?: string;
}

/** What the supervisor wants to know of the variables, or has for a comm; offsets are code units. */
export type Question =
  | { readonly kind: "complete"; readonly code: string; readonly cursor: number }
  | { readonly kind: "inspect"; readonly code: string; readonly cursor: number; readonly detail: number }
  | ({ readonly kind: "comm"; readonly cell: number } & CommMessage);

/** From B to A. */
export type FromUser =
  | { readonly op: "ready" }
  | { readonly op: "answer"; readonly id: number; readonly value?: unknown }
  | InputQuestion
  | Output
  | Done;

/** A cell to run; `count` is the number shown beside it, `expressions` are evaluated after it. */
export interface RunRequest {
  readonly op: "run";
  readonly cell: number;
  readonly count: number;
  readonly source: string;
  readonly expressions?: Record<string, string>;
}

/** From A to B. */
export type ToUser =
  | RunRequest
  | { readonly op: "interrupt"; readonly cell: number }
  | { readonly op: "ask"; readonly id: number; readonly question: Question }
  | InputAnswer;

/** From B's main thread to its control worker; a synchronous question blocks that thread. */
export type ToWorker =
  | Exclude<FromUser, InputQuestion>
  | (InputQuestion & { readonly isSynchronous: boolean })
  | { readonly op: "flush" }
  | { readonly op: "pong" };

/** From the control worker to the main thread. */
export type FromWorker = ToUser | { readonly op: "ping" };

/** What a blocked main thread receives: the answer, or that its cell was interrupted. */
export type PromptAnswer = InputAnswer | "interrupted";

/**
 * What the two threads of B share: [0] characters not yet sent, [1] flushes done, [2] prompts answered, [3] messages of
 * the main thread that the worker has written, [4] the last cell whose end was told, by either.
 */
export type SharedCounters = Int32Array<SharedArrayBuffer>;

/** How an interrupted cell ends. */
export const interruption: CellError = {
  ename: "Interrupted",
  evalue: "the cell was interrupted",
  traceback: ["Interrupted: the cell was interrupted; variables are kept"],
};

/** One message as the line that carries it. */
export const toLine = (message: FromUser | ToUser) => `${JSON.stringify(message)}\n`;

/**
 * Cuts text that arrives in pieces into messages.
 *
 * @returns A function that takes the next piece and gives the messages it completes.
 * @example
 * lineReader<ToUser>()('{"op":"interrupt","cell":1}\n'); // [{ op: "interrupt", cell: 1 }]
 */
export function lineReader<Message>() {
  let parts: string[] = [];
  return (text: string): Message[] => {
    const lines = text.split("\n");
    parts.push(lines[0]!);
    if (lines.length === 1) return [];
    lines[0] = parts.join("");
    parts = [lines.pop()!];
    return lines.map((line) => JSON.parse(line) as Message);
  };
}

/** Bytes a user process writes to its own stdout and stderr when a cell ends: all its earlier output has gone by. */
export const barrier = (nonce: string, cell: number) => `\0srft:${nonce}:${cell}\0`;
