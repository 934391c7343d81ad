/** Points and weights of Gauss and Legendre's rule on [-1, 1] (DLMF 3.5.19), by Newton's method on the polynomial. */
function gaussLegendre(points: number): { at: Float64Array; weight: Float64Array } {
  const [at, weight] = [new Float64Array(points), new Float64Array(points)];
  for (let i = 0; i < points; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (points + 0.5));
    let slope = 1;
    for (let step = 0; step < 8; step++) {
      let [before, value] = [1, x];
      for (let n = 2; n <= points; n++)
        [before, value] = [value, ((2 * n - 1) * x * value - (n - 1) * before) / n];
      slope = (points * (x * value - before)) / (x * x - 1);
      x -= value / slope;
    }
    at[i] = x;
    weight[i] = 2 / ((1 - x * x) * slope * slope);
  }
  return { at, weight };
}

const RULE = gaussLegendre(12);
/** A panel's integrand changes by a factor of e^4 at most and its variable by 2: the rule is exact to float64 there. */
const CHANGE = 4;
const WIDEST = 2;
/** What is left of the integral is left out where it is less than this share of what there is. */
const NEGLIGIBLE = 1e-18;

/** Means over t, weighted by the integrand. */
export interface PowerMeans {
  /** Of ln(first + t) and 1 / (first + t). */
  logFirst: number;
  inverseFirst: number;
  /** Of ln(second + t) and 1 / (second + t). */
  logSecond: number;
  inverseSecond: number;
}

/**
 * ln of the integral of (first + t)^-k (second + t)^-l over t in [from, to]; -Infinity where from = to. All is above 0, but for
 * `from` and `k` or `l`, which may be 0.
 *
 * The Pareto/NBD model has it as a difference of two 2F1 (by DLMF 15.6.1), one pair where alpha >= beta and another where it
 * is not. Both lose digits where the difference is small, and converge slowly where alpha and beta are of different size.
 * Here it is a sum of positive terms instead, which also has the derivatives: in u = ln(t + the smaller of first and second)
 * the integrand's logarithm is concave with slopes between 1 and 1 - k - l, so panels are as wide as the slope allows, and
 * those after which nothing is left are not looked at.
 * @param means is written to
 */
export function logPowerIntegral(
  { first, k, second, l }: { first: number; k: number; second: number; l: number },
  from: number,
  to: number,
  means?: PowerMeans,
): number {
  if (!(to > from)) return Number.NEGATIVE_INFINITY;
  const [near, nearPower, farPower] = first <= second ? [first, k, l] : [second, l, k];
  const apart = Math.abs(first - second);
  const start = near + from;
  const logStart = Math.log(start);
  const end = Math.log1p((to - from) / start);
  /** By v = u - ln(start), y = start e^v = near + t. */
  const slopeAt = (v: number): number => {
    const y = start * Math.exp(v);
    return 1 - nearPower - farPower * (y / (y + apart));
  };
  const top = peak(nearPower, farPower, apart, start, end);
  const atTop = (1 - nearPower) * top - farPower * Math.log(start * Math.exp(top) + apart);
  let [sum, logNear, inverseNear, logFar, inverseFar] = [0, 0, 0, 0, 0];
  for (let v = 0; v < end; ) {
    const slope = slopeAt(v);
    let width = Math.min(end - v, WIDEST, CHANGE / Math.abs(slope));
    width = Math.min(width, CHANGE / Math.abs(slopeAt(v + width)));
    const half = width / 2;
    for (let i = 0; i < RULE.at.length; i++) {
      const own = v + half * (1 + RULE.at[i]!);
      const y = start * Math.exp(own);
      const logOther = Math.log(y + apart);
      const height = Math.exp((1 - nearPower) * own - farPower * logOther - atTop);
      const term = half * RULE.weight[i]! * height;
      sum += term;
      logNear += term * own;
      inverseNear += term / y;
      logFar += term * logOther;
      inverseFar += term / (y + apart);
    }
    v += width;
    if (v >= end) break;
    const after = slopeAt(v);
    const left = Math.exp((1 - nearPower) * v - farPower * Math.log(start * Math.exp(v) + apart) - atTop);
    if (after < 0 && left <= NEGLIGIBLE * sum * -after) break;
  }
  if (means) {
    const [ofNear, ofFar] = [logStart + logNear / sum, logFar / sum];
    const isNear = first <= second;
    means.logFirst = isNear ? ofNear : ofFar;
    means.logSecond = isNear ? ofFar : ofNear;
    means.inverseFirst = (isNear ? inverseNear : inverseFar) / sum;
    means.inverseSecond = (isNear ? inverseFar : inverseNear) / sum;
  }
  return Math.log(sum) + atTop + (1 - nearPower) * logStart;
}

/** Where the integrand in v is largest, within [0, end]. */
function peak(nearPower: number, farPower: number, apart: number, start: number, end: number): number {
  if (nearPower >= 1) return 0;
  const over = nearPower + farPower - 1;
  if (over <= 0) return end;
  return Math.min(end, Math.max(0, Math.log(((1 - nearPower) * apart) / over / start)));
}
