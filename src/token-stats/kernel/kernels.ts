/**
 * The kernels, in AssemblyScript: `asc` builds one module with plain and one with relaxed SIMD (asconfig.json). A pointer is
 * a byte address in the imported memory; rows need no alignment; `scratch` is a thread's own: two chunks and, for divergences,
 * two rows of float32.
 */

export { divergenceRows } from "./divergences";
export { tokenRows } from "./tokens";
