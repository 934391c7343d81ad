import { formatShape } from '../dims.ts';
import { GraphError } from '../errors.ts';
import type { Graph } from '../graph.ts';
import type { OpType } from '../operators/index.ts';
import type { Tensor } from '../tensor.ts';
import { convolutionKernels } from './convolution.ts';
import { elementwiseKernels } from './elementwise.ts';
import { indexingKernels } from './indexing.ts';
import type { Kernel, Tensor64 } from './kernel.ts';
import { matrixKernels } from './matrix.ts';
import { movementKernels } from './movement.ts';
import { quantisedKernels } from './quantised.ts';
import { recurrentKernels } from './recurrent.ts';
import { reductionKernels } from './reduction.ts';
import { treeKernels } from './trees.ts';

export type { Tensor64 } from './kernel.ts';

/** The operator table's meaning in plain float64: the oracle that gradients and the runtime are checked against. */
const kernels: Readonly<Record<OpType, Kernel>> = {
  ...elementwiseKernels,
  ...matrixKernels,
  ...movementKernels,
  ...indexingKernels,
  ...reductionKernels,
  ...convolutionKernels,
  ...recurrentKernels,
  ...quantisedKernels,
  ...treeKernels,
};

/** Any tensor in the interpreter's float64 form. */
export function toTensor64(t: Tensor): Tensor64 {
  const data =
    t.data instanceof Float64Array ? t.data : Float64Array.from(t.data as ArrayLike<number | bigint>, Number);
  return { dtype: t.dtype, shape: t.shape, data };
}

/** One operator on given inputs; used to fold constants. */
export function evaluate(
  op: OpType,
  inputs: readonly (Tensor64 | undefined)[],
  attributes: Graph['nodes'][number]['attributes'],
  outputCount: number,
): Tensor64[] {
  return kernels[op]({ inputs, attributes, outputCount });
}

/**
 * Runs a graph in float64. Feeds are by input name; a feed under a parameter's name replaces the parameter. Returns the
 * outputs by name. Slow and simple. Throws GraphError when an input is missing or its shape does not fit.
 */
export function interpret(graph: Graph, feeds: Readonly<Record<string, Tensor>>): Record<string, Tensor64> {
  const values = new Map<string, Tensor64>();
  for (const constant of graph.initializers) values.set(constant.name, toTensor64(constant));
  for (const { name, shape, data } of graph.parameters) {
    values.set(name, toTensor64(feeds[name] ?? { dtype: 'float32', shape, data }));
  }
  for (const { name, dtype, shape } of graph.inputs) {
    const feed = feeds[name];
    if (!feed)
      throw new GraphError(`Input ${name} ${dtype}${formatShape(shape)} of graph ${graph.name} is not fed.`);
    const fits =
      feed.shape.length === shape.length &&
      shape.every((n, i) => typeof n === 'string' || n === feed.shape[i]);
    if (!fits) {
      throw new GraphError(
        `Input ${name} is ${formatShape(shape)}, but the feed is ${formatShape(feed.shape)}.`,
      );
    }
    values.set(name, { ...toTensor64(feed), dtype });
  }
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((name) => (name === '' ? undefined : values.get(name)));
    const outputs = evaluate(node.op, inputs, node.attributes, node.outputs.length);
    node.outputs.forEach((name, i) => {
      values.set(name, outputs[i]!);
    });
  }
  return Object.fromEntries(graph.outputs.map(({ name }) => [name, values.get(name)!]));
}
