import { solvePositive } from '../host/index.ts';

/** A convex function whose gradient is Lipschitz. */
interface Smooth {
  /** Writes the gradient, and returns the value. */
  evaluate(point: Float64Array, gradient: Float64Array): number;
  /** About the second derivatives, size x size, positive definite. */
  curvature(point: Float64Array): Float64Array;
}

export interface Minimum {
  readonly point: Float64Array;
  /** The smooth part and the penalty. */
  readonly value: number;
  readonly iterations: number;
  readonly converged: boolean;
}

interface Settings {
  /** Penalty of the absolute values of all numbers but the last. */
  readonly l1: number;
  readonly start: Float64Array;
  /** Whether the start knows nothing of the minimum. */
  readonly far: boolean;
  /** The largest component of the smallest subgradient, at most. */
  readonly tolerance: number;
  readonly maxIterations: number;
}

const SWEEPS = 500;
/** Steps from a far start after which the curvature is estimated once more: there, probabilities were still all alike. */
const SETTLED = 3;
/** A step may raise the value by as much of it, which rounding alone may do near the minimum. */
const ROUNDING = 1e-12;

/**
 * Minimises smooth(x) + l1 x the sum of |x_j| over all j but the last, by the proximal quasi-Newton method (Lee, Sun, Saunders,
 * "Proximal Newton-type methods for minimizing composite functions", 2014, algorithm 1): each step minimises a quadratic
 * model with a BFGS matrix (Nocedal & Wright, 2006, equation 6.19) that begins with the given curvature. Without l1 that
 * is BFGS; with it the model is minimised by coordinate descent, as the numbers are few and the rows many.
 */
export function minimise(smooth: Smooth, { l1, start, far, tolerance, maxIterations }: Settings): Minimum {
  const size = start.length;
  let at = { point: Float64Array.from(start), gradient: new Float64Array(size), value: 0 };
  let spare = { point: new Float64Array(size), gradient: new Float64Array(size), value: 0 };
  at.value = smooth.evaluate(at.point, at.gradient) + l1 * sumOfAbsolutes(at.point);
  const model = smooth.curvature(at.point);
  for (let iterations = 0; ; iterations++) {
    const slope = steepest(at.point, at.gradient, l1);
    const converged = slope <= tolerance;
    if (converged || iterations === maxIterations) {
      return { point: at.point, value: at.value, iterations, converged };
    }
    const direction =
      (l1 === 0 &&
        solvePositive(
          model,
          at.gradient.map((g) => -g),
        )) ||
      descend(model, at.point, at.gradient, l1, 0.01 * slope);
    let fall = l1 * (sumOfAbsolutes(at.point, direction) - sumOfAbsolutes(at.point));
    for (let j = 0; j < size; j++) fall += at.gradient[j]! * direction[j]!;
    let length = 1;
    for (; length > 1e-10; length /= 2) {
      for (let j = 0; j < size; j++) spare.point[j] = at.point[j]! + length * direction[j]!;
      spare.value = smooth.evaluate(spare.point, spare.gradient) + l1 * sumOfAbsolutes(spare.point);
      if (spare.value <= at.value + 1e-4 * length * fall + ROUNDING * Math.abs(at.value)) break;
    }
    // no step lowers it any more: float64 is at its limit
    if (length <= 1e-10) return { point: at.point, value: at.value, iterations, converged };
    if (far && iterations + 1 === SETTLED) model.set(smooth.curvature(spare.point));
    else learn(model, at, spare);
    [at, spare] = [spare, at];
  }
}

/** The largest component of the subgradient that is smallest: 0 at the minimum, and nowhere else. */
function steepest(point: Float64Array, gradient: Float64Array, l1: number): number {
  const last = point.length - 1;
  let most = Math.abs(gradient[last]!);
  for (let j = 0; j < last; j++) {
    const slope =
      point[j] === 0
        ? Math.max(0, Math.abs(gradient[j]!) - l1)
        : Math.abs(gradient[j]! + l1 * Math.sign(point[j]!));
    most = Math.max(most, slope);
  }
  return most;
}

/** The step that minimises the quadratic model and the penalty, until no coordinate's slope is above `close`. */
function descend(
  model: Float64Array,
  point: Float64Array,
  gradient: Float64Array,
  l1: number,
  close: number,
): Float64Array {
  const size = point.length;
  const step = new Float64Array(size);
  const slopes = Float64Array.from(gradient);
  for (let sweep = 0; sweep < SWEEPS; sweep++) {
    let steep = 0;
    for (let j = 0; j < size; j++) {
      const curvature = model[j * size + j]!;
      const before = point[j]! + step[j]!;
      const free = before - slopes[j]! / curvature;
      const least = j < size - 1 ? l1 / curvature : 0;
      const after = Math.sign(free) * Math.max(0, Math.abs(free) - least);
      const moved = after - before;
      if (moved === 0) continue;
      // so that a weight that ends at zero is zero, not a rounding error
      step[j] = after === 0 ? -point[j]! : step[j]! + moved;
      for (let k = 0; k < size; k++) slopes[k]! += moved * model[j * size + k]!;
      steep = Math.max(steep, curvature * Math.abs(moved));
    }
    if (steep <= close) break;
  }
  return step;
}

/** BFGS: the model gets the curvature that was seen along the step. */
function learn(
  model: Float64Array,
  before: { readonly point: Float64Array; readonly gradient: Float64Array },
  after: { readonly point: Float64Array; readonly gradient: Float64Array },
): void {
  const size = before.point.length;
  const modelled = new Float64Array(size);
  let [seen, expected] = [0, 0];
  const step = after.point.map((value, j) => value - before.point[j]!);
  const change = after.gradient.map((value, j) => value - before.gradient[j]!);
  for (let j = 0; j < size; j++) {
    let sum = 0;
    for (let k = 0; k < size; k++) sum += model[j * size + k]! * step[k]!;
    modelled[j] = sum;
    expected += sum * step[j]!;
    seen += change[j]! * step[j]!;
  }
  // a convex function has seen >= 0; next to nothing is rounding, and would spoil the model
  if (!(seen > 1e-10 * expected)) return;
  for (let j = 0; j < size; j++) {
    const [own, theirs] = [change[j]! / seen, modelled[j]! / expected];
    for (let k = 0; k < size; k++) {
      model[j * size + k]! += own * change[k]! - theirs * modelled[k]!;
    }
  }
}

/** Of all numbers but the last, after a step if one is given. */
function sumOfAbsolutes(point: Float64Array, step?: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < point.length - 1; j++) sum += Math.abs(point[j]! + (step ? step[j]! : 0));
  return sum;
}
