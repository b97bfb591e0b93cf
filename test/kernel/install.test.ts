import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import type { Diagnosis } from "../../kernel/doctor.ts";
import { dataFolder, type Machine, userDataFolder } from "../../kernel/install.ts";
import { mainFile } from "./client.ts";

let prefix: string;

before(() => {
  prefix = mkdtempSync(join(tmpdir(), "srft-install-"));
});
after(() => rmSync(prefix, { recursive: true, force: true }));

const machine = (platform: NodeJS.Platform, env: Machine["env"] = {}) => ({ platform, home: join("home", "ada"), env });

test("userDataFolder follows Jupyter's rules on each system", () => {
  assert.equal(userDataFolder(machine("linux")), join("home", "ada", ".local", "share", "jupyter"));
  assert.equal(userDataFolder(machine("linux", { XDG_DATA_HOME: "x" })), join("x", "jupyter"));
  assert.equal(userDataFolder(machine("darwin")), join("home", "ada", "Library", "Jupyter"));
  assert.equal(userDataFolder(machine("win32", { APPDATA: "roaming" })), join("roaming", "jupyter"));
  for (const platform of ["linux", "darwin", "win32"] as const)
    assert.equal(userDataFolder(machine(platform, { JUPYTER_DATA_DIR: "own", APPDATA: "a" })), "own");
});

test("dataFolder takes the active environment for sys-prefix, and says when there is none", () => {
  assert.equal(
    dataFolder({ kind: "sys-prefix" }, machine("linux", { VIRTUAL_ENV: "venv" })),
    join("venv", "share", "jupyter"),
  );
  assert.throws(() => dataFolder({ kind: "sys-prefix" }, machine("linux")), /expected an active environment/);
});

test("install --prefix writes a kernelspec that starts this Node and this file; uninstall removes it", () => {
  const folder = join(prefix, "share", "jupyter", "kernels", "srft");
  const run = (command: string) =>
    execFileSync(process.execPath, [mainFile, command, "--prefix", prefix], { encoding: "utf8" });
  assert.match(run("install"), /installed the kernel TypeScript \(srft\) in /);
  const spec = JSON.parse(readFileSync(join(folder, "kernel.json"), "utf8")) as Record<string, unknown>;
  assert.deepEqual(spec.argv, [process.execPath, mainFile, "kernel", "{connection_file}"]);
  assert.equal(spec.display_name, "TypeScript (srft)");
  assert.equal(spec.language, "typescript");
  assert.equal(spec.interrupt_mode, "message");
  assert.match(readFileSync(join(folder, "logo-svg.svg"), "utf8"), /<svg/);
  assert.match(run("install"), /installed/);
  assert.match(run("uninstall"), /removed/);
  assert.equal(existsSync(folder), false);
  assert.match(run("uninstall"), /nothing removed/);
});

test("install --user goes to JUPYTER_DATA_DIR where that is set", () => {
  const env = { ...process.env, JUPYTER_DATA_DIR: join(prefix, "own") };
  execFileSync(process.execPath, [mainFile, "install"], { env });
  assert.ok(existsSync(join(prefix, "own", "kernels", "srft", "kernel.json")));
  assert.equal(spawnSync(process.execPath, [mainFile, "install", "--user", "--prefix", prefix], { env }).status, 2);
});

test("doctor says what is there, and a remedy for everything that is not", () => {
  const { status, stdout } = spawnSync(process.execPath, [mainFile, "doctor", "--json"], {
    encoding: "utf8",
    env: { ...process.env, PATH: prefix, JUPYTER_DATA_DIR: join(prefix, "none"), JUPYTER_PATH: "" },
  });
  const { ok, findings } = JSON.parse(stdout) as Diagnosis;
  assert.equal(status, ok ? 0 : 1);
  const states = Object.fromEntries(findings.map(({ name, state }) => [name, state]));
  assert.deepEqual([states.Node, states.zeromq, states.oxc, states.Jupyter], ["ok", "ok", "ok", "missing"]);
  for (const { state, remedy } of findings) assert.equal(remedy !== undefined, state !== "ok");
  const text = execFileSync(process.execPath, [mainFile, "doctor"], { encoding: "utf8" });
  assert.match(text, /Node +\d+\./);
});

test("lab without Jupyter says how to get it", () => {
  const { status, stderr } = spawnSync(process.execPath, [mainFile, "lab"], {
    encoding: "utf8",
    env: { PATH: prefix },
  });
  assert.equal(status, 1);
  assert.match(stderr, /pip install jupyterlab/);
});
