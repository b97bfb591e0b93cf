/**
 * Writes a traced graph as an ONNX model (protobuf wire format, https://protobuf.dev/programming-guides/encoding/;
 * field numbers from onnx.proto, IR version 10). Equal small constants are written once.
 */

import { type Attribute, type Body, bodyNodes, type ElementType, type Node, sortNodes, type Tensor } from "./tensor.ts";

const elementTypes: Readonly<Record<ElementType, number>> = { float32: 1, int32: 6, int64: 7, bool: 9 };

/**
 * The bytes of a model whose inputs are the graph's named inputs and whose outputs have the names given.
 *
 * @example
 * writeModel({ y: exp(input("x", [2])) }); // Uint8Array
 */
export function writeModel(outputs: Readonly<Record<string, Tensor>>): Uint8Array {
  const nodes = sortNodes(Object.values(outputs));
  const names = nameTensors(nodes);
  const results = Object.entries(outputs).map(([name, tensor]) => [name, tensor] as const);
  const identities = results.map(([name, tensor]) => nodeProto("Identity", [names.of(tensor)], [name]));
  const graph = [
    ...nodes.filter(isOperator).map((node) => field(1, operator(node, names))),
    ...identities.map((bytes) => field(1, bytes)),
    field(2, text("graph")),
    ...names.constants.map((node) => field(5, tensorProto(node, names.of(node.outputs[0]!)))),
    ...distinctInputs(nodes).map((node) => field(11, valueInfo(node.name!, node.outputs[0]!))),
    ...results.map(([name, tensor]) => field(12, valueInfo(name, tensor))),
  ];
  const opsets = [["", 20] as const, ["com.microsoft", 1] as const];
  return join([
    varintField(1, 10),
    field(2, text("srft")),
    field(7, join(graph)),
    ...opsets.map(([domain, version]) => field(8, join([field(1, text(domain)), varintField(2, version)]))),
  ]);
}

/** Inputs of the same name are one input; a graph may ask for it in several places. */
function distinctInputs(nodes: readonly Node[]): Node[] {
  const byName = new Map<string, Node>();
  for (const node of nodes) {
    if (node.op !== "Input") continue;
    const known = byName.get(node.name!) ?? node;
    const [a, b] = [known.outputs[0]!, node.outputs[0]!];
    if (a.type !== b.type || a.shape.join() !== b.shape.join()) {
      throw new TypeError(
        `writeModel: expected one type of input ${node.name} but found ${a.type} [${a.shape}] and ${b.type} [${b.shape}]`,
      );
    }
    byName.set(node.name!, known);
  }
  return [...byName.values()];
}

interface Names {
  of(tensor: Tensor): string;
  readonly constants: readonly Node[];
}

const isOperator = (node: Node) => node.op !== "Input" && node.op !== "Constant" && node.op !== "Alias";

function nameTensors(nodes: readonly Node[]): Names {
  const names = new Map<Tensor, string>();
  const known = new Map<string, string>();
  const constants: Node[] = [];
  const every = nodes.flatMap((node) =>
    node.body ? [...node.body.inputs.map((tensor) => tensor.node), ...bodyNodes(node.body), node] : [node],
  );
  for (const node of every) {
    const key = node.op === "Constant" ? constantKey(node) : undefined;
    const fresh = node.op === "Input" && node.name ? node.name : `t${names.size}`;
    if (key && !known.has(key)) constants.push(node);
    const name = key ? (known.get(key) ?? known.set(key, fresh).get(key)!) : fresh;
    for (const [i, tensor] of node.outputs.entries()) names.set(tensor, i === 0 ? name : `${name}_${i}`);
  }
  const of = (tensor: Tensor): string =>
    tensor.node.op === "Alias" ? of(tensor.node.targets![tensor.index]!) : names.get(tensor)!;
  return { of, constants };
}

