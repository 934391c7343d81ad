import { solvePositive } from '../host/index.ts';

/** A smooth function of a few numbers. */
interface Smooth {
  /** Writes the gradient, and returns the value. */
  evaluate(point: Float64Array, gradient: Float64Array): number;
}

interface Settings {
  readonly start: Float64Array;
  /** Bounds of each number. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** The largest slope, at most, of numbers that a bound does not hold. */
  readonly tolerance: number;
  readonly maxIterations: number;
}

export interface Maximum {
  readonly point: Float64Array;
  readonly value: number;
  readonly iterations: number;
  readonly converged: boolean;
}

/** Of a difference of gradients: the square root of float64's precision, and some more for sums over many rows. */
const APART = 1e-6;
const LONGEST = 2;
/** A step may lower the value by as much of it, which rounding alone may do near the maximum. */
const ROUNDING = 1e-13;

/**
 * A maximum within bounds, by Newton's method with second derivatives from differences of gradients, and a damping that
 * rises until a step is uphill (Levenberg & Marquardt; Nocedal & Wright 2006, section 10.3): away from the maximum a
 * likelihood need not be concave.
 */
export function climb(smooth: Smooth, { start, low, high, tolerance, maxIterations }: Settings): Maximum {
  const size = start.length;
  let [point, gradient] = [Float64Array.from(start), new Float64Array(size)];
  let value = smooth.evaluate(point, gradient);
  let damping = 1e-3;
  for (let iterations = 0; ; iterations++) {
    const free = gradient.map((slope, j) => Number(slope > 0 ? point[j]! < high[j]! : point[j]! > low[j]!));
    const slopes = gradient.map((slope, j) => slope * free[j]!);
    const converged = slopes.every((slope) => Math.abs(slope) <= tolerance);
    if (converged || iterations === maxIterations) return { point, value, iterations, converged };
    const bend = curvature(smooth, point, gradient, free);
    let uphill = false;
    for (; !uphill && damping < 1e12; damping *= uphill ? 0.1 : 10) {
      const damped = bend.map(
        (each, at) => each + (at % (size + 1) === 0 ? damping * (Math.abs(each) + 1e-6) : 0),
      );
      const step = solvePositive(damped, slopes);
      if (!step) continue;
      const shorter = Math.min(1, LONGEST / step.reduce((most, each) => Math.max(most, Math.abs(each)), 0));
      const next = point.map((each, j) => Math.min(high[j]!, Math.max(low[j]!, each + shorter * step[j]!)));
      const nextGradient = new Float64Array(size);
      const nextValue = smooth.evaluate(next, nextGradient);
      uphill = nextValue >= value - ROUNDING * Math.abs(value);
      if (uphill) [point, gradient, value] = [next, nextGradient, nextValue];
    }
    // no step is uphill any more: float64 is at its limit
    if (!uphill) return { point, value, iterations, converged };
  }
}

/** The negative second derivatives; numbers at a bound have a row and a column of their own, which leave them there. */
function curvature(
  smooth: Smooth,
  point: Float64Array,
  gradient: Float64Array,
  free: Float64Array,
): Float64Array {
  const size = point.length;
  const bend = new Float64Array(size * size);
  const moved = new Float64Array(size);
  for (let j = 0; j < size; j++) {
    smooth.evaluate(
      point.map((each, k) => (k === j ? each + APART : each)),
      moved,
    );
    for (let k = 0; k < size; k++) {
      const slope = (free[j]! * free[k]! * (gradient[k]! - moved[k]!)) / APART;
      bend[j * size + k]! += slope / 2;
      bend[k * size + j]! += slope / 2;
    }
    if (free[j] === 0) bend[j * size + j] = 1;
  }
  return bend;
}
