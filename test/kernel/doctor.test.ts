import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { tryDevice } from "../../kernel/adapters.ts";
import type { Diagnosis } from "../../kernel/doctor.ts";

const mainFile = join(import.meta.dirname, "../../kernel/main.js");
const software = "/usr/lib/chromium/vk_swiftshader_icd.json";

/** The findings on devices, as `srft doctor --json` gives them, in an environment changed as said. */
function devices(changes: Readonly<Record<string, string>>) {
  const home = mkdtempSync(join(tmpdir(), "srft-doctor-"));
  const env = { ...process.env, HOME: home, XDG_CACHE_HOME: home, ...changes };
  const { stdout, stderr } = spawnSync(process.execPath, [mainFile, "doctor", "--json"], { encoding: "utf8", env });
  const { findings } = JSON.parse(stdout) as Diagnosis;
  const left = readdirSync(home, { recursive: true });
  rmSync(home, { recursive: true });
  const named = (name: string) => findings.find((one) => one.name === `device ${name}`)!;
  return { webgpu: named("webgpu"), cuda: named("cuda"), left, stderr };
}

test("doctor says why WebGPU and CUDA do not work, what helps, and that the main job can run", () => {
  // a loader of Vulkan that finds no driver is a machine without one
  const { webgpu, cuda, left, stderr } = devices({
    VK_ICD_FILENAMES: "/nowhere.json",
    VK_DRIVER_FILES: "/nowhere.json",
  });
  if (process.platform === "linux") {
    assert.deepEqual([webgpu.state, webgpu.needed], ["missing", false]);
    assert.match(webgpu.found, /^Failed to get a WebGPU adapter/);
    assert.match(webgpu.remedy!, /driver with Vulkan.*apt install libvulkan1/);
  }
  if (cuda.state !== "ok") {
    assert.equal(cuda.needed, false);
    assert.match(cuda.found, /cannot be loaded: |Failed to load shared library|not built/);
    assert.match(cuda.remedy!, /ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node|LD_LIBRARY_PATH/);
  }
  assert.equal(stderr, "");
  assert.deepEqual(left, []);
});

const reason = existsSync(software) ? false : "no software Vulkan: apt install chromium-common libvulkan1";
if (reason) console.error(`SKIPPED 1 test of doctor: ${reason}`);

test("doctor computes on a WebGPU adapter where there is one", { skip: reason }, () => {
  const { webgpu } = devices({ VK_ICD_FILENAMES: software });
  assert.equal(webgpu.state, "ok", webgpu.found);
  assert.match(webgpu.found, /^computes; /);
  assert.equal(webgpu.remedy, undefined);
});

test("tryDevice gives up on a device that does not answer in time", async () => {
  const { works, found } = await tryDevice("webgpu", { timeout: 1 });
  assert.equal(works, false);
  assert.match(found, /^the trial took over 0.001 s$/);
});
