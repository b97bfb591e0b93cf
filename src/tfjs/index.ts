/** srft/tfjs: policies over TensorFlow.js models. */

export type { TfjsCache, TfjsDecode } from "./decode.ts";
export type { Tensorflow, TfjsTensor, TfjsVariable } from "./tensorflow.ts";
export * from "./tfjs-policy.ts";
