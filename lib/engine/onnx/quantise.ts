import { removeDeadCode } from './dead-code.ts';
import { GraphError } from './errors.ts';
import type { Graph, GraphNode, Initializer } from './graph.ts';
import { inferTypes } from './infer.ts';
import { intAttribute } from './operators/spec.ts';
import { tensor } from './tensor.ts';

/** Weights of fewer elements are left as they are: the rounding costs more than their bytes. */
const LEAST_ELEMENTS = 1024;
/** The stored byte of a weight of 0. */
const ZERO = 128;

/**
 * The scoring graph with 8-bit weights in its matrix products, a quarter of the bytes: each column of a weight is scaled
 * to ±127 and its left side is quantised as it comes, by its own range ("dynamic": Jacob et al. 2018, section 2, with
 * symmetric weights). Stored as uint8 around 128 and not as int8: the kernels of CPUs without VNNI add pairs of
 * uint8 x int8 products in 16 bits and clip them. Everything else, embedding tables too, stays float32.
 * Not for training: the quantised products have no gradient. Throws GraphError on a graph that is quantised already, and
 * on a weight that is no number.
 */
export function quantise(graph: Graph): Graph {
  if (graph.values.has(ZERO_POINT)) throw new GraphError(`Graph ${graph.name} is quantised already.`);
  const weights = new Map(
    [
      ...graph.parameters,
      ...graph.initializers.flatMap(({ name, dtype, shape, data }) =>
        dtype === 'float32' ? [{ name, shape, data: Float32Array.from(data as Float32Array) }] : [],
      ),
    ].map((weight) => [weight.name, weight]),
  );
  const constants = new Map<string, Initializer>();
  const nodes: GraphNode[] = [];
  const quantisedInputs = new Set<string>();
  for (const node of graph.nodes) {
    const weight = weights.get(node.inputs[1] ?? '');
    const matrix = weight?.shape.length === 2 && weight.data.length >= LEAST_ELEMENTS;
    const rows = graph.values.get(node.inputs[0] ?? '')?.shape.length ?? 0;
    const kind = matrix && rows >= 2 ? productKind(node) : undefined;
    if (!weight || !kind) {
      nodes.push(node);
      continue;
    }
    const [x, w] = node.inputs as [string, string];
    const bytes = own(w, kind.transposed ? 'transposed' : 'bytes');
    const scale = own(bytes, 'scale');
    const [read, readScale, readZero] = ['left', 'left scale', 'left zero'].map((part) => own(x, part)) as [
      string,
      string,
      string,
    ];
    if (!constants.has(bytes)) {
      const { values, scales, shape } = toBytes(weight, kind.transposed);
      constants.set(bytes, { name: bytes, dtype: 'uint8', shape, data: values });
      constants.set(scale, { name: scale, dtype: 'float32', shape: [scales.length], data: scales });
    }
    if (!quantisedInputs.has(x)) {
      quantisedInputs.add(x);
      nodes.push(step('DynamicQuantizeLinear', [x], [read, readScale, readZero]));
    }
    const out = node.outputs[0]!;
    const product = kind.bias ? own(out, 'product') : out;
    nodes.push(
      step('MatMulInteger', [read, bytes, readZero, ZERO_POINT], [own(out, 'int32')]),
      step('Cast', [own(out, 'int32')], [own(out, 'whole')], { to: 'float32' }),
      step('Mul', [readScale, scale], [own(out, 'out scale')]),
      step('Mul', [own(out, 'whole'), own(out, 'out scale')], [product]),
    );
    if (kind.bias) nodes.push(step('Add', [product, kind.bias], [out]));
  }
  if (constants.size === 0) return graph;
  constants.set(ZERO_POINT, { name: ZERO_POINT, ...tensor('uint8', [], [ZERO]) });
  const quantised = removeDeadCode(
    inferTypes({ ...graph, nodes, initializers: [...graph.initializers, ...constants.values()] }),
  );
  const used = new Set(quantised.nodes.flatMap(({ inputs }) => inputs));
  return { ...quantised, parameters: quantised.parameters.filter(({ name }) => used.has(name)) };
}

/** A value of a quantised product: weights, inputs and outputs have parts of one name each. */
const own = (name: string, part: string): string => `quantised ${part}:${name}`;
const ZERO_POINT = own('', 'zero');

function step(
  op: GraphNode['op'],
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: GraphNode['attributes'] = {},
): GraphNode {
  return { name: `quantised:${outputs[0]}`, op, inputs, outputs, attributes };
}

/** How a node multiplies by its second input; undefined when it does so in a way that has no integer form. */
function productKind({
  op,
  attributes,
  inputs,
}: GraphNode): { transposed: boolean; bias?: string } | undefined {
  const transposed = intAttribute(attributes, 'transB', 0) === 1;
  const plain = intAttribute(attributes, 'transA', 0) === 0 && intAttribute(attributes, 'alpha', 1) === 1;
  if (op === 'MatMul') return { transposed: false };
  if (op === 'FusedMatMul' && plain) return { transposed };
  if (op === 'Gemm' && plain && intAttribute(attributes, 'beta', 1) === 1) {
    return { transposed, ...(inputs[2] ? { bias: inputs[2] } : {}) };
  }
  return undefined;
}

/** The weight as (in, out) bytes around 128, and one scale per column. */
function toBytes(
  { name, shape, data }: { name: string; shape: readonly number[]; data: Float32Array },
  transposed: boolean,
): { values: Uint8Array; scales: Float32Array; shape: number[] } {
  const [rows, columns] = (transposed ? [shape[1], shape[0]] : shape) as [number, number];
  const at = (row: number, column: number) =>
    data[transposed ? column * rows + row : row * columns + column]!;
  const scales = new Float32Array(columns);
  const odd = data.find((value) => !Number.isFinite(value));
  if (odd !== undefined) throw new GraphError(`Weight ${name} holds ${odd}, which 8 bits cannot.`);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      scales[column] = Math.max(scales[column]!, Math.abs(at(row, column)) / 127);
    }
  }
  const values = new Uint8Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const scale = scales[column]!;
      values[row * columns + column] = ZERO + (scale > 0 ? Math.round(at(row, column) / scale) : 0);
    }
  }
  return { values, scales, shape: [rows, columns] };
}
