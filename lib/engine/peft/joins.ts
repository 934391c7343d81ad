import type { Graph, GraphNode, Parameter } from '../onnx/index.ts';
import { type Wiring, wiringOf } from './graph-edit.ts';
import { linears, parameterBehind } from './linears.ts';

/** Where a sublayer's output is added to the residual stream. */
export interface ResidualJoin {
  /** Name of the Add. */
  readonly node: string;
  /** Place of the Add in the graph's order. */
  readonly index: number;
  /** Output of the sublayer (…, width). */
  readonly branch: string;
  /** What it is added to; the sublayer starts from it. */
  readonly residual: string;
  /** The sum. */
  readonly output: string;
  readonly width: number;
  readonly kind: 'attention' | 'feed-forward';
  /** What the sublayer's last linear layer is called. */
  readonly name: string;
}

/**
 * The residual joins of an encoder in order: Adds of a value and of what a linear layer makes out of that same value. It
 * does not matter whether the norm stands before the sublayer or behind the join. A sublayer with a softmax is attention.
 */
export function residualJoins(graph: Graph): ResidualJoin[] {
  const wiring = wiringOf(graph);
  const parameters = new Map(graph.parameters.map((parameter) => [parameter.name, parameter]));
  const indices = new Map(
    graph.nodes.flatMap(({ outputs }, index) => outputs.map((output) => [output, index])),
  );
  const targets = new Map(linears(graph).map(({ product, target }) => [product, target]));
  const joins: ResidualJoin[] = [];
  graph.nodes.forEach((node, index) => {
    // what the rewrites of this folder put in are joins by shape only
    if (node.op !== 'Add' || /^(lora|adapter|prefix)\./.test(node.name)) return;
    const [a = '', b = ''] = node.inputs;
    const [left, right] = [graph.values.get(a), graph.values.get(b)];
    if (left?.dtype !== 'float32' || String(left.shape) !== String(right?.shape)) return;
    const width = left.shape.at(-1);
    if (left.shape.length < 2 || typeof width !== 'number') return;
    for (const [branch, residual] of [
      [a, b],
      [b, a],
    ] as const) {
      const name = lastLinear(branch, wiring, parameters, targets);
      if (name === undefined) continue;
      const start = indices.get(residual) ?? -1;
      const between = nodesBetween(residual, branch, graph.nodes.slice(start + 1, index));
      if (!between) continue;
      const kind = between.some(({ op }) => op === 'Softmax') ? 'attention' : 'feed-forward';
      joins.push({ node: node.name, index, branch, residual, output: node.outputs[0]!, width, kind, name });
      return;
    }
  });
  return joins;
}

/** The nodes on the ways from one value to another, among nodes in order; undefined when there is no way. */
function nodesBetween(from: string, to: string, nodes: readonly GraphNode[]): GraphNode[] | undefined {
  const after = new Set([from]);
  const reached = nodes.filter((node) => {
    if (!node.inputs.some((name) => after.has(name))) return false;
    for (const output of node.outputs) after.add(output);
    return true;
  });
  if (!after.has(to) || from === to) return undefined;
  const needed = new Set([to]);
  const between = reached.reverse().filter((node) => {
    if (!node.outputs.some((name) => needed.has(name))) return false;
    for (const input of node.inputs) needed.add(input);
    return true;
  });
  return between.reverse();
}

/** Follows a sublayer's output back over bias, dropout and tuning nodes to the linear layer that made it: its name. */
function lastLinear(
  value: string,
  wiring: Wiring,
  parameters: ReadonlyMap<string, Parameter>,
  targets: ReadonlyMap<string, string>,
): string | undefined {
  const node = wiring.producers.get(value);
  const [first = '', second = ''] = node?.inputs ?? [];
  const behind = (operand: string) => lastLinear(operand, wiring, parameters, targets);
  const isVector = (operand: string) =>
    parameterBehind(operand, wiring, parameters)?.parameter.shape.length === 1;
  switch (node?.op) {
    case 'MatMul':
    case 'FusedMatMul':
    case 'Gemm':
      return targets.get(value);
    case 'Add':
      if (isVector(first)) return behind(second);
      // the nodes of a rewrite have the original value first
      return isVector(second) || /^(lora|adapter)\./.test(node.name) ? behind(first) : undefined;
    case 'Mul': {
      // by a dropout mask, which no linear layer makes
      const [a, b] = [behind(first), behind(second)];
      return a === undefined || b === undefined ? (a ?? b) : undefined;
    }
    case 'Identity':
    case 'Reshape':
    case 'Cast':
      return behind(first);
    default:
      return undefined;
  }
}
