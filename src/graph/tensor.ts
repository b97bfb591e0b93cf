/**
 * The traced graph: tensors point to the node that makes them, nodes to the tensors they read. Nothing is computed
 * here; `onnx.ts` writes a graph down and `session.ts` runs it.
 *
 * A dimension is a number, or a name ("rows") where it is known only when the graph runs.
 */

export type Dimension = number | string;
export type Shape = readonly Dimension[];
export type ElementType = "float32" | "int32" | "int64" | "bool";
export type Data = Float32Array | Int32Array | BigInt64Array;

export type Attribute =
  | { readonly int: number }
  | { readonly float: number }
  | { readonly ints: readonly number[] }
  | { readonly text: string };

export interface Tensor {
  readonly node: Node;
  readonly index: number;
  readonly shape: Shape;
  readonly type: ElementType;
}

/** A loop's body: placeholders that the loop feeds and tensors that it takes back. */
export interface Body {
  readonly inputs: readonly Tensor[];
  readonly outputs: readonly Tensor[];
}

export type Vjp = (cotangents: readonly (Tensor | undefined)[]) => readonly (Tensor | undefined)[];

export interface Node {
  /** ONNX operator, or "Input", "Constant", "Alias". */
  readonly op: string;
  readonly inputs: readonly Tensor[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  readonly outputs: readonly Tensor[];
  /** Operator set other than ONNX's own. */
  readonly domain?: string;
  /** Input: its name. */
  readonly name?: string;
  /** Constant: its value. */
  readonly value?: Data;
  /** Alias: the tensors it stands for, and the gradient that replaces that of the traced operations. */
  readonly targets?: readonly Tensor[];
  readonly vjp?: Vjp;
  /** Loop. */
  readonly body?: Body;
}

export interface Output {
  readonly shape: Shape;
  readonly type?: ElementType;
}

type NodeExtras = Omit<Partial<Node>, "outputs">;

/** A node with any number of outputs. */
export function node(op: string, extras: NodeExtras, outputs: readonly Output[]): readonly Tensor[] {
  const made: Tensor[] = [];
  const result: Node = { inputs: [], attributes: {}, ...extras, op, outputs: made };
  outputs.forEach(({ shape, type = "float32" }, index) => {
    made.push({ node: result, index, shape, type });
  });
  return made;
}

/** A value fed at run time, under a name. */
export function input(name: string, shape: Shape, type: ElementType = "float32"): Tensor {
  return node("Input", { name }, [{ shape, type }])[0]!;
}

/** A value known when the graph is made. */
export function constant(value: Data, shape: readonly number[]): Tensor {
  const type = value instanceof Float32Array ? "float32" : value instanceof Int32Array ? "int32" : "int64";
  return node("Constant", { value }, [{ shape, type }])[0]!;
}

export const scalar = (value: number) => constant(Float32Array.of(value), []);
export const integers = (values: readonly number[]) => constant(BigInt64Array.from(values, BigInt), [values.length]);

/** `targets` with a joint gradient of their own with respect to `inputs`. */
export function withGradient(targets: readonly Tensor[], inputs: readonly Tensor[], vjp: Vjp): readonly Tensor[] {
  return node("Alias", { inputs, targets, vjp }, targets);
}

/** Every node that `outputs` need, each after its inputs. A loop's free variables count as its inputs. */
export function sortNodes(outputs: readonly Tensor[], needs: (node: Node) => readonly Tensor[] = dependencies): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  const stack = outputs.map((tensor) => tensor.node);
  while (stack.length > 0) {
    const top = stack.at(-1)!;
    if (state.get(top) === undefined) {
      state.set(top, "open");
      stack.push(
        ...needs(top)
          .map((tensor) => tensor.node)
          .filter((next) => !state.has(next)),
      );
    } else {
      stack.pop();
      if (state.get(top) === "open") order.push(top);
      state.set(top, "done");
    }
  }
  return order;
}

function dependencies(node: Node): readonly Tensor[] {
  if (node.op === "Alias") return node.targets!;
  return node.body ? [...node.inputs, ...freeVariables(node.body)] : node.inputs;
}

/** The nodes of a body that depend on what the loop feeds; all others belong outside. */
export function bodyNodes(body: Body): Node[] {
  const inside = new Set(body.inputs.map((tensor) => tensor.node));
  const nodes: Node[] = [];
  for (const node of sortNodes(body.outputs)) {
    if (!dependencies(node).some((tensor) => inside.has(tensor.node))) continue;
    inside.add(node);
    nodes.push(node);
  }
  return nodes;
}

function freeVariables(body: Body): Tensor[] {
  const nodes = bodyNodes(body);
  const inside = new Set([...nodes, ...body.inputs.map((tensor) => tensor.node)]);
  return nodes.flatMap((node) => dependencies(node)).filter((tensor) => !inside.has(tensor.node));
}
