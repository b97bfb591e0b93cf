/**
 * The kernels, in AssemblyScript: `asc` builds one module with plain and one with relaxed SIMD (asconfig.json). A pointer is
 * a byte address in the imported memory; rows need no alignment; `scratch` is 8 KiB of a thread's own.
 */

export { divergenceRows } from "./divergences";
export { tokenRows } from "./tokens";
