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
  /** Of ln(1 + t / first) and 1 / (first + t). */
  logFirst: number;
  inverseFirst: number;
  /** Of ln(1 + t / second) and 1 / (second + t). */
  logSecond: number;
  inverseSecond: number;
}

/**
 * ln of the integral of (1 + t / first)^-k (1 + t / second)^-l over t in [0, length]; -Infinity at a length of 0. `first`,
 * `second` and k + l are above 0, k and l at least 0.
 *
 * The papers on Pareto/NBD have it as a difference of two 2F1 (by DLMF 15.6.1), one pair where alpha >= beta and another where
 * it is not. Both lose digits where the difference is small, and converge slowly where alpha and beta are of different size.
 * Here it is a sum of positive terms instead, which also has the derivatives: in v = ln(1 + t / near), near being the smaller
 * of first and second, the integrand's logarithm is concave with slopes between 1 and 1 - k - l, so panels are as wide as the
 * slope allows, and those after which nothing is left are not looked at.
 * @param means is written to
 */
export function logPowerIntegral(
  { first, k, second, l }: { first: number; k: number; second: number; l: number },
  length: number,
  means?: PowerMeans,
): number {
  if (!(length > 0)) return Number.NEGATIVE_INFINITY;
  const [near, nearPower, farPower] = first <= second ? [first, k, l] : [second, l, k];
  const far = Math.max(first, second);
  const end = Math.log1p(length / near);
  const slopeAt = (v: number): number => {
    const y = near * Math.exp(v);
    return 1 - nearPower - farPower * (y / (y + far - near));
  };
  const logAt = (v: number): number =>
    (1 - nearPower) * v - farPower * Math.log1p((near * Math.expm1(v)) / far);
  const atTop = logAt(peak(nearPower, farPower, far / near - 1, end));
  let [sum, logNear, inverseNear, logFar, inverseFar] = [0, 0, 0, 0, 0];
  for (let v = 0; v < end; ) {
    let width = Math.min(end - v, WIDEST, CHANGE / Math.abs(slopeAt(v)));
    width = Math.min(width, CHANGE / Math.abs(slopeAt(v + width)));
    const half = width / 2;
    for (let i = 0; i < RULE.at.length; i++) {
      const own = v + half * (1 + RULE.at[i]!);
      const t = near * Math.expm1(own);
      const ofFar = Math.log1p(t / far);
      const term = half * RULE.weight[i]! * Math.exp((1 - nearPower) * own - farPower * ofFar - atTop);
      sum += term;
      logNear += term * own;
      inverseNear += term / (near + t);
      logFar += term * ofFar;
      inverseFar += term / (far + t);
    }
    v += width;
    const after = slopeAt(v);
    if (after < 0 && Math.exp(logAt(v) - atTop) <= NEGLIGIBLE * sum * -after) break;
  }
  if (means) {
    const isNear = first <= second;
    means.logFirst = (isNear ? logNear : logFar) / sum;
    means.logSecond = (isNear ? logFar : logNear) / sum;
    means.inverseFirst = (isNear ? inverseNear : inverseFar) / sum;
    means.inverseSecond = (isNear ? inverseFar : inverseNear) / sum;
  }
  return Math.log(sum) + atTop + Math.log(near);
}

/** Where the integrand in v is largest, within [0, end]. @param apart far / near - 1 */
function peak(nearPower: number, farPower: number, apart: number, end: number): number {
  if (nearPower >= 1) return 0;
  const over = nearPower + farPower - 1;
  if (over <= 0) return end;
  return Math.min(end, Math.max(0, Math.log(((1 - nearPower) * apart) / over)));
}
