import { type Graph, type GraphNode, intAttribute, listAttribute, type Parameter } from '../onnx/index.ts';
import { PeftError } from './errors.ts';
import { type Wiring, wiringOf } from './graph-edit.ts';
import { matches, type Pattern } from './patterns.ts';

/** A linear layer y = xW + b of a graph. */
export interface LinearLayer {
  /** Name of the MatMul, FusedMatMul or Gemm. */
  readonly node: string;
  /** What the layer is called: its bias' name without `.bias` where it has one, else its weight's or node's name. */
  readonly target: string;
  /** Parameter with the weight. */
  readonly weight: string;
  /** Parameter with the bias (out). */
  readonly bias?: string;
  readonly in: number;
  readonly out: number;
  /** The weight is stored (out, in), as PyTorch does, and not (in, out). */
  readonly transposed: boolean;
  /** Value x of shape (…, in). */
  readonly input: string;
  /** What the product gives; it identifies the use, since names of nodes may be repeated. */
  readonly product: string;
  /** Value of shape (…, out), after the bias where that is added at once. */
  readonly output: string;
  /** Factor of the product (alpha of Gemm and FusedMatMul). */
  readonly factor: number;
  /** All names that a pattern may fit. */
  readonly names: readonly string[];
}

/** Operators that exporters put between a product and its bias; the last axis must survive them. */
const PASSING: ReadonlySet<string> = new Set(['Identity', 'Reshape', 'Squeeze', 'Unsqueeze']);

/**
 * The linear layers of a graph in execution order: products by a parameter of two axes, which may be read through
 * Identity or Transpose, each with the bias that is added to it. Exporters name weights anew (`onnx::MatMul_301`,
 * `val_49`), but the bias keeps its name, so the pair is found by structure.
 */
export function linears(graph: Graph): LinearLayer[] {
  const wiring = wiringOf(graph);
  const parameters = new Map(graph.parameters.map((parameter) => [parameter.name, parameter]));
  const found: LinearLayer[] = [];
  const owner = new Map<string, string>();
  for (const node of graph.nodes) {
    const linear = linearOf(node, graph, wiring, parameters);
    if (!linear) continue;
    found.push({ ...linear, target: distinct(linear, owner) });
  }
  return found;
}

/**
 * The linear layers whose names fit one of the patterns. Throws PeftError, which lists the names there are, when a
 * pattern fits none: it would silently train less than was asked for.
 */
export function selectLinears(graph: Graph, patterns: readonly Pattern[]): LinearLayer[] {
  const all = linears(graph);
  const missed = patterns.filter(
    (pattern) => !all.some(({ target, names }) => matches(pattern, [target, ...names])),
  );
  if (missed.length > 0 || patterns.length === 0) {
    const names = all.map(({ target, weight, node }) => `${target} (weight ${weight}, node ${node})`);
    throw new PeftError(
      `${missed.length > 0 ? `No linear layer fits ${missed.map(String).join(', ')}` : 'No targets were given'}; ` +
        `graph ${graph.name} has ${names.join(', ') || 'none (weights must be parameters, see importModel)'}.`,
    );
  }
  return all.filter(({ target, names }) => patterns.some((pattern) => matches(pattern, [target, ...names])));
}

/** The parameter behind a value that is read through Identity and Transpose, and whether it arrives swapped. */
export function parameterBehind(
  value: string,
  { producers }: Wiring,
  parameters: ReadonlyMap<string, Parameter>,
): { parameter: Parameter; swapped: boolean } | undefined {
  let swapped = false;
  for (let name = value; ; ) {
    const parameter = parameters.get(name);
    if (parameter) return { parameter, swapped };
    const producer = producers.get(name);
    if (producer?.op === 'Transpose') {
      const perm = listAttribute(producer.attributes, 'perm');
      if (perm && !(perm.length === 2 && perm[0] === 1)) return undefined;
      swapped = !swapped;
    } else if (producer?.op !== 'Identity') return undefined;
    name = producer.inputs[0] ?? '';
  }
}

