import { logGamma } from '../host/index.ts';

/**
 * Tails of the normal, Student's and the chi-square distribution, from the incomplete gamma and beta functions. Continued
 * fractions and series as in the NIST Digital Library of Mathematical Functions. Relative errors are about 1e-12; with millions of
 * degrees of freedom 1e-8, as logarithms of gamma functions are then large and nearly equal.
 */

const EPSILON = 2 ** -52;
/** Stands for a denominator of zero in Lentz's method. */
const TINY = 1e-300;
const MOST_TERMS = 10_000;

/** Q(a, x), the regularised upper incomplete gamma function, a > 0 and x >= 0 (DLMF 8.2.4, 8.7.1, 8.9.2). */
function gammaTail(a: number, x: number): number {
  if (x <= 0) return 1;
  if (x === Number.POSITIVE_INFINITY) return 0;
  const scale = Math.exp(a * Math.log(x) - x - logGamma(a));
  if (x < a + 1) {
    let term = 1 / a;
    let sum = term;
    for (let n = 1; n < MOST_TERMS && term > sum * EPSILON; n++) sum += term *= x / (a + n);
    return 1 - scale * sum;
  }
  let b = x + 1 - a;
  let c = 1 / TINY;
  let d = 1 / b;
  let h = d;
  for (let n = 1; n < MOST_TERMS; n++) {
    const factor = -n * (n - a);
    b += 2;
    d = 1 / (factor * d + b || TINY);
    c = b + factor / c || TINY;
    h *= d * c;
    if (Math.abs(d * c - 1) < EPSILON) break;
  }
  return scale * h;
}

/** I_x(a, b), the regularised incomplete beta function, by its continued fraction (DLMF 8.17.22). */
function betaShare(a: number, b: number, x: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges quickly on this side; the other one is its mirror.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaShare(b, a, 1 - x);
  const scale = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x));
  let c = 1;
  let d = 1 / (1 - ((a + b) * x) / (a + 1) || TINY);
  let h = d;
  const step = (factor: number): number => {
    d = 1 / (1 + factor * d || TINY);
    c = 1 + factor / c || TINY;
    h *= d * c;
    return d * c;
  };
  for (let m = 1; m < MOST_TERMS; m++) {
    step((m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m)));
    const change = step((-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1)));
    if (Math.abs(change - 1) < EPSILON) break;
  }
  return (scale * h) / a;
}

/** P(|Z| > |z|) of a standard normal Z. */
export const normalTails = (z: number): number => gammaTail(0.5, (z * z) / 2);

/** P(|T| > |t|) of Student's T. @param df degrees of freedom > 0, whole or not; infinite for a normal distribution */
export function studentTails(t: number, df: number): number {
  if (df === Number.POSITIVE_INFINITY) return normalTails(t);
  return betaShare(df / 2, 0.5, df / (df + t * t));
}

/** P(X > x) of a chi-square X. @param df degrees of freedom >= 1 */
export const chiSquareTail = (x: number, df: number): number => gammaTail(df / 2, x / 2);

/**
 * How far an interval of this level reaches on both sides, in standard errors.
 * @param level in (0, 1), such as 0.95
 * @param df of Student's distribution; default: the normal one
 */
export function reach(level: number, df = Number.POSITIVE_INFINITY): number {
  let low = 0;
  let high = 1;
  while (studentTails(high, df) > 1 - level) high *= 2;
  for (let middle = high / 2; low < middle && middle < high; middle = (low + high) / 2) {
    if (studentTails(middle, df) > 1 - level) low = middle;
    else high = middle;
  }
  return high;
}
