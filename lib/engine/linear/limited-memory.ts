/** A smooth function to minimise. */
export interface Smooth {
  /** Writes the gradient at a point, and returns the value there. */
  evaluate(point: Float64Array, gradient: Float64Array): number;
}

export interface Descent {
  readonly start: Float64Array;
  /** Ends where no slope is larger. */
  readonly tolerance: number;
  readonly maxIterations: number;
}

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** Whether the slopes came down to the tolerance. */
  readonly converged: boolean;
}

/** Steps that the curvature is remembered of. */
const MEMORY = 10;
/** Share of the promised fall that a step must keep (Armijo), and halvings before it is given up. */
const KEPT = 1e-4;
const HALVINGS = 30;

/** One step, and how the gradient changed along it. */
interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  readonly product: number;
}

/**
 * Minimises a smooth convex function by limited-memory BFGS (Liu & Nocedal 1989; Nocedal & Wright 2006, algorithm 7.5), for
 * more weights than a matrix of their squares would serve.
 */
export function minimiseSmooth(of: Smooth, { start, tolerance, maxIterations }: Descent): Minimum {
  let point = Float64Array.from(start);
  let gradient = new Float64Array(point.length);
  let value = of.evaluate(point, gradient);
  const pairs: Pair[] = [];
  let iterations = 0;
  for (; iterations < maxIterations; iterations++) {
    if (largest(gradient) <= tolerance) return { point, value, iterations, converged: true };
    const direction = descent(gradient, pairs);
    const slope = dot(direction, gradient);
    const next = new Float64Array(point.length);
    const nextGradient = new Float64Array(point.length);
    // The first step has no curvature to go by.
    let length = pairs.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    let reached = Number.POSITIVE_INFINITY;
    for (let halving = 0; halving < HALVINGS; halving++, length /= 2) {
      for (let i = 0; i < point.length; i++) next[i] = point[i]! + length * direction[i]!;
      reached = of.evaluate(next, nextGradient);
      if (reached <= value + KEPT * length * slope) break;
    }
    // No step lowers it: rounding is all that is left.
    if (!(reached < value)) break;
    remember(pairs, difference(next, point), difference(nextGradient, gradient));
    [point, gradient, value] = [next, nextGradient, reached];
  }
  return { point, value, iterations, converged: largest(gradient) <= tolerance };
}

function remember(pairs: Pair[], step: Float64Array, change: Float64Array): void {
  const product = dot(step, change);
  // A pair without curvature would turn the direction around.
  if (product <= 1e-12 * dot(change, change)) return;
  pairs.push({ step, change, product });
  if (pairs.length > MEMORY) pairs.shift();
}

/** The two loops (Nocedal & Wright 2006, algorithm 7.4). */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((one) => -one);
  const shares: number[] = [];
  for (const { step, change, product } of [...pairs].reverse()) {
    const share = dot(step, direction) / product;
    shares.unshift(share);
    add(direction, change, -share);
  }
  const last = pairs.at(-1);
  if (last) {
    const scale = last.product / dot(last.change, last.change);
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  pairs.forEach(({ step, change, product }, i) => {
    add(direction, step, shares[i]! - dot(change, direction) / product);
  });
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

function add(to: Float64Array, of: Float64Array, times: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += times * of[i]!;
}

const difference = (a: Float64Array, b: Float64Array): Float64Array => a.map((one, i) => one - b[i]!);

const largest = (values: Float64Array): number =>
  values.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
