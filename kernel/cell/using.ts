/** What compiled `using` declarations call: resources are disposed in reverse order, and every error is kept. */

interface Resource {
  readonly dispose: () => unknown;
  readonly isAsync: boolean;
}

type Disposable = { [key: symbol]: unknown } | null | undefined;

/** Symbols as compiled code and libraries find them, also where Node has none of its own. */
const symbols = {
  dispose: Symbol.dispose ?? Symbol.for("Symbol.dispose"),
  asyncDispose: Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose"),
};

/**
 * The resources of one block.
 *
 * @example
 * const resources = usingContext();
 * resources.u({ [Symbol.dispose]: () => {} });
 * resources.d();
 */
export function usingContext() {
  const resources: Resource[] = [];
  const empty = {};
  const context = {
    /** The error that left the block. */
    e: empty as unknown,
    /** `using`. */
    u<Value extends Disposable>(value: Value): Value {
      if (value !== null && value !== undefined) resources.push(resourceOf(value, [symbols.dispose]));
      return value;
    },
    /** `await using`. */
    a<Value extends Disposable>(value: Value): Value {
      if (value !== null && value !== undefined)
        resources.push(resourceOf(value, [symbols.asyncDispose, symbols.dispose]));
      else resources.push({ dispose: () => {}, isAsync: true });
      return value;
    },
    /** Disposes; gives a promise once a resource is asynchronous. */
    d: (): unknown => disposeNext(),
  };
  const disposeNext = (): unknown => {
    for (let next = resources.pop(); next; next = resources.pop()) {
      try {
        const result = next.dispose();
        if (next.isAsync) return Promise.resolve(result).then(disposeNext, failed);
      } catch (error) {
        keep(error);
      }
    }
    if (context.e !== empty) throw context.e;
    return undefined;
  };
  const failed = (error: unknown) => {
    keep(error);
    return disposeNext();
  };
  const keep = (error: unknown) => {
    context.e = context.e === empty ? error : suppressed(error, context.e);
  };
  return context;
}

function resourceOf(value: NonNullable<Disposable>, keys: readonly symbol[]): Resource {
  const key = keys.find((candidate) => typeof value[candidate] === "function");
  if (key === undefined)
    throw new TypeError(
      `using: expected an object with [Symbol.${keys.length > 1 ? "asyncDispose" : "dispose"}]() but found ${typeof value}`,
    );
  const method = value[key] as () => unknown;
  return { dispose: () => method.call(value), isAsync: keys.length > 1 };
}

/** Node 20 has no SuppressedError. */
function suppressed(error: unknown, earlier: unknown) {
  const text = "an error was suppressed during disposal";
  return Object.assign(new Error(text, { cause: error }), { name: "SuppressedError", error, suppressed: earlier });
}