function constantKey({ value, outputs }: Node): string {
  const bytes = new Uint8Array(value!.buffer, value!.byteOffset, value!.byteLength);
  return `${outputs[0]!.type}[${outputs[0]!.shape}]${Buffer.from(bytes).toString("latin1")}`;
}

function operator(node: Node, names: Names): Uint8Array {
  const attributes = Object.entries(node.attributes).map(([name, value]) => attributeProto(name, value));
  if (node.body) attributes.push(graphAttribute("body", bodyGraph(node.body, names)));
  return nodeProto(node.op, node.inputs.map(names.of), node.outputs.map(names.of), { attributes, domain: node.domain });
}

function bodyGraph(body: Body, names: Names): Uint8Array {
  const outputs = bodyOutputs(body, names);
  return join([
    ...bodyNodes(body)
      .filter(isOperator)
      .map((node) => field(1, operator(node, names))),
    ...outputs
      .filter(({ name, own }) => name !== own)
      .map(({ name, own }) => field(1, nodeProto("Identity", [own], [name]))),
    field(2, text("body")),
    ...body.inputs.map((tensor) => field(11, valueInfo(names.of(tensor), tensor))),
    ...outputs.map(({ name, tensor }) => field(12, valueInfo(name, tensor))),
  ]);
}

/** An Identity in a loop is a copy at every turn, so only a tensor that is given back twice gets one. */
function bodyOutputs(body: Body, names: Names) {
  const taken = new Set(body.inputs.map(names.of));
  return body.outputs.map((tensor, i) => {
    const own = names.of(tensor);
    const name = taken.has(own) ? `${own}_out${i}` : own;
    taken.add(own);
    return { tensor, own, name };
  });
}

interface NodeOptions {
  readonly attributes?: readonly Uint8Array[];
  readonly domain?: string | undefined;
}

function nodeProto(op: string, inputs: readonly string[], outputs: readonly string[], options: NodeOptions = {}) {
  return join([
    ...inputs.map((name) => field(1, text(name))),
    ...outputs.map((name) => field(2, text(name))),
    field(4, text(op)),
    ...(options.attributes ?? []).map((bytes) => field(5, bytes)),
    ...(options.domain ? [field(7, text(options.domain))] : []),
  ]);
}

function attributeProto(name: string, value: Attribute): Uint8Array {
  const head = field(1, text(name));
  if ("int" in value) return join([head, varintField(3, value.int), varintField(20, 2)]);
  if ("float" in value) return join([head, floatField(2, value.float), varintField(20, 1)]);
  if ("text" in value) return join([head, field(4, text(value.text)), varintField(20, 3)]);
  return join([head, ...value.ints.map((one) => varintField(8, one)), varintField(20, 7)]);
}

const graphAttribute = (name: string, graph: Uint8Array) =>
  join([field(1, text(name)), field(6, graph), varintField(20, 5)]);

function tensorProto(node: Node, name: string): Uint8Array {
  const { shape, type } = node.outputs[0]!;
  const raw = new Uint8Array(node.value!.buffer, node.value!.byteOffset, node.value!.byteLength);
  const dims = shape.map((size) => varintField(1, size as number));
  return join([...dims, varintField(2, elementTypes[type]), field(8, text(name)), field(9, raw)]);
}

function valueInfo(name: string, { shape, type }: Tensor): Uint8Array {
  const dims = shape.map((size) => field(1, typeof size === "number" ? varintField(1, size) : field(2, text(size))));
  const tensorType = join([varintField(1, elementTypes[type]), field(2, join(dims))]);
  return join([field(1, text(name)), field(2, field(1, tensorType))]);
}

const encoder = new TextEncoder();
const text = (value: string) => encoder.encode(value);

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

const varintField = (id: number, value: number) => join([varint(id * 8), varint(value)]);
const field = (id: number, bytes: Uint8Array) => join([varint(id * 8 + 2), varint(bytes.length), bytes]);
const floatField = (id: number, value: number) =>
  join([varint(id * 8 + 5), new Uint8Array(Float32Array.of(value).buffer)]);

function join(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}
