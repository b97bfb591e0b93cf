/** Runs a widget's own module, which came from the kernel over its comm and not from the notebook's file. */

import type { Connection } from "./connection.ts";
import { type ViewModel, viewModel } from "./view-model.ts";

interface Context {
  readonly model: ViewModel;
  readonly el: HTMLElement;
}

interface Definition {
  initialize?(context: Pick<Context, "model">): unknown;
  render?(context: Context): unknown;
}

/** Draws into an element; gives a function that undoes it. @throws What the module throws. */
export async function drawCustom(host: HTMLElement, connection: Connection, source: string): Promise<() => void> {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const loaded: { default?: Definition | (() => Definition | Promise<Definition>) } = await import(
    /* webpackIgnore: true */ url
  ).finally(() => URL.revokeObjectURL(url));
  const definition = typeof loaded.default === "function" ? await loaded.default() : loaded.default;
  if (typeof definition?.render !== "function")
    throw new TypeError("custom: expected a module whose default export has a function render");
  const { model, leave } = viewModel(connection);
  const forget = await definition.initialize?.({ model });
  const el = document.createElement("div");
  host.append(el);
  const clean = await definition.render({ model, el });
  return () => {
    for (const undo of [clean, forget]) if (typeof undo === "function") undo();
    leave();
    el.remove();
  };
}
