/** The kernels that are measured: ours and its peers, each started with a connection file and spoken to by one client. */

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { rmSync } from "node:fs";
import { type Connected, connectClient, mainFile } from "../../kernel/client.ts";
import { startKernel } from "../../kernel/kernel-process.ts";
import { python } from "../../python.ts";

/** A kernel that can be started here. */
export interface Kernel {
  readonly name: "srft" | "ipykernel" | "tslab" | "deno";
  readonly version: string;
  readonly language: "python" | "typescript";
  command(connectionFile: string): readonly [string, ...string[]];
}

/** A peer that cannot be started here, and what would help. */
export interface AbsentKernel {
  readonly name: Kernel["name"];
  readonly remedy: string;
}

/** A running kernel with a client. */
export interface Session {
  readonly client: Connected;
  readonly pid: number;
  end(): Promise<void>;
}

const tslab = process.env.SRFT_TSLAB ?? "tslab";
const deno = process.env.SRFT_DENO ?? "deno";

export const ours: Kernel = {
  name: "srft",
  version: versionOf(process.execPath, [mainFile, "--version"]) ?? "",
  language: "typescript",
  command: (file) => [process.execPath, mainFile, "kernel", file],
};

/** The peers, in the order of the table. */
export const peers = (): (Kernel | AbsentKernel)[] => [
  peer(
    {
      name: "ipykernel",
      language: "python",
      command: (file) => [python, "-m", "ipykernel_launcher", "-f", file],
    },
    versionOf(python, ["-c", "import ipykernel; print(ipykernel.__version__)"]),
    "SRFT_PYTHON names a Python with ipykernel",
  ),
  peer(
    { name: "tslab", language: "typescript", command: (file) => [tslab, "kernel", "--config-path", file] },
    versionOf(tslab, ["--version"]),
    "npm install --global --prefix DIR tslab@1.0.22, then SRFT_TSLAB=DIR/bin/tslab",
  ),
  peer(
    { name: "deno", language: "typescript", command: (file) => [deno, "jupyter", "--kernel", "--conn", file] },
    versionOf(deno, ["--version"]),
    "npm install --prefix DIR deno@2.9.6, then SRFT_DENO=DIR/node_modules/.bin/deno",
  ),
];

const peer = (kernel: Omit<Kernel, "version">, version: string | undefined, remedy: string) =>
  version === undefined ? { name: kernel.name, remedy } : { ...kernel, version };

function versionOf(program: string, args: readonly string[]): string | undefined {
  const { status, stdout } = spawnSync(program, args, { encoding: "utf8" });
  return status === 0 ? /\d+(\.\d+)+/.exec(stdout)?.[0] : undefined;
}

/** The work's result, or undefined where it took longer. */
export async function within<Result>(seconds: number, work: Promise<Result>): Promise<Result | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, 1000 * seconds, undefined);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

/** Starts a kernel and waits for its first reply. */
export async function openSession(kernel: Kernel): Promise<Session> {
  const {
    process: child,
    folder,
    connection,
  } = await startKernel({
    command: (file) => kernel.command(file),
    env: { JPY_PARENT_PID: String(process.pid), NO_COLOR: "1", PYTHONWARNINGS: "ignore" },
  });
  const client = connectClient(connection);
  const end = async () => {
    const ended = once(child, "exit");
    await within(2, client.ask("shutdown_request", { restart: false }, "control"));
    if (child.exitCode === null && child.signalCode === null) {
      if (!(await within(2, ended))) child.kill("SIGKILL");
    }
    await client.disconnect();
    rmSync(folder, { recursive: true, force: true });
  };
  await client.ask("kernel_info_request");
  return { client, pid: child.pid!, end };
}
