import type { Feeds } from '../host/index.ts';
import {
  encodeModel,
  type Graph,
  type GraphNode,
  inferTypes,
  type Parameter,
  selectOutputs,
  withParameters,
} from '../onnx/index.ts';
import { openSession } from '../train/index.ts';
import { PeftError } from './errors.ts';
import { wiringOf } from './graph-edit.ts';
import type { LinearLayer } from './linears.ts';
import { type LoraAdapter, loraA, loraB, loraNodes, loraScaling, usesOf } from './lora.ts';

export interface MergeOptions {
  /** Inputs to compare the merged graph's outputs with those of the graph before on. */
  readonly inputs?: readonly Feeds[];
  /** Outputs to compare and keep; all by default (a scoring graph leaves out the loss, which needs labels). */
  readonly outputs?: readonly string[];
  /** Threads of the comparison. 1 */
  readonly threads?: number;
}

export interface Merged {
  /** The base graph's nodes with W + s (BA)ᵀ in place of W; no parameter `lora.*` is left. */
  readonly graph: Graph;
  /** Largest absolute difference of the float outputs on `inputs`, on the runtime; absent without inputs. */
  readonly maxDifference?: number;
}

/**
 * Folds LoRA into the weights, so that scoring costs what it did before. `graph` is the one of applyLora (a head or loss
 * may have been added), `values` the trained parameters: A and B of every target, and whichever else was trained.
 * A weight that other nodes use too (an embedding table, say) is left as it is, and the layer gets a copy of its own.
 * Throws PeftError when the graph or the values are not the adapter's.
 */
export async function mergeLora(
  graph: Graph,
  adapter: LoraAdapter,
  values: Readonly<Record<string, Float32Array>>,
  { inputs = [], outputs = graph.outputs.map(({ name }) => name), threads = 1 }: MergeOptions = {},
): Promise<Merged> {
  const tuned = withParameters(graph, values);
  const merged = selectOutputs(foldLora(tuned, adapter), outputs);
  if (inputs.length === 0) return { graph: merged };
  const before = selectOutputs(tuned, outputs);
  return { graph: merged, maxDifference: await maxDifference(before, merged, inputs, { threads }) };
}

/**
 * Largest absolute difference between the float outputs of two graphs with the same inputs and outputs, on the runtime.
 * Inputs that the graphs do not have are left out. NaN, which is no difference to be trusted, is returned as it is.
 */
export async function maxDifference(
  before: Graph,
  after: Graph,
  inputs: readonly Feeds[],
  { threads = 1 }: { threads?: number } = {},
): Promise<number> {
  const results: Feeds[][] = [];
  for (const graph of [before, after]) {
    const known = new Set(graph.inputs.map(({ name }) => name));
    const session = await openSession(encodeModel(graph, { parametersAs: 'initializers' }), { threads });
    try {
      const runs: Feeds[] = [];
      for (const feeds of inputs) {
        runs.push(await session.run(Object.fromEntries(Object.entries(feeds).filter(([k]) => known.has(k)))));
      }
      results.push(runs);
    } finally {
      await session.close();
    }
  }
  const [left = [], right = []] = results;
  let largest = 0;
  left.forEach((outputs, run) => {
    for (const [name, { type, data }] of Object.entries(outputs)) {
      const other = right[run]?.[name];
      if (type !== 'float32' || other?.type !== 'float32') continue;
      for (let i = 0; i < data.length; i++) {
        const difference = Math.abs(data[i]! - other.data[i]!);
        // written so that NaN is kept
        if (!(difference <= largest)) largest = difference;
      }
    }
  });
  return largest;
}

