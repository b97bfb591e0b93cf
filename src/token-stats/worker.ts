/** A thread: calls kernels on the shared memory when told to, and answers with the call's number. */

import { parentPort, workerData } from "node:worker_threads";
import type { KernelCall } from "./threads.ts";
import { wasm } from "./web-assembly.ts";

const { module, memory, scratch } = workerData;
const { exports } = new wasm.Instance(module, { env: { memory } });
const kernels = exports as Record<KernelCall["kernel"], (...args: number[]) => void>;

parentPort!.on("message", ({ id, kernel, args }: KernelCall & { id: number }) => {
  kernels[kernel](...args, scratch);
  parentPort!.postMessage(id);
});
