/** The part of WebAssembly that is used here; the types of Node 20 do not name it. */

export interface WasmMemory {
  /** Grows with the memory; views of an earlier buffer stay valid. */
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}

/** Opaque; can be posted to a thread. */
export type WasmModule = object;

interface WebAssemblyApi {
  readonly Memory: new (options: { initial: number; maximum: number; shared: true }) => WasmMemory;
  readonly Module: new (bytes: Uint8Array) => WasmModule;
  readonly Instance: new (module: WasmModule, imports: object) => { readonly exports: object };
  validate(bytes: Uint8Array): boolean;
}

export const wasm = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
