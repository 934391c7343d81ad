import type { GraphNode } from '../graph.ts';
import { tensor } from '../tensor.ts';
import { eitherOrder, type Fusion, type GraphView } from './view.ts';

/**
 * Attention weights as SDPA exports write them: masked by -∞, and 0 instead of NaN where a query may see no key at all.
 * The guard looks at every weight of every layer, and choosing is the runtime's slowest kernel. Whether a query sees a
 * key follows from the mask alone: such rows are left unmasked and multiplied by 0. With a finite number in place of -∞ there is
 * nothing to guard. Only where scores are no numbers themselves, the guard would hide it and this does not.
 */
export const guardedSoftmax: Fusion = (node, view) => {
  if (node.op !== 'Where') return undefined;
  const [condition = '', zero = '', weights = ''] = node.inputs;
  const guard = view.made(condition, 'IsNaN');
  const softmax = view.made(weights, 'Softmax');
  if (!guard || !softmax || view.number(zero) !== 0) return undefined;
  if (view.behind(guard.inputs[0]!) !== view.behind(weights) || !isLastAxis(softmax, view)) return undefined;
  const sum = view.made(softmax.inputs[0]!, 'Add');
  for (const [scores, bias] of sum ? eitherOrder(sum) : []) {
    const mask = maskOf(bias, view);
    if (!mask) continue;
    if (Number.isFinite(mask.hidden)) return [view.node('Identity', [weights], {}, node, node.outputs[0])];
    if (mask.hidden === Number.NEGATIVE_INFINITY) return unguarded(node, view, softmax, scores, mask.allowed);
  }
  return undefined;
};

/** The condition under which 0 is added, and what is added elsewhere. */
function maskOf(bias: string, view: GraphView): { allowed: string; hidden: number } | undefined {
  const [allowed = '', whenTrue = '', whenFalse = ''] = view.made(bias, 'Where')?.inputs ?? [];
  const hidden = allowed === '' ? undefined : view.number(whenFalse);
  return hidden !== undefined && view.number(whenTrue) === 0 ? { allowed, hidden } : undefined;
}

function unguarded(
  root: GraphNode,
  view: GraphView,
  softmax: GraphNode,
  scores: string,
  allowed: string,
): GraphNode[] {
  const output = (node: GraphNode): string => node.outputs[0]!;
  const number = (value: number): string => view.constant(tensor('float32', [], [value]), root);
  const last = view.constant(tensor('int64', [1], [-1]), root);
  const floats = view.node('Cast', [allowed], { to: 'float32' }, root);
  const seeing = view.node('ReduceMax', [output(floats), last], { keepdims: 1 }, root);
  const sees = view.node('Cast', [output(seeing)], { to: 'bool' }, root);
  const blind = view.node('Not', [output(sees)], {}, root);
  const open = view.node('Or', [allowed, output(blind)], {}, root);
  const bias = view.node('Where', [output(open), number(0), number(Number.NEGATIVE_INFINITY)], {}, root);
  const masked = view.node('Add', [scores, output(bias)], {}, root);
  const weights = view.node('Softmax', [output(masked)], softmax.attributes, root);
  return [
    ...[floats, seeing, sees, blind, open, bias, masked, weights],
    view.node('Mul', [output(weights), output(seeing)], {}, root, root.outputs[0]),
  ];
}

function isLastAxis({ attributes, inputs }: GraphNode, view: GraphView): boolean {
  const { axis = -1 } = attributes;
  return axis === -1 || axis === view.type(inputs[0]!).shape.length - 1;
}
