/**
 * The columns in which prompts, completions and answers are kept.
 *
 *   openr1             prompt (messages) · target (messages) · reward_model.ground_truth · data_source · extra_info.index
 *                      OpenR1-Math-46k-8192, as LUFFY and SRFT read it
 *   verl               prompt (messages or text) · reward_model.ground_truth · data_source · extra_info.index; no completion
 *                      verl, docs "Prepare data for post-training"
 *   messages           messages, the last by the assistant · answer? · id?
 *   prompt-completion  prompt and completion (text or messages) · answer? · id?
 *                      TRL, docs "Dataset formats"
 */

import { shown } from "./rows.ts";

/** The layouts of the table above. */
export type DemonstrationLayout = "openr1" | "verl" | "messages" | "prompt-completion";

/** A turn of a conversation. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** A row in one form for all layouts. */
export interface Demonstration {
  /** As in the file: text, or the messages before the completion, to which a chat template is still to be applied. */
  readonly prompt: string | readonly ChatMessage[];
  /** What the expert wrote; absent where the layout or the row has none. */
  readonly completion?: string;
  /** The gold answer; numbers as text, structures as JSON. */
  readonly answer?: string;
  readonly dataSource?: string;
  /** As text, since int64 ids do not fit a number. */
  readonly id?: string;
  /** JSONL: line from 1. Parquet: row from 0. */
  readonly line: number;
}

/** A column that does not hold what its layout says. */
export interface ColumnProblem {
  readonly column: string;
  readonly problem: string;
}

type Columns = Readonly<Record<string, unknown>>;

/** The top-level columns that are read, for all layouts. */
export const readColumns: readonly string[] =
  "prompt target messages completion answer id data_source reward_model extra_info".split(" ");

/**
 * The layout of a file with these columns.
 *
 * @throws {TypeError} If it is none of ours.
 */
export function layoutOf(columns: readonly string[]): DemonstrationLayout {
  const has = (...names: readonly string[]) => names.every((name) => columns.includes(name));
  if (has("prompt", "target")) return "openr1";
  if (has("prompt", "reward_model")) return "verl";
  if (has("messages")) return "messages";
  if (has("prompt", "completion")) return "prompt-completion";
  throw new TypeError(
    `readDemonstrations: expected columns of the layout openr1 (prompt, target), verl (prompt, reward_model), messages ` +
      `or prompt-completion but found ${columns.join(", ") || "none"}`,
  );
}

/** A row as a demonstration, or the first column that is wrong. */
export function demonstrationIn(
  columns: Columns,
  { layout, line }: { layout: DemonstrationLayout; line: number },
): Demonstration | ColumnProblem {
  try {
    return { ...contentOf(columns, layout), line };
  } catch (error) {
    if (error instanceof WrongColumn) return { column: error.column, problem: error.message };
    throw error;
  }
}

/** Leaves a row from the depth of a column; never leaves this file. */
class WrongColumn extends Error {
  readonly column: string;
  constructor(column: string, message: string) {
    super(message);
    this.column = column;
  }
}

function contentOf(columns: Columns, layout: DemonstrationLayout): Omit<Demonstration, "line"> {
  switch (layout) {
    case "openr1":
      return { prompt: promptIn(columns), completion: completionIn(columns, "target"), ...verlFields(columns) };
    case "verl":
      return { prompt: promptIn(columns), ...verlFields(columns) };
    case "messages":
      return { ...conversationIn(columns), ...plainFields(columns) };
    case "prompt-completion":
      return { prompt: promptIn(columns), completion: completionIn(columns, "completion"), ...plainFields(columns) };
    default:
      throw new TypeError(
        `readDemonstrations: expected a layout openr1, verl, messages or prompt-completion but found ${layout satisfies never}`,
      );
  }
}

const promptIn = ({ prompt }: Columns) =>
  typeof prompt === "string" && prompt !== "" ? prompt : messagesIn(prompt, "prompt");

function completionIn(columns: Columns, column: string): string {
  const value = columns[column];
  if (typeof value === "string" && value !== "") return value;
  const messages = messagesIn(value, column);
  if (messages.length === 1 && messages[0]!.role === "assistant") return messages[0]!.content;
  throw new WrongColumn(column, `expected one message by the assistant but found ${rolesOf(messages)}`);
}

function conversationIn({ messages: value }: Columns) {
  const messages = messagesIn(value, "messages");
  const last = messages.at(-1)!;
  if (messages.length >= 2 && last.role === "assistant")
    return { prompt: messages.slice(0, -1), completion: last.content };
  throw new WrongColumn("messages", `expected a prompt and then the assistant but found ${rolesOf(messages)}`);
}

const rolesOf = (messages: readonly ChatMessage[]) => messages.map(({ role }) => role).join(", ");

function messagesIn(value: unknown, column: string): ChatMessage[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new WrongColumn(column, `expected messages but found ${shown(value)}`);
  }
  return value.map((message: unknown, i) => {
    const { role, content } = (message ?? {}) as Partial<ChatMessage>;
    if (typeof role === "string" && role !== "" && typeof content === "string") return { role, content };
    const [key, found] = typeof role === "string" && role !== "" ? ["content", content] : ["role", role];
    throw new WrongColumn(`${column}[${i}].${key}`, `expected text but found ${shown(found)}`);
  });
}

function verlFields(columns: Columns) {
  const rewardModel = structIn(columns, "reward_model");
  const extraInfo = structIn(columns, "extra_info");
  return fields({
    answer: textIn(rewardModel.ground_truth, "reward_model.ground_truth"),
    dataSource: textIn(columns.data_source, "data_source"),
    id: idIn(extraInfo.index ?? columns.id, "extra_info.index"),
  });
}

const plainFields = (columns: Columns) =>
  fields({
    answer: textIn(columns.answer, "answer"),
    dataSource: textIn(columns.data_source, "data_source"),
    id: idIn(columns.id, "id"),
  });

/** Without the fields that are undefined. */
function fields(all: { answer: string | undefined; dataSource: string | undefined; id: string | undefined }) {
  const { answer, dataSource, id } = all;
  return {
    ...(answer !== undefined && { answer }),
    ...(dataSource !== undefined && { dataSource }),
    ...(id !== undefined && { id }),
  };
}

/** A struct, absent, or (in some files) a struct as JSON text. */
function structIn(columns: Columns, column: string): Columns {
  const value = columns[column];
  if (value === undefined || value === null) return {};
  const struct: unknown = typeof value === "string" ? parsed(value) : value;
  if (typeof struct === "object" && struct !== null && !Array.isArray(struct)) return struct as Columns;
  throw new WrongColumn(column, `expected a struct but found ${shown(value)}`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function textIn(value: unknown, column: string): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "string") return value;
  if (typeof value === "bigint" || (typeof value === "number" && Number.isFinite(value))) return String(value);
  if (typeof value === "object") return JSON.stringify(value, withoutBigInts);
  throw new WrongColumn(column, `expected text but found ${shown(value)}`);
}

/** int64 as a number where that is exact, else as text. */
const withoutBigInts = (_: string, value: unknown) => {
  if (typeof value !== "bigint") return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : String(value);
};

function idIn(value: unknown, column: string): string | undefined {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new WrongColumn(column, `expected text or an integer below 2^53 but found ${value}, which JSON has rounded`);
  }
  return textIn(value, column);
}
