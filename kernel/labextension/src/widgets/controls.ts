/** The controls we know, as elements of the page. Labels and values are set as text, never as markup. */

import type { State } from "./connection.ts";

/** A control on the page. */
export interface ControlElement {
  /** Shows a state; without a kernel it cannot be changed. */
  show(state: State, isLive: boolean): void;
}

/** Draws a control of a kind into an element; undefined for a kind that is none. */
export function drawControl(
  host: HTMLElement,
  kind: unknown,
  change: (value: unknown) => void,
): ControlElement | undefined {
  switch (kind) {
    case "slider":
      return slider(host, change);
    case "select":
      return select(host, change);
    case "checkbox":
      return labelled(
        host,
        {
          type: "checkbox",
          read: ({ checked }) => checked,
          write: (input, value) => {
            input.checked = value === true;
          },
        },
        change,
      );
    case "text":
      return labelled(
        host,
        {
          type: "text",
          read: ({ value }) => value,
          write: (input, value) => {
            input.value = String(value ?? "");
          },
        },
        change,
      );
    case "button":
      return button(host, change);
    default:
      return undefined;
  }
}

function slider(host: HTMLElement, change: (value: unknown) => void): ControlElement {
  const { label, words } = labelIn(host);
  const [input, output] = [document.createElement("input"), document.createElement("output")];
  input.type = "range";
  input.style.cssText = "width:min(300px,50vw)";
  output.style.cssText = "min-width:4em;font-variant-numeric:tabular-nums";
  label.append(input, output);
  input.addEventListener("input", () => {
    output.textContent = input.value;
    change(input.valueAsNumber);
  });
  return {
    show(state, isLive) {
      words.textContent = String(state.label ?? "");
      for (const name of ["min", "max", "step"] as const) input[name] = String(state[name]);
      input.value = String(state.value);
      output.textContent = String(state.value);
      input.disabled = !isLive;
    },
  };
}

function select(host: HTMLElement, change: (value: unknown) => void): ControlElement {
  const { label, words } = labelIn(host);
  const input = document.createElement("select");
  label.append(input);
  input.addEventListener("change", () => change(input.value));
  return {
    show({ label: text, options, value }, isLive) {
      words.textContent = String(text ?? "");
      const names = Array.isArray(options) ? options.map(String) : [];
      if (names.join("\0") !== [...input.options].map((option) => option.value).join("\0"))
        input.replaceChildren(...names.map((name) => new Option(name, name)));
      input.value = String(value);
      input.disabled = !isLive;
    },
  };
}

interface Field {
  readonly type: string;
  readonly read: (input: HTMLInputElement) => unknown;
  readonly write: (input: HTMLInputElement, value: unknown) => void;
}

function labelled(host: HTMLElement, { type, read, write }: Field, change: (value: unknown) => void): ControlElement {
  const { label, words } = labelIn(host);
  const input = document.createElement("input");
  input.type = type;
  label.append(input);
  input.addEventListener("input", () => change(read(input)));
  return {
    show(state, isLive) {
      words.textContent = String(state.label ?? "");
      if (read(input) !== state.value) write(input, state.value);
      input.disabled = !isLive;
    },
  };
}

function button(host: HTMLElement, change: (value: unknown) => void): ControlElement {
  const element = document.createElement("button");
  element.type = "button";
  element.style.cssText = "padding:3px 12px;cursor:pointer";
  host.append(element);
  let presses = 0;
  element.addEventListener("click", () => change(++presses));
  return {
    show({ label, value }, isLive) {
      presses = Number(value) || 0;
      element.textContent = String(label ?? "");
      element.disabled = !isLive;
    },
  };
}

function labelIn(host: HTMLElement) {
  const [label, words] = [document.createElement("label"), document.createElement("span")];
  label.style.cssText = "display:inline-flex;align-items:center;gap:8px";
  label.append(words);
  host.append(label);
  return { label, words };
}
