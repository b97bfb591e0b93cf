#!/usr/bin/env node
/** The command `srft`. Each subcommand's code is loaded when it is asked for, so that the kernel starts fast. */

import { parseArgs } from "node:util";

const usage = `srft: a TypeScript notebook kernel and library for SRFT

  srft run NOTEBOOK [--out FILE | --inplace] [--html FILE] [--timeout SECONDS] [--verbose]
                         execute a notebook; writes out/NAME.ipynb unless told otherwise
  srft install [--user | --sys-prefix | --prefix DIR]
                         make the kernel known to Jupyter and VS Code, and install
                         the extension of JupyterLab and Notebook 7
  srft uninstall [--user | --sys-prefix | --prefix DIR]
  srft lab [ARGUMENTS]   JupyterLab on the notebooks folder
  srft doctor [--json]   what works here, what is missing, and the remedy
  srft kernel FILE       the kernel itself, as Jupyter starts it
  srft --help | --version

Exit codes of run: 0 done, 1 a cell failed, 2 unusable input, 130 interrupted.
`;

const [command = "--help", ...rest] = process.argv.slice(2);
process.exitCode = await runCommand(command, rest).catch(fail);
if (command === "kernel") process.exit();

async function runCommand(name: string, args: string[]): Promise<number> {
  switch (name) {
    case "run":
      return run(args);
    case "install":
    case "uninstall":
      return install(name, args);
    case "lab":
      return (await import("./lab.ts")).runLab(args);
    case "doctor":
      return doctor(args);
    case "kernel":
      return kernel(args);
    case "--version":
    case "-v":
      process.stdout.write(`${(await import("./protocol/messages.ts")).packageVersion()}\n`);
      return 0;
    case "--help":
    case "-h":
    case "help":
      process.stdout.write(usage);
      return 0;
    default:
      process.stderr.write(`srft: expected a command but found ${name}\n\n${usage}`);
      return 2;
  }
}

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      out: { type: "string" },
      html: { type: "string" },
      timeout: { type: "string" },
      inplace: { type: "boolean" },
      verbose: { type: "boolean" },
    },
  });
  const [notebook, ...others] = positionals;
  if (notebook === undefined || others.length > 0)
    throw new TypeError(`run: expected one notebook but found ${positionals.length}`);
  const { out, html, inplace, verbose } = values;
  if (out !== undefined && inplace) throw new TypeError("run: expected --out or --inplace but found both");
  const { runNotebook } = await import("./notebook/run.ts");
  return runNotebook(notebook, {
    ...(out === undefined ? {} : { out }),
    ...(html === undefined ? {} : { html }),
    ...(inplace ? { inplace } : {}),
    ...(verbose ? { verbose } : {}),
    ...(values.timeout === undefined ? {} : { timeout: secondsOf(values.timeout) }),
  });
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 2_000_000) return seconds;
  throw new RangeError(`run: expected --timeout in seconds, above 0, but found ${text}`);
}

async function install(name: "install" | "uninstall", args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: { user: { type: "boolean" }, "sys-prefix": { type: "boolean" }, prefix: { type: "string" } },
  });
  if (Object.keys(values).length > 1) throw new TypeError(`${name}: expected one of --user, --sys-prefix, --prefix`);
  const { installExtension, installKernel, uninstallExtension, uninstallKernel } = await import("./install.ts");
  const kind = values["sys-prefix"] ? "sys-prefix" : "user";
  const target =
    values.prefix === undefined ? ({ kind } as const) : ({ kind: "prefix", folder: values.prefix } as const);
  if (name === "install") {
    process.stdout.write(`installed the kernel TypeScript (srft) in ${installKernel(target)}\n`);
    process.stdout.write(`installed the extension of JupyterLab and Notebook 7 in ${installExtension(target)}\n`);
    return 0;
  }
  const removed = [uninstallKernel(target), uninstallExtension(target)].filter((folder) => folder !== undefined);
  process.stdout.write(`${removed.length > 0 ? removed.join(" and ") : "nothing"} removed\n`);
  return 0;
}

async function doctor(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: { json: { type: "boolean" } } });
  const { diagnose, diagnosisText } = await import("./doctor.ts");
  const diagnosis = await diagnose();
  process.stdout.write(values.json ? `${JSON.stringify(diagnosis, null, 2)}\n` : diagnosisText(diagnosis));
  return diagnosis.ok ? 0 : 1;
}

/** `jupyter run` and `jupyter console` hand arguments of their own on to the kernel; they mean nothing here. */
async function kernel([connectionFile]: string[]): Promise<number> {
  if (connectionFile === undefined)
    throw new TypeError("kernel: expected a connection file; Jupyter writes it, start the kernel from there");
  const { spawnUserProcess } = await import("./executor/child.ts");
  const first = spawnUserProcess({ folder: process.cwd() }); // starts while this process loads its own code
  await (await import("./supervisor/supervisor.ts")).runKernel(connectionFile, first);
  return 0;
}

function fail(error: unknown): number {
  const { message = String(error) } = error as Partial<Error>;
  process.stderr.write(`srft: ${message}\n`);
  if (!(error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError))
    process.stderr.write(`${(error as Partial<Error>).stack ?? ""}\n`);
  return 2;
}
