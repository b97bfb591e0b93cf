/** Starts a kernel, ours or another's, as Jupyter would: with a connection file, in a temporary folder. */

import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Connection } from "../../kernel/protocol/messages.ts";

export interface StartOptions {
  /** Added to the environment. */
  readonly env?: Record<string, string>;
  /** The command for a connection file; ours, by this Node, without. */
  readonly command?: (connectionFile: string) => readonly [string, ...string[]];
}

export interface KernelProcess {
  readonly process: ChildProcess;
  /** Its working folder, which also holds the connection file and its history. */
  readonly folder: string;
  readonly connection: Connection;
}

export const mainFile = join(import.meta.dirname, "../../kernel/main.js");

export const connectionKey = "a test's key";

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

async function writeConnection(folder: string) {
  const [shell_port, iopub_port, stdin_port, control_port, hb_port] = (await Promise.all(
    Array.from({ length: 5 }, freePort),
  )) as [number, number, number, number, number];
  const connection: Connection = {
    transport: "tcp",
    ip: "127.0.0.1",
    key: connectionKey,
    signature_scheme: "hmac-sha256",
    ...{ shell_port, iopub_port, stdin_port, control_port, hb_port },
  };
  const file = join(folder, "connection.json");
  writeFileSync(file, JSON.stringify(connection));
  return { connection, file };
}

const ours = (file: string) => [process.execPath, mainFile, "kernel", file] as const;

/** Starts it; whoever started it ends it and removes its folder. */
export async function startKernel({ env = {}, command = ours }: StartOptions = {}): Promise<KernelProcess> {
  const folder = mkdtempSync(join(tmpdir(), "srft-kernel-"));
  const { connection, file } = await writeConnection(folder);
  const [program, ...args] = command(file);
  const kernel = spawn(program, args, {
    cwd: folder,
    stdio: ["ignore", 2, 2],
    env: { ...process.env, SRFT_HISTORY: join(folder, "history.jsonl"), ...env },
  });
  return { process: kernel, folder, connection };
}
