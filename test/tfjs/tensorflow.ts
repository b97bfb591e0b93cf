/**
 * TensorFlow.js for the tests, from its smallest packages. The gradients of tfjs-core are no part of its Node bundle
 * (the package @tensorflow/tfjs brings them, with 240 MB of other things); its module for them has imports without
 * file extensions, which a resolve hook completes.
 */

import { register } from "node:module";
import * as tf from "@tensorflow/tfjs-core";

const hook = `export const resolve = (specifier, context, next) =>
  context.parentURL?.includes("/@tensorflow/tfjs-core/dist/") && specifier.startsWith(".") && !specifier.endsWith(".js")
    ? next(specifier + ".js", context)
    : next(specifier, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);

await import("@tensorflow/tfjs-core/dist/register_all_gradients.js");
await import("@tensorflow/tfjs-backend-cpu");
await import("@tensorflow/tfjs-backend-wasm");
tf.env().set("PROD", true); // no greeting

export const backends = ["cpu", "wasm"] as const;

/** Why a backend cannot be used: TensorFlow.js itself goes on with another one in silence. */
async function reasonAgainst(name: string): Promise<string | undefined> {
  const started = await tf.setBackend(name).catch((error: Error) => error);
  if (started === true && tf.getBackend() === name) return undefined;
  return `no ${name} backend: ${started instanceof Error ? started.message : `${tf.getBackend() || "none"} is active`}`;
}

const reasons = new Map<string, string | undefined>();
for (const name of backends) reasons.set(name, await reasonAgainst(name));

/** Options of a suite that needs a backend; says aloud that it is skipped. */
export function needs(name: string): { skip: string | false } {
  const reason = reasons.get(name);
  if (reason) console.error(`SKIPPED a suite of TensorFlow.js: ${reason}`);
  return { skip: reason ?? false };
}
