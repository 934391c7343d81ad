import type { GraphNode } from '../graph.ts';
import { tensor } from '../tensor.ts';
import { eitherOrder, type Fusion, type GraphView } from './view.ts';

interface Normalised {
  readonly x: string;
  readonly width: number;
  readonly epsilon: number;
}

/** Ba et al. 2016, eq. 4, in pieces: (x - μ) / √(σ² + ε) · scale + bias over the last axis. */
export const layerNorm: Fusion = (node, view) => {
  if (node.op !== 'Add') return undefined;
  for (const [product, bias] of eitherOrder(node)) {
    const scaled = view.made(product, 'Mul');
    const found = scaled && scaledNorm(scaled, view);
    if (found && isVector(bias, found.width, view)) return fused(node, view, found, [found.scale, bias]);
  }
  return undefined;
};

/** The same without a bias. */
export const layerNormWithoutBias: Fusion = (node, view) => {
  const found = node.op === 'Mul' ? scaledNorm(node, view) : undefined;
  return found && fused(node, view, found, [found.scale]);
};

/** The same without scale and bias. */
export const plainLayerNorm: Fusion = (node, view) => {
  const found = normalised(node, view);
  if (!found) return undefined;
  const ones = tensor('float32', [found.width], new Array<number>(found.width).fill(1));
  return fused(node, view, found, [view.constant(ones, node)]);
};

function fused(
  root: GraphNode,
  view: GraphView,
  { x, epsilon }: Normalised,
  affine: readonly string[],
): GraphNode[] {
  return [view.node('LayerNormalization', [x, ...affine], { axis: -1, epsilon }, root, root.outputs[0])];
}

function scaledNorm(node: GraphNode, view: GraphView): (Normalised & { scale: string }) | undefined {
  for (const [inner, scale] of eitherOrder(node)) {
    const quotient = view.made(inner, 'Div') ?? view.made(inner, 'Mul');
    const found = quotient && normalised(quotient, view);
    if (found && isVector(scale, found.width, view)) return { ...found, scale };
  }
  return undefined;
}

/** (x - μ) / √(σ² + ε), or times its reciprocal, or times (σ² + ε) to the power of -1/2. */
function normalised(node: GraphNode, view: GraphView): Normalised | undefined {
  const [a = '', b = ''] = node.inputs;
  if (node.op === 'Div') {
    const root = view.made(b, 'Sqrt');
    return root && fromParts(a, root.inputs[0]!, view);
  }
  if (node.op !== 'Mul') return undefined;
  for (const [centred, factor] of eitherOrder(node)) {
    const inner = underInverseRoot(factor, view);
    const found = inner !== undefined ? fromParts(centred, inner, view) : undefined;
    if (found) return found;
  }
  return undefined;
}

function underInverseRoot(name: string, view: GraphView): string | undefined {
  const power = view.made(name, 'Pow');
  if (power && view.is(power.inputs[1]!, -0.5)) return power.inputs[0];
  const quotient = view.made(name, 'Div');
  const inverted =
    view.made(name, 'Reciprocal')?.inputs[0] ??
    (quotient && view.is(quotient.inputs[0]!, 1) ? quotient.inputs[1] : undefined);
  return inverted === undefined ? undefined : view.made(inverted, 'Sqrt')?.inputs[0];
}

function fromParts(centred: string, underRoot: string, view: GraphView): Normalised | undefined {
  const difference = view.made(centred, 'Sub');
  const sum = view.made(underRoot, 'Add');
  if (!difference || !sum) return undefined;
  const [x = '', mean = ''] = difference.inputs;
  const width = view.type(x).shape.at(-1);
  if (typeof width !== 'number' || view.type(x).dtype !== 'float32' || meanOf(mean, view) !== view.behind(x))
    return undefined;
  for (const [variance, offset] of eitherOrder(sum)) {
    const epsilon = view.number(offset);
    const squares = meanOf(variance, view);
    const root = squares === undefined ? undefined : squared(squares, view);
    if (epsilon !== undefined && root !== undefined && sameDifference(root, difference, view))
      return { x, width, epsilon };
  }
  return undefined;
}

/** The value whose mean over the last axis, kept as an axis of size 1, this is. */
function meanOf(name: string, view: GraphView): string | undefined {
  const node = view.made(name, 'ReduceMean');
  if (!node) return undefined;
  const [from = ''] = node.inputs;
  const rank = view.type(from).shape.length;
  const reduced = view.type(name).shape;
  const axes = view.integers(node.inputs[1] ?? '');
  const last = axes?.length === 1 && (axes[0] === -1 || axes[0] === rank - 1);
  return last && reduced.length === rank ? view.behind(from) : undefined;
}

function squared(name: string, view: GraphView): string | undefined {
  const power = view.made(name, 'Pow');
  if (power) return view.is(power.inputs[1]!, 2) ? view.behind(power.inputs[0]!) : undefined;
  const [a = '', b = ''] = view.made(name, 'Mul')?.inputs ?? [];
  return a !== '' && view.behind(a) === view.behind(b) ? view.behind(a) : undefined;
}

/** Some exporters write x - μ once for the variance and once for the quotient. */
function sameDifference(name: string, difference: GraphNode, view: GraphView): boolean {
  const inputs = view.made(name, 'Sub')?.inputs ?? [];
  return (
    inputs.length > 0 && inputs.every((input, i) => view.behind(input) === view.behind(difference.inputs[i]!))
  );
}

function isVector(name: string, width: number, view: GraphView): boolean {
  const { dtype, shape } = view.type(name);
  return dtype === 'float32' && shape.length === 1 && shape[0] === width;
}
