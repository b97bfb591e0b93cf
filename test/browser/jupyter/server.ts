/**
 * JupyterLab and Notebook 7 with our kernel and extension, installed by `srft install` below a temporary folder that is
 * also their home, and a browser that looks at them.
 */

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { mainFile } from "../../kernel/client.ts";
import { python } from "../../python.ts";

/** Pages and notebooks below one address. */
export interface Jupyter {
  /** How every address begins. */
  readonly origin: string;
  /** The folder of the notebooks. */
  readonly folder: string;
  /** An address of JupyterLab (`lab/tree/…`) or Notebook 7 (`notebooks/…`), with the token. */
  address(path: string): string;
  close(): Promise<void>;
}

/** Why JupyterLab 4.6 and Notebook 7 cannot be had here, or undefined. */
export function jupyterMissing(): string | undefined {
  const code = "import jupyterlab, notebook; print(jupyterlab.__version__, notebook.__version__)";
  const { status, stdout } = spawnSync(python, ["-c", code], { encoding: "utf8" });
  if (status !== 0) return "SRFT_PYTHON names no Python with jupyterlab and notebook";
  const [lab = "", notebook = ""] = stdout.trim().split(" ");
  return /^4\.[6-9]/.test(lab) && notebook.startsWith("7.")
    ? undefined
    : `found jupyterlab ${lab} and notebook ${notebook}`;
}

/** Settings that keep JupyterLab from asking questions that no test is about. */
const settings: Readonly<Record<string, object>> = {
  "@jupyterlab/apputils-extension/notification": { fetchNews: "false", checkForUpdates: false },
  "@jupyterlab/docmanager-extension/plugin": { autosave: false },
};

/** Starts a server on a free port and waits until it answers. */
export async function startJupyter(): Promise<Jupyter> {
  const home = mkdtempSync(join(tmpdir(), "srft-browser-"));
  execFileSync(process.execPath, [mainFile, "install", "--prefix", home]);
  const folder = join(home, "notebooks");
  mkdirSync(folder);
  for (const [name, value] of Object.entries(settings)) {
    const file = join(home, "settings", `${name}.jupyterlab-settings`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(value));
  }
  const token = "a-test-s-token";
  const port = await freePort();
  const server = spawn(
    python,
    [
      "-m",
      "jupyterlab",
      "--no-browser",
      "--allow-root",
      "--expose-app-in-browser",
      `--ServerApp.port=${port}`,
      `--IdentityProvider.token=${token}`,
      `--ServerApp.root_dir=${folder}`,
      "--LabApp.extension_manager=readonly",
    ],
    { cwd: folder, env: environment(home), stdio: ["ignore", "ignore", "pipe"] },
  );
  const log: string[] = [];
  server.stderr!.on("data", (text) => log.push(String(text)));
  const origin = `http://127.0.0.1:${port}/`;
  const address = (path: string) => `${origin}${path}${path.includes("?") ? "&" : "?"}token=${token}`;
  await waitUntil(() => fetch(address("api/status")).then(({ ok }) => ok), { server, log });
  return {
    origin,
    folder,
    address,
    async close() {
      await stop(server);
      rmSync(home, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function environment(home: string): NodeJS.ProcessEnv {
  return {
    ...process.env,
    HOME: home,
    JUPYTER_PATH: [join(home, "share/jupyter"), process.env.JUPYTER_PATH].filter(Boolean).join(delimiter),
    JUPYTER_CONFIG_DIR: join(home, "config"),
    JUPYTER_DATA_DIR: join(home, "data"),
    JUPYTER_RUNTIME_DIR: join(home, "runtime"),
    JUPYTERLAB_SETTINGS_DIR: join(home, "settings"),
    JUPYTERLAB_WORKSPACES_DIR: join(home, "workspaces"),
    IPYTHONDIR: join(home, "ipython"),
    SRFT_HISTORY: "",
  };
}

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

async function waitUntil(test: () => Promise<boolean>, { server, log }: { server: ChildProcess; log: string[] }) {
  const end = Date.now() + 60_000;
  while (!(await test().catch(() => false))) {
    if (server.exitCode !== null || Date.now() > end) throw new Error(`jupyter did not start:\n${log.join("")}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function stop(server: ChildProcess) {
  if (server.exitCode !== null) return;
  const ended = new Promise((resolve) => server.once("exit", resolve));
  server.kill("SIGTERM");
  const late = setTimeout(() => server.kill("SIGKILL"), 10_000);
  await ended;
  clearTimeout(late);
}

/** Copies a shipped notebook, and the checkpoints beside it, into the server's folder. */
export function copyNotebook({ folder }: Pick<Jupyter, "folder">, name: string): void {
  const shipped = join(import.meta.dirname, "../../../../notebooks");
  cpSync(join(shipped, name), join(folder, name));
  if (!existsSync(join(folder, "checkpoints")))
    cpSync(join(shipped, "checkpoints"), join(folder, "checkpoints"), { recursive: true });
}

export interface Output {
  readonly output_type: string;
  readonly [field: string]: unknown;
}

/** A code cell that was not run, or one with what it showed. */
export type Cell = string | { readonly source: string; readonly outputs: readonly Output[] };

function notebookOf(cells: readonly Cell[]) {
  const kernelspec = { name: "srft", display_name: "TypeScript (srft)", language: "typescript" };
  const whole = cells.map((cell, i) => {
    const { source, outputs } = typeof cell === "string" ? { source: cell, outputs: [] } : cell;
    return {
      cell_type: "code",
      id: `cell-${i}`,
      metadata: {},
      execution_count: outputs.length > 0 ? i + 1 : null,
      source,
      outputs,
    };
  });
  return { nbformat: 4, nbformat_minor: 5, metadata: { kernelspec }, cells: whole };
}

/** Writes a notebook of code cells; one that has outputs is untrusted, for nobody signed it. */
export function writeNotebook({ folder }: Pick<Jupyter, "folder">, name: string, cells: readonly Cell[]): void {
  writeFileSync(join(folder, name), JSON.stringify(notebookOf(cells)));
}

/** Writes a notebook that the server signs: it is trusted when it is opened. */
export async function writeTrustedNotebook(
  { address }: Pick<Jupyter, "address">,
  name: string,
  cells: readonly Cell[],
) {
  const notebook = notebookOf(cells);
  for (const cell of notebook.cells) Object.assign(cell.metadata, { trusted: true });
  const body = JSON.stringify({ type: "notebook", format: "json", content: notebook });
  const { ok, status } = await fetch(address(`api/contents/${name}`), { method: "PUT", body });
  if (!ok) throw new Error(`the server did not save ${name}: ${status}`);
}
