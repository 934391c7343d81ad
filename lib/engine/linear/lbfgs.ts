/** Value and gradient of a function at a point; the gradient is written to `gradient`. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number;

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  readonly iterations: number;
  readonly converged: boolean;
}

/** Pairs of steps and changes of the gradient that stand for the curvature. */
const MEMORY = 10;
/** Sufficient decrease and curvature of the line search (Nocedal & Wright 2006, section 3.1). */
const DECREASE = 1e-4;
const CURVATURE = 0.9;
const MOST_TRIES = 30;

/**
 * Minimises a smooth function by L-BFGS (Nocedal 1980; Nocedal & Wright 2006, algorithms 7.4 and 7.5) with a line search for
 * the weak Wolfe conditions by bisection (Lewis & Overton 2013, section 3).
 * @param tolerance of the gradient's largest component, in units of the function
 */
export function minimise(
  objective: Objective,
  start: Float64Array,
  { tolerance, maxIterations }: { readonly tolerance: number; readonly maxIterations: number },
): Minimum {
  const n = start.length;
  let point = Float64Array.from(start);
  let gradient = new Float64Array(n);
  let value = objective(point, gradient);
  const steps: Float64Array[] = [];
  const changes: Float64Array[] = [];
  let iterations = 0;
  for (; iterations < maxIterations && largest(gradient) > tolerance; iterations++) {
    const direction = descent(gradient, steps, changes);
    const first = steps.length === 0 ? Math.min(1, 1 / Math.sqrt(dot(gradient, gradient))) : 1;
    const found = search(objective, point, value, gradient, direction, first);
    if (!found) break;
    const step = new Float64Array(n);
    const change = new Float64Array(n);
    for (let i = 0; i < n; i++) {
      step[i] = found.point[i]! - point[i]!;
      change[i] = found.gradient[i]! - gradient[i]!;
    }
    if (dot(step, change) > 0) {
      steps.push(step);
      changes.push(change);
      if (steps.length > MEMORY) {
        steps.shift();
        changes.shift();
      }
    }
    ({ point, value, gradient } = found);
  }
  return { point, value, iterations, converged: largest(gradient) <= tolerance };
}

/** The direction -H g by the two-loop recursion. */
function descent(gradient: Float64Array, steps: readonly Float64Array[], changes: readonly Float64Array[]) {
  const direction = Float64Array.from(gradient, (g) => -g);
  const factors = new Float64Array(steps.length);
  for (let k = steps.length - 1; k >= 0; k--) {
    factors[k] = dot(steps[k]!, direction) / dot(steps[k]!, changes[k]!);
    add(direction, changes[k]!, -factors[k]!);
  }
  const last = steps.length - 1;
  if (last >= 0) {
    const scale = dot(steps[last]!, changes[last]!) / dot(changes[last]!, changes[last]!);
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  for (let k = 0; k < steps.length; k++) {
    const rest = dot(changes[k]!, direction) / dot(steps[k]!, changes[k]!);
    add(direction, steps[k]!, factors[k]! - rest);
  }
  return direction;
}

function search(
  objective: Objective,
  point: Float64Array,
  value: number,
  gradient: Float64Array,
  direction: Float64Array,
  first: number,
): { point: Float64Array<ArrayBuffer>; value: number; gradient: Float64Array<ArrayBuffer> } | undefined {
  const slope = dot(gradient, direction);
  let [low, high, step] = [0, Number.POSITIVE_INFINITY, first];
  let best: ReturnType<typeof search>;
  for (let k = 0; k < MOST_TRIES; k++) {
    const tried = Float64Array.from(point, (x, i) => x + step * direction[i]!);
    const own = new Float64Array(point.length);
    const found = objective(tried, own);
    if (!(found <= value + DECREASE * step * slope)) high = step;
    else {
      best = { point: tried, value: found, gradient: own };
      if (dot(own, direction) >= CURVATURE * slope) return best;
      low = step;
    }
    step = high === Number.POSITIVE_INFINITY ? 2 * low : (low + high) / 2;
  }
  // Where rounding hides the curvature a step that goes down is as good.
  return best;
}

function add(to: Float64Array, from: Float64Array, factor: number): void {
  for (let i = 0; i < to.length; i++) to[i]! += factor * from[i]!;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const largest = (values: Float64Array): number =>
  values.reduce((most, one) => Math.max(most, Math.abs(one)), 0);
