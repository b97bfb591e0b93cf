/**
 * Whether ONNX Runtime's WebGPU and CUDA providers work here: each computes exp(1) in a process of its own, since a bad
 * driver may crash or hang. The runtime gives no adapter's name; its log tells the vendor of each GPU it discovers.
 */

import { spawn } from "node:child_process";

/** What came of trying a device. */
export interface Trial {
  readonly device: "webgpu" | "cuda";
  readonly works: boolean;
  /** What was found, or why it does not work. */
  readonly found: string;
  /** What to do about it; "" where it works. */
  readonly remedy: string;
}

/** An ONNX model, y = exp(x) of one float32 number (IR 8, operator set 13). */
const model = "CAg6MgoLCgF4EgF5IgNFeHASAWdaDwoBeBIKCggIARIECgIIAWIPCgF5EgoKCAgBEgQKAggBQgIQDQ==";

/** The runtime's log goes to standard error; the answer is one line of JSON behind a mark. */
const script = `
const [url, device, model] = process.argv.slice(1);
const module = await import(url);
const { InferenceSession, Tensor, env } = module.default ?? module;
const answer = (value) => { process.stdout.write(JSON.stringify(value)); process.exitCode = 0; };
try {
  env.logLevel = "info";
  const session = await InferenceSession.create(Buffer.from(model, "base64"), { executionProviders: [device], logSeverityLevel: 2 });
  const { y } = await session.run({ x: new Tensor("float32", [1], [1]) });
  answer({ value: y.data[0] });
} catch (error) {
  answer({ error: String(error?.message ?? error) });
}`;

const remedies = {
  webgpu:
    "install a graphics driver with Vulkan, Metal or Direct3D 12; on Linux also its loader: apt install libvulkan1 (in software, slow: apt install chromium-common, and set VK_ICD_FILENAMES to its vk_swiftshader_icd.json)",
  provider:
    "on Linux x64 with an NVIDIA GPU: ONNXRUNTIME_NODE_INSTALL=cuda12 npm rebuild onnxruntime-node, and CUDA 12 with cuDNN 9",
  libraries:
    "install CUDA 12 and cuDNN 9 and let LD_LIBRARY_PATH name the folder of the library that is missing; an NVIDIA driver must run",
};

/**
 * Tries a device.
 *
 * @param options.timeout Milliseconds after which the trial has failed. Default 30,000.
 * @example
 * (await tryDevice("cuda")).works; // true where ONNX Runtime's CUDA provider runs
 */
export async function tryDevice(
  device: Trial["device"],
  { timeout = 30_000 }: { readonly timeout?: number } = {},
): Promise<Trial> {
  const { answer, log, end } = await runScript(device, timeout);
  const fail = (found: string): Trial => ({ device, works: false, found, remedy: remedyOf(device, log) });
  if (answer === undefined) return fail(`the trial ${end}`);
  if (answer.error !== undefined) return fail(reasonOf(answer.error, log));
  const value = answer.value ?? Number.NaN;
  if (!(Math.abs(value - Math.E) < 1e-4)) return fail(`exp(1) came out as ${value}`);
  const adapters = discovered(log);
  const on = adapters.length > 0 ? adapters.join(", ") : "no GPU that ONNX Runtime knows: a driver in software?";
  return { device, works: true, found: `computes; ${on}`, remedy: "" };
}

interface Outcome {
  readonly answer?: { readonly value?: number; readonly error?: string } | undefined;
  readonly log: string;
  readonly end: string;
}

function runScript(device: string, timeout: number): Promise<Outcome> {
  const args = ["--input-type=module", "-e", script, import.meta.resolve("onnxruntime-node"), device, model];
  const env = { ORT_DISABLE_TELEMETRY: "1", ...process.env };
  const child = spawn(process.execPath, args, {
    env,
    timeout,
    killSignal: "SIGKILL",
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [output, log] = ["", ""];
  child.stdout.on("data", (data) => {
    output += data;
  });
  child.stderr.on("data", (data) => {
    log += data;
  });
  return new Promise((resolve) => {
    child.on("error", ({ message }) => resolve({ log, end: `could not start: ${message}` }));
    child.on("close", (code, signal) => {
      const late = signal === "SIGKILL" ? `took over ${timeout / 1000} s` : `ended with ${signal ?? code}`;
      resolve({ answer: output === "" ? undefined : JSON.parse(output), log, end: late });
    });
  });
}

/** What the runtime says, without the place in its own sources; the log names the library that could not be loaded. */
function reasonOf(error: string, log: string): string {
  const library = /Failed to load library \S*?([^/\s]+) with error: (?:\S*\/)?([^\n]+)/.exec(log);
  if (library) return `${library[1]} cannot be loaded: ${library[2]}`;
  return error
    .replace(/^.* was false\. /s, "")
    .split("\n")[0]!
    .trim();
}

function remedyOf(device: Trial["device"], log: string): string {
  if (device === "webgpu") return remedies.webgpu;
  return /Failed to load library \S*providers_cuda/.test(log) ? remedies.libraries : remedies.provider;
}

/** Vendors of the GPUs in the runtime's log; its device type 1 is a GPU. */
function discovered(log: string): string[] {
  const found = log.matchAll(/OrtHardwareDevice \{vendor_id:(\w+), device_id:(\w+), vendor:([^,]*), type:1,/g);
  return [...found].map(([, vendorId, deviceId, vendor]) => `${vendor || `vendor ${vendorId}`} device ${deviceId}`);
}
