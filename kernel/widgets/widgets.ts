/** The global `widgets`: controls for labs, and `custom` for views written as anywidget's are. */

import { runtimeName } from "../cell/cell-rewrite.ts";
import { displaySymbol } from "../display/display.ts";
import type { Displayable } from "../display/display-globals.ts";
import type { Kind } from "./fallback.ts";
import { widgetBundle } from "./fallback.ts";
import { checkHandler, createModels, type Model, type State } from "./model.ts";

/** A control with a value that the user and the code can change. */
export interface Control<Value> extends Displayable {
  value: Value;
  /** Calls the function with the value after every change; its output appears below the cell that calls this. */
  onChange(handler: (value: Value) => unknown): this;
}

/** Says what a control is for. */
interface Labelled {
  readonly label?: string;
}

export interface SliderOptions extends Labelled {
  readonly min?: number;
  readonly max?: number;
  readonly step?: number;
  readonly value?: number;
}

export interface CustomOptions<Fields extends State> {
  /** Draws into `el`; a function, or the source of a module whose default export has `render`. May return a clean-up. */
  readonly render: string | ((context: { readonly model: ViewModel; readonly el: ViewElement }) => unknown);
  readonly state?: Fields;
}

/** The model as anywidget's views see it. */
export interface ViewModel {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, handler: (...args: unknown[]) => void): void;
  off(event?: string, handler?: (...args: unknown[]) => void): void;
  send(content: unknown, callbacks?: unknown, buffers?: readonly ArrayBufferView[]): void;
}

// biome-ignore lint/suspicious/noExplicitAny: an element of the browser, whose types a cell does not have
type ViewElement = any;

export interface CustomWidget<Fields extends State> extends Displayable {
  readonly state: Fields;
  set(change: Partial<Fields>): void;
  onChange(handler: (change: Partial<Fields>) => unknown): this;
  send(content: unknown, buffers?: readonly Uint8Array[]): void;
  onMessage(handler: (content: unknown, buffers: readonly Uint8Array[]) => unknown): this;
}

/**
 * Makes the widgets of one user process.
 *
 * @example
 * const widgets = createWidgets(() => {});
 * const rate = widgets.slider({ label: "rate", max: 1, step: 0.1, value: 0.5 });
 * rate.value = 0.7;
 * rate.value; // 0.7
 */
export function createWidgets(register: Parameters<typeof createModels>[0]) {
  const open = createModels(register);
  const control = <Value>(
    kind: Kind,
    state: State & { value: Value },
    check: (value: unknown) => Value,
  ): Control<Value> => {
    const model = open({
      state,
      accept: ({ value }) => attempt(() => ({ value: check(value) })),
      bundle: ({ id, state }) => widgetBundle({ id, kind, state }),
    });
    return controlOf(model, { kind, check });
  };
  return {
    /** A number between two others. */
    slider(options: SliderOptions = {}): Control<number> {
      const { label = "", min = 0, max = 100, value = min } = options;
      const { step = (max - min) / 100 } = options;
      if (!(min < max && step > 0 && max - min < Infinity))
        throw new RangeError(`slider: expected min < max and step > 0 but found ${min}, ${max} and ${step}`);
      const check = (next: unknown) => numberIn(next, { min, max });
      return control("slider", { label, min, max, step, value: check(value) }, check);
    },
    /** One of several texts. */
    select<Option extends string>(
      options: Labelled & { readonly options: readonly Option[]; readonly value?: Option },
    ) {
      const { label = "", options: choices } = options;
      if (!Array.isArray(choices) || choices.length === 0)
        throw new RangeError("select: expected options, a list of texts, but found none");
      const check = (next: unknown): Option => {
        if (choices.includes(next as Option)) return next as Option;
        throw new RangeError(`select: expected one of ${choices.join(", ")} but found ${String(next)}`);
      };
      return control<Option>("select", { label, options: choices, value: check(options.value ?? choices[0]) }, check);
    },
    /** Yes or no. */
    checkbox({ label = "", value = false }: Labelled & { readonly value?: boolean } = {}): Control<boolean> {
      return control("checkbox", { label, value }, ofType("boolean") as (value: unknown) => boolean);
    },
    /** A line of text. */
    text({ label = "", value = "" }: Labelled & { readonly value?: string } = {}): Control<string> {
      return control("text", { label, value }, ofType("string") as (value: unknown) => string);
    },
    /** A button; its value counts the presses. */
    button({ label = "" }: Labelled = {}) {
      const press = control("button", { label, value: 0 }, (next) =>
        numberIn(next, { min: 0, max: Number.MAX_SAFE_INTEGER }),
      );
      const onClick = (handler: (presses: number) => unknown) => {
        press.onChange(handler);
        return button;
      };
      const button = Object.assign(press, { onClick });
      return button;
    },
    /** A view of your own, as anywidget's: `render({ model, el })` runs in the browser. */
    custom<Fields extends State>({ render, state = {} as Fields }: CustomOptions<Fields>): CustomWidget<Fields> {
      const bundle = ({ id, state }: Model) => widgetBundle({ id, kind: "custom", state });
      return customOf<Fields>(open({ state, source: moduleOf(render), bundle }), bundle);
    },
  };
}

function controlOf<Value>(
  model: Model,
  { kind, check }: { kind: Kind; check: (value: unknown) => Value },
): Control<Value> {
  return {
    get value() {
      return model.state.value as Value;
    },
    set value(next) {
      model.set({ value: check(next) });
    },
    onChange(handler) {
      checkHandler(handler);
      model.onChange(({ value }) => handler(value as Value));
      return this;
    },
    [displaySymbol]: () => widgetBundle({ id: model.id, kind, state: model.state }),
  };
}

function customOf<Fields extends State>(
  model: Model,
  bundle: (model: Model) => ReturnType<typeof widgetBundle>,
): CustomWidget<Fields> {
  return {
    get state() {
      return model.state as Fields;
    },
    set: (change) => model.set(change),
    onChange(handler) {
      checkHandler(handler);
      model.onChange((change) => handler(change as Partial<Fields>));
      return this;
    },
    send: (content, buffers) => model.send(content, buffers),
    onMessage(handler) {
      model.onMessage(handler);
      return this;
    },
    [displaySymbol]: () => bundle(model),
  };
}

function attempt<Value>(work: () => Value): Value | undefined {
  try {
    return work();
  } catch {
    return undefined; // what a front end sends and cannot be: the model answers with its state
  }
}

function numberIn(value: unknown, { min, max }: { min: number; max: number }): number {
  if (typeof value === "number" && value >= min && value <= max) return value;
  throw new RangeError(`value: expected a number in [${min}, ${max}] but found ${String(value)}`);
}

const ofType = (type: "boolean" | "string") => (value: unknown) => {
  if (typeof value === type) return value;
  throw new TypeError(`value: expected a ${type} but found ${typeof value}`);
};

/** A function becomes a module; what compiling a cell added to its `await`s is there as a no-op. */
function moduleOf(render: unknown): string {
  if (typeof render === "string") return render;
  if (typeof render !== "function")
    throw new TypeError(`custom: expected render, a function or a module's source, but found ${typeof render}`);
  const text = String(render);
  const isMethod = /^(async\s+)?render\s*\(/.test(text);
  return `const ${runtimeName} = { resume: (value) => value };\nexport default { ${isMethod ? text : `render: ${text}`} };\n`;
}