function linearOf(
  node: GraphNode,
  graph: Graph,
  wiring: Wiring,
  parameters: ReadonlyMap<string, Parameter>,
): LinearLayer | undefined {
  if (node.op !== 'MatMul' && node.op !== 'FusedMatMul' && node.op !== 'Gemm') return undefined;
  const [input = '', operand = '', addend] = node.inputs;
  if (intAttribute(node.attributes, 'transA', 0) !== 0) return undefined;
  const behind = parameterBehind(operand, wiring, parameters);
  if (behind?.parameter.shape.length !== 2) return undefined;
  const { parameter, swapped } = behind;
  const transposed = swapped !== (intAttribute(node.attributes, 'transB', 0) !== 0);
  const [rows = 0, columns = 0] = parameter.shape;
  const out = transposed ? rows : columns;
  const added = addend ? parameterBehind(addend, wiring, parameters)?.parameter : undefined;
  const product = node.outputs[0] ?? '';
  const paired = added
    ? added.shape.length === 1
      ? { bias: added.name, output: product }
      : { output: product }
    : pairBias(product, out, graph, wiring, parameters);
  const { alpha = 1 } = node.attributes;
  const names = namesOf(node, parameter.name, paired.bias);
  return {
    node: node.name,
    target: names[0] ?? node.name,
    weight: parameter.name,
    in: transposed ? columns : rows,
    out,
    transposed,
    input,
    product,
    factor: Number(alpha),
    names,
    ...paired,
  };
}

/** Follows a product to the Add of a vector of its width. The output moves there only if nothing stands between. */
function pairBias(
  product: string,
  out: number,
  graph: Graph,
  wiring: Wiring,
  parameters: ReadonlyMap<string, Parameter>,
): { bias?: string; output: string } {
  const isOutput = new Set(graph.outputs.map(({ name }) => name));
  for (let value = product; ; ) {
    const readers = wiring.consumers.get(value) ?? [];
    const [reader] = readers;
    if (readers.length !== 1 || !reader || isOutput.has(value)) return { output: product };
    const result = reader.outputs[0] ?? '';
    if (reader.name.startsWith('lora.') && reader.inputs[0] === value) {
      value = result;
      continue;
    }
    if (reader.op === 'Add') {
      const other = reader.inputs.find((name) => name !== value) ?? '';
      const bias = parameterBehind(other, wiring, parameters)?.parameter;
      if (bias?.shape.length !== 1 || bias.shape[0] !== out) return { output: product };
      return { bias: bias.name, output: value === product ? result : product };
    }
    if (!PASSING.has(reader.op) || graph.values.get(result)?.shape.at(-1) !== out) return { output: product };
    value = result;
  }
}

/** Most telling first: the first one becomes the layer's name. */
function namesOf(node: GraphNode, weight: string, bias: string | undefined): string[] {
  const steps = node.name.split('/').filter((step) => step !== '');
  // TorchScript names a node by its module's path: /encoder/layer.0/attention/self/query/MatMul
  const path = node.name.startsWith('/') && steps.length > 1 ? [steps.slice(0, -1).join('.')] : [];
  const fromBias = bias === undefined ? [] : [bias.replace(/\.bias$/, ''), bias];
  const named = /\.weight$/.test(weight) ? [weight.replace(/\.weight$/, '')] : [];
  const plain = weight.includes('::') || /^val_\d+$/.test(weight) ? [node.name, weight] : [weight, node.name];
  return [...new Set([...fromBias, ...named, ...path, ...plain])];
}

/** Layers of one name and different weights are told apart by a number; one weight read twice is one layer. */
function distinct({ target, weight, transposed }: LinearLayer, owner: Map<string, string>): string {
  let name = target;
  // W and its transpose are two layers
  const own = `${weight} ${transposed}`;
  for (let copy = 2; owner.has(name) && owner.get(name) !== own; copy++) name = `${target}.${copy}`;
  owner.set(name, own);
  return name;
}
