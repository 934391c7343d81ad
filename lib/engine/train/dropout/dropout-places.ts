import type { Graph, GraphNode } from '../../onnx/index.ts';

/** Values after which transformers are trained with dropout; exporters leave its nodes out. */
export interface DropoutPlaces {
  /** Attention probabilities: softmaxes that a product reads. */
  attention: string[];
  /** What linear layers add to the residual stream (Vaswani et al., "Attention is all you need", 2017, section 5.4). */
  residual: string[];
}

/** Finds them by what the nodes do, not by name: for `after` of `insertDropout`, each at its rate. */
export function dropoutPlaces(graph: Graph): DropoutPlaces {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map((output) => [output, node])));
  const moving = dependsOnInputs(graph);
  const attention: string[] = [];
  const residual: string[] = [];
  for (const [index, node] of graph.nodes.entries()) {
    if (isProduct(node)) {
      const softmax = softmaxBehind(node.inputs[0] ?? '', producers);
      if (softmax) attention.push(softmax.outputs[0]!);
    }
    if (node.op !== 'Add' || !node.inputs.every((input) => moving.has(input))) continue;
    const branches = node.inputs.filter((input) => isLinear(input, producers, moving));
    const [branch] = branches;
    if (branches.length !== 1 || !branch || !sameShape(graph, node)) continue;
    const other = node.inputs.find((input) => input !== branch) ?? branch;
    // x + c x³ of a GELU in pieces is made from the linear layer's output: no stream that it joins
    const between = graph.nodes.slice(graph.nodes.indexOf(producers.get(branch)!) + 1, index);
    if (!leadsTo(branch, other, between)) residual.push(branch);
  }
  return { attention: [...new Set(attention)], residual: [...new Set(residual)] };
}

/** The softmax that makes a value, through what exporters put between: a guard against rows that are hidden altogether. */
function softmaxBehind(value: string, producers: ReadonlyMap<string, GraphNode>): GraphNode | undefined {
  const node = producers.get(value);
  switch (node?.op) {
    case 'Softmax':
      return node;
    case 'Where':
      return softmaxBehind(node.inputs[2] ?? '', producers) ?? softmaxBehind(node.inputs[1] ?? '', producers);
    case 'Identity':
    case 'Cast':
    case 'Slice':
      return softmaxBehind(node.inputs[0] ?? '', producers);
    default:
      return undefined;
  }
}

/** Whether a value is made from another by nodes in order. */
function leadsTo(from: string, to: string, nodes: readonly GraphNode[]): boolean {
  const after = new Set([from]);
  for (const { inputs, outputs } of nodes) {
    if (inputs.some((input) => after.has(input))) for (const output of outputs) after.add(output);
  }
  return after.has(to);
}

const isProduct = ({ op }: GraphNode) => op === 'MatMul' || op === 'FusedMatMul' || op === 'Gemm';

function dependsOnInputs(graph: Graph): Set<string> {
  const moving = new Set(graph.inputs.map(({ name }) => name));
  for (const { inputs, outputs } of graph.nodes) {
    if (inputs.some((input) => moving.has(input))) for (const output of outputs) moving.add(output);
  }
  return moving;
}

/** Whether a value is what a linear layer gives: a product with a weight, its bias, and sums of such (LoRA's). */
function isLinear(
  value: string,
  producers: ReadonlyMap<string, GraphNode>,
  moving: ReadonlySet<string>,
): boolean {
  const node = producers.get(value);
  if (!node) return false;
  const varying = node.inputs.filter((input) => moving.has(input));
  if (isProduct(node)) return varying.length === 1 && varying[0] === node.inputs[0];
  const passes = node.op === 'Add' || node.op === 'Identity' || node.op === 'Reshape';
  const scales = node.op === 'Mul' && varying.length === 1;
  return (passes || scales) && varying.every((input) => isLinear(input, producers, moving));
}

function sameShape(graph: Graph, { inputs }: GraphNode): boolean {
  const [left, right] = inputs.map((input) => graph.values.get(input)?.shape);
  return left !== undefined && left.length >= 2 && String(left) === String(right);
}
