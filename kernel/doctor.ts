/** `srft doctor`: what works on this machine, what is missing, and the exact remedy. */

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { delimiter, join } from "node:path";
import { type Trial, tryDevice } from "./adapters.ts";
import { extensionFolder, isCurrentExtension, kernelSpec, knownDataFolders, specFolder } from "./install.ts";
import { packageVersion } from "./protocol/messages.ts";

/** One thing looked into. */
export interface Finding {
  readonly name: string;
  readonly state: "ok" | "missing" | "failed";
  /** What was found. */
  readonly found: string;
  /** What to do about it, where something can be done. */
  readonly remedy?: string;
  /** The main job, training in the terminal, cannot run without it. */
  readonly needed: boolean;
}

/** Everything `doctor` knows; `ok` when the main job can run. */
export interface Diagnosis {
  readonly srft: string;
  readonly ok: boolean;
  readonly findings: readonly Finding[];
}

/**
 * Examines the machine.
 *
 * @example
 * (await diagnose()).findings.filter(({ state }) => state !== "ok");
 */
export async function diagnose(): Promise<Diagnosis> {
  const [webgpu, cuda] = [tryDevice("webgpu"), tryDevice("cuda")];
  const devices = [deviceOf(await webgpu), deviceOf(await cuda)];
  const last = [await zeromq(), await compiler(), jupyter(), kernelspec(), extension()];
  const findings = [node(), await engine(), ...devices, ...last];
  const ok = findings.every(({ needed, state }) => !needed || state === "ok");
  return { srft: packageVersion(), ok, findings };
}

/**
 * The diagnosis as text, a line a finding and a line a remedy.
 *
 * @example
 * diagnosisText({ srft: "0.1.0", ok: true, findings: [] }); // "srft 0.1.0\nThe main job can run: npm start\n"
 */
export function diagnosisText({ srft, ok, findings }: Diagnosis): string {
  const signs = { ok: "ok      ", missing: "missing ", failed: "FAILED  " };
  const lines = findings.flatMap(({ name, state, found, remedy }) => [
    `${signs[state]} ${name.padEnd(22)} ${found}`,
    ...(remedy ? [`${" ".repeat(10)}remedy: ${remedy}`] : []),
  ]);
  const verdict = ok ? "The main job can run: npm start" : "The main job cannot run until what FAILED is put right";
  return [`srft ${srft}`, ...lines, verdict, ""].join("\n");
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  const isEnough = major > 20 || (major === 20 && minor >= 19);
  const found = `${process.versions.node} (${process.platform} ${process.arch})`;
  const base = { name: "Node", found, needed: true } as const;
  if (isEnough) return { ...base, state: "ok" };
  return { ...base, state: "failed", remedy: "install Node 20.19 or later, for example from https://nodejs.org" };
}

interface OnnxRuntime {
  listSupportedBackends?: () => { name: string; bundled: boolean }[];
}

async function engine(): Promise<Finding> {
  const base = { name: "onnxruntime-node", needed: true } as const;
  try {
    process.env.ORT_DISABLE_TELEMETRY ??= "1"; // its record of use, see src/graph/session.ts
    const imported = (await import("onnxruntime-node")) as unknown as OnnxRuntime & { default?: OnnxRuntime };
    const backends = (imported.listSupportedBackends ?? imported.default?.listSupportedBackends)?.() ?? [];
    const names = backends.map(({ name, bundled }) => (bundled ? name : `${name} (to be downloaded)`));
    return { ...base, state: "ok", found: `${installed("onnxruntime-node")}: ${names.join(", ") || "cpu"}` };
  } catch (error) {
    const remedy = "run: npm ci (its binaries are for x64 and arm64 of Linux, macOS and Windows)";
    return { ...base, state: "failed", found: firstLine(error), remedy };
  }
}

function deviceOf({ device, works, found, remedy }: Trial): Finding {
  const base = { name: `device ${device}`, found, needed: false } as const;
  return works ? { ...base, state: "ok" } : { ...base, state: "missing", remedy };
}

async function zeromq(): Promise<Finding> {
  const base = { name: "zeromq", needed: false } as const;
  try {
    const { version } = await import("zeromq");
    return { ...base, state: "ok", found: `${installed("zeromq")} (libzmq ${version})` };
  } catch (error) {
    const remedy = "run: npm rebuild zeromq (only notebook editors need it, srft run does not)";
    return { ...base, state: "failed", found: firstLine(error), remedy };
  }
}

async function compiler(): Promise<Finding> {
  const base = { name: "oxc", needed: true } as const;
  try {
    const { compileCell } = await import("./cell/cell.ts");
    compileCell("const a: number = 1");
    return {
      ...base,
      state: "ok",
      found: `parser ${installed("oxc-parser")}, transform ${installed("oxc-transform")}`,
    };
  } catch (error) {
    return { ...base, state: "failed", found: firstLine(error), remedy: "run: npm ci" };
  }
}

function jupyter(): Finding {
  const path = findOnPath("jupyter");
  const base = { name: "Jupyter", needed: false } as const;
  if (path) return { ...base, state: "ok", found: path };
  const remedy = "for the notebook editor: pip install jupyterlab (VS Code finds the kernel without it)";
  return { ...base, state: "missing", found: "no jupyter on PATH", remedy };
}

function kernelspec(): Finding {
  const base = { name: "kernelspec", needed: false } as const;
  const file = knownDataFolders()
    .map((folder) => join(specFolder(folder), "kernel.json"))
    .find((path) => existsSync(path));
  if (!file) return { ...base, state: "missing", found: "not installed", remedy: "run: npx srft install" };
  if (readFileSync(file, "utf8").includes(JSON.stringify(kernelSpec().argv[1])))
    return { ...base, state: "ok", found: file };
  return { ...base, state: "missing", found: `${file} starts another copy of srft`, remedy: "run: npx srft install" };
}

function extension(): Finding {
  const base = { name: "notebook extension", needed: false, remedy: "run: npx srft install" } as const;
  const folder = knownDataFolders()
    .map(extensionFolder)
    .find((path) => existsSync(path));
  if (!folder) return { ...base, state: "missing", found: "not installed" };
  if (!isCurrentExtension(folder)) return { ...base, state: "missing", found: `${folder} is of another version` };
  return { name: base.name, needed: false, state: "ok", found: folder };
}

/**
 * Full path of a program, or undefined.
 *
 * @example
 * findOnPath("no such program"); // undefined
 */
export function findOnPath(program: string): string | undefined {
  const endings = process.platform === "win32" ? [".exe", ".cmd", ".bat"] : [""];
  return (process.env.PATH ?? "")
    .split(delimiter)
    .flatMap((folder) => endings.map((ending) => join(folder, program + ending)))
    .find((path) => existsSync(path));
}

/** The version of a dependency; its main file may hide package.json from import. */
function installed(name: string) {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  const file = folders.map((folder) => join(folder, name, "package.json")).find((path) => existsSync(path));
  return file ? (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version : "unknown version";
}

const firstLine = (error: unknown) => (error instanceof Error ? error.message : String(error)).split("\n")[0]!;
