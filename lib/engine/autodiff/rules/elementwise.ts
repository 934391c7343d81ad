import { isFloat, stringAttribute, type Value } from '../../onnx/index.ts';
import type { GradientRule, RuleCall, RuleTable } from '../rule.ts';

/** One input x: dx = dy · f'(x), the derivative written with x and y. */
function scaled(derivative: (call: RuleCall, x: Value, y: Value) => Value): GradientRule {
  return (call) => [() => call.g.mul(call.dy, derivative(call, call.x[0]!, call.y[0]!))];
}

/** y = max or min of the inputs: dx_i = dy [x_i = y] / (how many inputs equal y). */
const extreme: GradientRule = ({ g, x, y, dy }) => {
  const hits = x.map((input) => g.cast(g.equal(input!, y[0]!), dy.dtype));
  const share = (): Value =>
    g.div(
      dy,
      hits.reduce((sum, hit) => g.add(sum, hit)),
    );
  return hits.map((hit) => () => g.mul(share(), hit));
};

export const elementwiseRules = {
  // y = a + b: da = dy, db = dy
  Add: ({ dy }) => [() => dy, () => dy],
  // y = a - b: da = dy, db = -dy
  Sub: ({ g, dy }) => [() => dy, () => g.neg(dy)],
  // y = a b: da = dy b, db = dy a
  Mul: ({ g, x, dy }) => [() => g.mul(dy, x[1]!), () => g.mul(dy, x[0]!)],
  // y = a / b: da = dy / b, db = -dy y / b
  Div: ({ g, x, y, dy }) => [() => g.div(dy, x[1]!), () => g.neg(g.mul(dy, g.div(y[0]!, x[1]!)))],
  // y = a^e: da = dy e a^(e-1), de = dy y log a
  Pow: ({ g, x, y, dy }) => {
    const [base, exponent] = [x[0]!, x[1]!];
    const fixed = g.numbersOf(exponent);
    const power = fixed?.length === 1 ? fixed[0]! : undefined;
    const slope = (): Value => {
      if (power === 2) return g.mul(base, 2);
      if (power !== undefined) return g.mul(g.pow(base, power - 1), power);
      return g.mul(exponent, g.pow(base, g.sub(exponent, 1)));
    };
    return [() => g.mul(dy, slope()), () => g.mul(dy, g.mul(y[0]!, g.log(base)))];
  },
  Max: extreme,
  Min: extreme,
  // y = Σ x_i: dx_i = dy
  Sum: ({ x, dy }) => x.map(() => () => dy),
  Equal: 'none',
  Less: 'none',
  LessOrEqual: 'none',
  Greater: 'none',
  GreaterOrEqual: 'none',
  And: 'none',
  Or: 'none',
  Xor: 'none',
  Not: 'none',
  // y = -x: dx = -dy
  Neg: ({ g, dy }) => [() => g.neg(dy)],
  // y = |x|: dx = dy sign x
  Abs: scaled(({ g }, x) => g.sign(x)),
  Sign: 'none',
  // y = max(x, 0): dx = dy [x > 0]
  Relu: ({ g, x, dy }) => [() => g.where(g.greater(x[0]!, 0), dy, 0)],
  // y = √x: dx = dy / (2 y)
  Sqrt: ({ g, y, dy }) => [() => g.div(g.mul(dy, 0.5), y[0]!)],
  // y = 1/x: dx = -dy y²
  Reciprocal: scaled(({ g }, _, y) => g.neg(g.square(y))),
  // y = e^x: dx = dy y
  Exp: scaled((_, __, y) => y),
  // y = log x: dx = dy / x
  Log: ({ g, x, dy }) => [() => g.div(dy, x[0]!)],
  // y = erf x: dx = dy 2/√π e^(-x²)
  Erf: scaled(({ g }, x) => g.mul(g.exp(g.neg(g.square(x))), 2 / Math.sqrt(Math.PI))),
  // y = tanh x: dx = dy (1 - y²)
  Tanh: scaled(({ g }, _, y) => g.sub(1, g.square(y))),
  // y = σ(x): dx = dy y (1 - y)
  Sigmoid: scaled(({ g }, _, y) => g.mul(y, g.sub(1, y))),
  // y = log(1 + e^x): dx = dy σ(x)
  Softplus: scaled(({ g }, x) => g.sigmoid(x)),
  // y = sin x: dx = dy cos x
  Sin: scaled(({ g }, x) => g.op('Cos', [x])),
  // y = cos x: dx = -dy sin x
  Cos: scaled(({ g }, x) => g.neg(g.op('Sin', [x]))),
  Floor: 'none',
  Ceil: 'none',
  Round: 'none',
  // y = a - b trunc(a / b): da = dy, db = -dy trunc(a / b) = -dy (a - y) / b
  Mod: ({ g, x, y, dy }) => [() => dy, () => g.neg(g.mul(dy, g.div(g.sub(x[0]!, y[0]!), x[1]!)))],
  // y = x Φ(x): dx = dy (Φ(x) + x φ(x)); Hendrycks & Gimpel 2016
  Gelu: scaled((call, x) => {
    if (stringAttribute(call.attributes, 'approximate', 'none') === 'tanh') return geluTanhSlope(call, x);
    const { g } = call;
    const cumulative = g.mul(g.add(g.erf(g.mul(x, Math.SQRT1_2)), 1), 0.5);
    const density = g.mul(g.exp(g.mul(g.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
    return g.add(cumulative, g.mul(x, density));
  }),
  IsNaN: 'none',
  IsInf: 'none',
  // y = x limited to [low, high]: dx = dy [low ≤ x ≤ high]
  Clip: ({ g, x, dy }) => [
    () => {
      const aboveLow = x[1] && g.greaterOrEqual(x[0]!, x[1]);
      const belowHigh = x[2] && g.lessOrEqual(x[0]!, x[2]);
      const inside = aboveLow && belowHigh ? g.and(aboveLow, belowHigh) : (aboveLow ?? belowHigh);
      return inside ? g.where(inside, dy, 0) : dy;
    },
  ],
  // y = c ? a : b: da = c ? dy : 0, db = c ? 0 : dy
  Where: ({ g, x, dy }) => [undefined, () => g.where(x[0]!, dy, 0), () => g.where(x[0]!, 0, dy)],
  Identity: ({ dy }) => [() => dy],
  // Between float types the gradient is cast back.
  Cast: ({ g, x, dy }) => [() => (isFloat(x[0]!.dtype) ? g.cast(dy, x[0]!.dtype) : dy)],
} satisfies RuleTable;

/** d/dx of x/2 (1 + tanh u), u = √(2/π) (x + 0.044715 x³). */
function geluTanhSlope({ g }: RuleCall, x: Value): Value {
  const cubic = 0.044715;
  const root = Math.sqrt(2 / Math.PI);
  const squared = g.square(x);
  const t = g.tanh(g.mul(g.mul(x, g.add(g.mul(squared, cubic), 1)), root));
  const inner = g.mul(g.add(g.mul(squared, 3 * cubic), 1), root);
  const left = g.mul(g.add(t, 1), 0.5);
  return g.add(left, g.mul(g.mul(g.mul(x, 0.5), g.sub(1, g.square(t))), inner));
}