function foldLora(graph: Graph, adapter: LoraAdapter): Graph {
  const parameters = new Map(graph.parameters.map((parameter) => [parameter.name, parameter]));
  const uses = usesOf(graph, adapter);
  const gone = new Set<string>();
  const renamed = new Map<string, string>();
  const operands = new Map<string, string>();
  for (const [{ name }, layer] of uses) {
    const a = parameters.get(loraA(name));
    const b = parameters.get(loraB(name));
    if (!a || !b)
      throw new PeftError(`Graph ${graph.name} has no LoRA on ${name}; merge the graph that applyLora gave.`);
    layer.forEach((_, use) => {
      const names = loraNodes(name, use);
      const add = graph.nodes.find((node) => node.name === names.add);
      if (!add)
        throw new PeftError(`Graph ${graph.name} has no node ${names.add}: merge before it is rewritten.`);
      for (const node of [names.input, names.down, names.up, names.add]) gone.add(node);
      renamed.set(names.base, add.outputs[0]!);
    });
    for (const merged of mergedWeights(graph, layer, [a, b], adapter)) {
      parameters.set(merged.parameter.name, merged.parameter);
      for (const product of merged.products) operands.set(product, merged.parameter.name);
    }
    parameters.delete(a.name);
    parameters.delete(b.name);
  }
  const nodes = graph.nodes
    .filter(({ name }) => !gone.has(name))
    .map((node): GraphNode => {
      const weight = operands.get(node.outputs[0] ?? '');
      const inputs = node.inputs.map((name, i) => (i === 1 && weight ? weight : (renamed.get(name) ?? name)));
      return { ...node, inputs, outputs: node.outputs.map((name) => renamed.get(name) ?? name) };
    });
  return inferTypes({ ...graph, nodes, parameters: [...parameters.values()] });
}

/** The new weight of a layer, in place of the old one or, where that is used elsewhere too, beside it. */
function mergedWeights(
  graph: Graph,
  layer: readonly LinearLayer[],
  [a, b]: readonly [Parameter, Parameter],
  adapter: LoraAdapter,
): { parameter: Parameter; products: readonly string[] }[] {
  const [first] = layer;
  const weight = graph.parameters.find(({ name }) => name === first?.weight);
  if (!first || !weight) return [];
  const own = new Set(layer.map(({ product }) => product));
  const alone = readersOf(weight.name, graph).every((product) => own.has(product));
  const scaling = loraScaling(adapter);
  if (alone && layer.every(({ factor }) => factor === first.factor)) {
    const data = updated(weight.data, first.transposed, a, b, scaling / first.factor);
    return [{ parameter: { ...weight, data }, products: [] }];
  }
  // each use reads a copy directly, so it is stored as that node wants it
  return layer.map((use, i) => {
    const node = graph.nodes.find(({ outputs }) => outputs.includes(use.product));
    const wanted = node?.attributes.transB === 1;
    const plain = use.transposed === wanted ? weight.data : swapped(weight);
    const data = updated(plain, wanted, a, b, scaling / use.factor);
    const name = `${adapterName(a)}.merged${i === 0 ? '' : `.${i + 1}`}`;
    return {
      parameter: { name, shape: wanted ? [use.out, use.in] : [use.in, use.out], data },
      products: [use.product],
    };
  });
}

/** W + factor · (BA)ᵀ, or + factor · BA where W is stored (out, in); summed in float64, rounded once. */
function updated(
  weight: Float32Array,
  transposed: boolean,
  { shape: [rank = 0, from = 0], data: a }: Parameter,
  { shape: [out = 0], data: b }: Parameter,
  factor: number,
): Float32Array {
  const result = new Float32Array(weight.length);
  for (let o = 0; o < out; o++) {
    for (let i = 0; i < from; i++) {
      let sum = 0;
      for (let r = 0; r < rank; r++) sum += b[o * rank + r]! * a[r * from + i]!;
      const at = transposed ? o * from + i : i * out + o;
      result[at] = weight[at]! + factor * sum;
    }
  }
  return result;
}

function swapped({ shape: [rows = 0, columns = 0], data }: Parameter): Float32Array {
  const result = new Float32Array(data.length);
  for (let r = 0; r < rows; r++)
    for (let c = 0; c < columns; c++) result[c * rows + r] = data[r * columns + c]!;
  return result;
}

/** What the nodes that read a parameter, through Identity and Transpose too, make of it. */
function readersOf(parameter: string, graph: Graph): string[] {
  const { consumers } = wiringOf(graph);
  const open = [parameter];
  const readers: string[] = [];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    for (const node of consumers.get(value) ?? []) {
      if (node.op === 'Identity' || node.op === 'Transpose') open.push(...node.outputs);
      else readers.push(node.outputs[0] ?? '');
    }
  }
  return readers;
}

const adapterName = ({ name }: Parameter): string => name.replace(/^lora\./, '').replace(/\.A$/, '');
