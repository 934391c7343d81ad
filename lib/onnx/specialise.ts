import { removeDeadCode } from './dead-code.ts';
import type { Graph, Initializer, Node } from './graph.ts';
import { inferTypes } from './infer.ts';
import { evaluate, toTensor64 } from './interpret/index.ts';
import { withSizes } from './sizes.ts';
import { elementCount, isFloat, tensor } from './tensor.ts';

/** Integer results up to this many elements are folded: sizes, axes, positions. */
const FOLD_LIMIT = 65_536;

/**
 * The graph for fixed sizes: symbolic axes replaced by numbers, `specialise(graph, { batch: 256 })`, and what then is
 * constant among integers and conditions (Shape and what is computed from it) folded. Throws GraphError when a name is
 * no axis of an input or a size is no positive integer.
 */
export function specialise(graph: Graph, sizes: Readonly<Record<string, number>>): Graph {
  return foldConstants(inferTypes({ ...graph, inputs: withSizes(graph.inputs, sizes) }));
}

/** Computes integer and bool nodes of constant inputs ahead; floats are left to the runtime's own arithmetic. */
export function foldConstants(graph: Graph): Graph {
  const constants = new Map<string, Initializer>(
    graph.initializers.map((constant) => [constant.name, constant]),
  );
  const outputs = new Set(graph.outputs.map(({ name }) => name));
  const nodes: Node[] = [];
  for (const node of graph.nodes) {
    const folded = node.outputs.some((name) => outputs.has(name)) ? undefined : fold(node, graph, constants);
    if (folded) for (const constant of folded) constants.set(constant.name, constant);
    else nodes.push(node);
  }
  return removeDeadCode(inferTypes({ ...graph, nodes, initializers: [...constants.values()] }));
}

function fold(
  node: Node,
  graph: Graph,
  constants: ReadonlyMap<string, Initializer>,
): Initializer[] | undefined {
  const types = node.outputs.map((name) => graph.values.get(name)!);
  const small = types.every(
    ({ dtype, shape }) =>
      !isFloat(dtype) &&
      shape.every((dim) => typeof dim === 'number') &&
      elementCount(shape as number[]) <= FOLD_LIMIT,
  );
  if (!small) return undefined;
  if (node.op === 'Shape' || node.op === 'Size') return foldShape(node, graph);
  const inputs = node.inputs.map((name) => constants.get(name));
  if (inputs.some((constant, i) => !constant && node.inputs[i] !== '')) return undefined;
  const results = evaluate(
    node.op,
    inputs.map((constant) => constant && toTensor64(constant)),
    node.attributes,
    node.outputs.length,
  );
  return node.outputs.map((name, i) => {
    const { dtype, shape, data } = results[i]!;
    return { name, ...tensor(dtype, shape, data) };
  });
}

/** Shape and Size need the type of their input only, not its value. */
function foldShape(node: Node, graph: Graph): Initializer[] | undefined {
  const shape = graph.values.get(node.inputs[0] ?? '')?.shape;
  if (!shape?.every((dim) => typeof dim === 'number')) return undefined;
  const stand = {
    dtype: 'float32' as const,
    shape: shape as number[],
    data: new Float64Array(node.op === 'Size' ? elementCount(shape as number[]) : 0),
  };
  const [result] = evaluate(node.op, [stand], node.attributes, 1);
  return [{ name: node.outputs[0]!, ...tensor('int64', result!.shape, result!.data) }];
}
