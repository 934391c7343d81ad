import type { GraphNode } from '../graph.ts';
import { intAttribute, listAttribute } from '../operators/spec.ts';
import { eitherOrder, type Fusion, type GraphView } from './view.ts';

/** One side of a product: which value, whether its last two axes are swapped, and what it is multiplied by. */
interface Side {
  readonly name: string;
  readonly swapped: boolean;
  readonly factor: number;
  /** Axes to bring in order first. */
  readonly perm?: readonly number[];
}

/**
 * Attention's products with the scales and swaps of their inputs taken in: FusedMatMul swaps and scales as it goes. A
 * transpose that also moves heads is rewritten to keep rows whole, which is a copy of blocks, there and in the gradient.
 */
export const productInputs: Fusion = (node, view) => {
  if (!isProduct(node)) return undefined;
  const [a = '', b = ''] = node.inputs;
  if (view.type(a).shape.length < 2 || view.type(b).shape.length < 2) return undefined;
  const [left, right] = [sideOf(a, view), sideOf(b, view)];
  const changed = [left, right].some(({ swapped, factor, perm }) => swapped || factor !== 1 || perm);
  if (!changed) return undefined;
  const before: GraphNode[] = [];
  const inputs = [left, right].map(({ name, perm }) => {
    if (!perm) return name;
    const moved = view.node('Transpose', [name], { perm: [...perm] }, node);
    before.push(moved);
    return moved.outputs[0]!;
  });
  const trans = (side: Side, attribute: string): number =>
    Number(side.swapped !== (intAttribute(node.attributes, attribute, 0) === 1));
  const alpha = intAttribute(node.attributes, 'alpha', 1) * left.factor * right.factor;
  const attributes = { transA: trans(left, 'transA'), transB: trans(right, 'transB'), alpha };
  return [...before, view.node('FusedMatMul', inputs, attributes, node, node.outputs[0])];
};

/** A product times a number: the number goes into the product. */
export const productScale: Fusion = (node, view) => {
  const scaled = scaledValue(node, view);
  if (!scaled || view.readers(scaled.name) !== 1) return undefined;
  const product = view.made(scaled.name, 'MatMul') ?? view.made(scaled.name, 'FusedMatMul');
  if (!product || product.inputs.some((name) => view.type(name).shape.length < 2)) return undefined;
  const { transA = 0, transB = 0 } = product.attributes;
  const alpha = intAttribute(product.attributes, 'alpha', 1) * scaled.factor;
  return [view.node('FusedMatMul', product.inputs, { transA, transB, alpha }, node, node.outputs[0])];
};

/** Two transposes in a row are one, or none. */
export const transposes: Fusion = (node, view) => {
  const inner = node.op === 'Transpose' ? view.made(node.inputs[0]!, 'Transpose') : undefined;
  if (!inner) return undefined;
  const [first, second] = [permOf(inner, view), permOf(node, view)];
  const perm = second.map((axis) => first[axis]!);
  const [x = ''] = inner.inputs;
  return perm.every((axis, i) => axis === i)
    ? [view.node('Identity', [x], {}, node, node.outputs[0])]
    : [view.node('Transpose', [x], { perm }, node, node.outputs[0])];
};

function isProduct({ op }: GraphNode): boolean {
  return op === 'MatMul' || op === 'FusedMatMul';
}

function sideOf(name: string, view: GraphView): Side {
  const node = view.made(name, 'Mul') ?? view.made(name, 'Div') ?? view.made(name, 'Transpose');
  const scaled = node && scaledValue(node, view);
  if (scaled) {
    const inner = sideOf(scaled.name, view);
    return { ...inner, factor: inner.factor * scaled.factor };
  }
  if (node?.op !== 'Transpose') return { name, swapped: false, factor: 1 };
  const perm = permOf(node, view);
  const rank = perm.length;
  const swapped = [...perm.slice(0, -2), perm[rank - 1]!, perm[rank - 2]!];
  const [x = ''] = node.inputs;
  if (swapped.every((axis, i) => axis === i)) {
    const inner = sideOf(x, view);
    return { ...inner, swapped: !inner.swapped };
  }
  const wholeRows = perm[rank - 1] !== rank - 1 && swapped[rank - 1] === rank - 1;
  return wholeRows
    ? { name: x, swapped: true, factor: 1, perm: swapped }
    : { name, swapped: false, factor: 1 };
}

/** A value times a number of one element that leaves its shape as it is. */
function scaledValue(node: GraphNode, view: GraphView): { name: string; factor: number } | undefined {
  const [output = ''] = node.outputs;
  const candidates =
    node.op === 'Mul' ? eitherOrder(node) : node.op === 'Div' ? [node.inputs as [string, string]] : [];
  for (const [name, operand] of candidates) {
    const number = view.number(operand);
    const sameRank = view.type(name).shape.length === view.type(output).shape.length;
    if (number !== undefined && sameRank && view.number(name) === undefined)
      return { name, factor: node.op === 'Mul' ? number : 1 / number };
  }
  return undefined;
}

function permOf({ attributes, inputs }: GraphNode, view: GraphView): readonly number[] {
  const rank = view.type(inputs[0]!).shape.length;
  return listAttribute(attributes, 'perm') ?? Array.from({ length: rank }, (_, i) => rank - 1 - i);
}
