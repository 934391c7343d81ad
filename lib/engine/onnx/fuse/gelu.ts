import type { GraphNode } from '../graph.ts';
import { eitherOrder, type Fusion, type GraphView, near } from './view.ts';

/** How deep products are nested in front of an activation. */
const DEPTH = 4;
const CUBIC = 0.044715;

/** c xⁿ */
interface Monomial {
  readonly coefficient: number;
  readonly power: number;
}

/**
 * GELU (Hendrycks & Gimpel 2016) in pieces: x/2 (1 + erf(x/√2)), or with tanh(√(2/π) (x + 0.044715 x³)), the factors
 * in any order, divided or multiplied.
 */
export const gelu: Fusion = (node, view) => {
  if (node.op !== 'Mul' && node.op !== 'Div') return undefined;
  const [root = ''] = node.outputs;
  const shifted = factors(root, view, DEPTH).find((name) => activation(name, view) !== undefined);
  const inner = shifted === undefined ? undefined : activation(shifted, view);
  if (shifted === undefined || !inner) return undefined;
  const approximate = inner.op === 'Erf' ? 'none' : 'tanh';
  const [argument = ''] = inner.inputs;
  for (const x of factors(root, view, DEPTH)) {
    if (x === shifted || view.type(x).shape.length === 0) continue;
    const whole = monomial(root, x, view, DEPTH, shifted);
    if (whole?.power !== 1 || !near(whole.coefficient, 0.5)) continue;
    const fits =
      approximate === 'none' ? isErfArgument(argument, x, view) : isTanhArgument(argument, x, view);
    if (fits) return [view.node('Gelu', [x], { approximate }, node, root)];
  }
  return undefined;
};

/** The Erf or Tanh of 1 + erf u, 1 + tanh u. */
function activation(name: string, view: GraphView): GraphNode | undefined {
  const sum = view.made(name, 'Add');
  for (const [one, curve] of sum ? eitherOrder(sum) : []) {
    if (view.is(one, 1)) return view.made(curve, 'Erf') ?? view.made(curve, 'Tanh');
  }
  return undefined;
}

/** Everything that a product is made of: its factors, their factors, … but no numbers. */
function factors(name: string, view: GraphView, depth: number): string[] {
  const product = depth === 0 ? undefined : (view.made(name, 'Mul') ?? scaledDown(name, view));
  return (product?.inputs ?? [])
    .filter((input) => view.number(input) === undefined)
    .flatMap((input) => [view.behind(input), ...factors(input, view, depth - 1)]);
}

function scaledDown(name: string, view: GraphView): GraphNode | undefined {
  const quotient = view.made(name, 'Div');
  return quotient && view.number(quotient.inputs[1]!) !== undefined ? quotient : undefined;
}

/** A product as c xⁿ, with `unit` counted once as 1; undefined when anything else is in it. */
function monomial(
  name: string,
  x: string,
  view: GraphView,
  depth: number,
  unit?: string,
): Monomial | undefined {
  const at = view.behind(name);
  if (at === x) return { coefficient: 1, power: 1 };
  if (at === unit) return { coefficient: 1, power: 0 };
  const constant = view.number(at);
  if (constant !== undefined) return { coefficient: constant, power: 0 };
  if (depth === 0) return undefined;
  const power = view.made(at, 'Pow');
  if (power) {
    const base = monomial(power.inputs[0]!, x, view, depth - 1, unit);
    const exponent = view.number(power.inputs[1]!);
    return base?.coefficient === 1 && exponent !== undefined
      ? { coefficient: 1, power: base.power * exponent }
      : undefined;
  }
  const node = view.made(at, 'Mul') ?? scaledDown(at, view);
  const parts = node?.inputs.map((input) => monomial(input, x, view, depth - 1, unit));
  const [left, right] = parts ?? [];
  if (!node || !left || !right) return undefined;
  return node.op === 'Mul'
    ? { coefficient: left.coefficient * right.coefficient, power: left.power + right.power }
    : { coefficient: left.coefficient / right.coefficient, power: left.power };
}

/** x/√2 */
function isErfArgument(name: string, x: string, view: GraphView): boolean {
  const u = monomial(name, x, view, DEPTH);
  return u?.power === 1 && near(u.coefficient, Math.SQRT1_2);
}

/** √(2/π) (x + c x³), or √(2/π) x (1 + c x²) */
function isTanhArgument(name: string, x: string, view: GraphView): boolean {
  for (const sum of factors(name, view, DEPTH)) {
    const whole = monomial(name, x, view, DEPTH, sum);
    const node = view.made(sum, 'Add');
    if (!whole || !node || !near(whole.coefficient, Math.sqrt(2 / Math.PI))) continue;
    const terms = node.inputs.map((input) => monomial(input, x, view, DEPTH));
    const low = terms.find((term) => term?.power === 1 - whole.power);
    const high = terms.find((term) => term?.power === 3 - whole.power);
    if (low?.coefficient === 1 && high && near(high.coefficient, CUBIC)) return true;
  }
  return false;
}
