#!/usr/bin/env node
/** The command `srft`. Each subcommand's code is loaded when it is asked for, so that the kernel starts fast. */

const usage = `srft: a TypeScript notebook kernel and library for SRFT

  srft run NOTEBOOK [--out FILE | --inplace] [--html FILE] [--timeout SECONDS] [--verbose]
                         execute a notebook; writes out/NAME.ipynb unless told otherwise
  srft install [--user | --sys-prefix | --prefix DIR]
                         make the kernel known to Jupyter and VS Code
  srft uninstall [--user | --sys-prefix | --prefix DIR]
  srft lab [ARGUMENTS]   JupyterLab on the notebooks folder
  srft doctor [--json]   what works here, what is missing, and the remedy
  srft kernel FILE       the kernel itself, as Jupyter starts it
  srft --help | --version

Exit codes of run: 0 done, 1 a cell failed, 2 unusable input, 130 interrupted.
`;

const [command = "--help", ...rest] = process.argv.slice(2);
const code = await runCommand(command, rest).catch(fail);
if (code !== undefined) process.exitCode = code;
if (command === "kernel") process.exit();

async function runCommand(name: string, args: string[]): Promise<number> {
  switch (name) {
    case "kernel":
      await (await import("./supervisor.ts")).runKernel(args[0] ?? "");
      return 0;
    default:
      process.stderr.write(`srft: expected a command but found ${name}\n\n${usage}`);
      return 2;
  }
}

function fail(error: unknown): number {
  process.stderr.write(`srft: ${error instanceof Error ? error.message : String(error)}\n`);
  return 2;
}
