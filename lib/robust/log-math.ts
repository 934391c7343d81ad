/** log(e^a + e^b). */
export function logAdd(a: number, b: number): number {
  const [low, high] = a < b ? [a, b] : [b, a];
  return low === Number.NEGATIVE_INFINITY ? high : high + Math.log1p(Math.exp(low - high));
}

/** log(e^a - e^b); -∞ where rounding leaves nothing of it. */
export function logSubtract(a: number, b: number): number {
  if (b === Number.NEGATIVE_INFINITY) return a;
  return a > b ? a + Math.log(-Math.expm1(b - a)) : Number.NEGATIVE_INFINITY;
}

/** Logarithm and sign of the generalised binomial coefficient (n over k) for real n and whole k. */
export function logBinomial(n: number, k: number): { log: number; sign: number } {
  let log = 0;
  let sign = 1;
  for (let i = 0; i < k; i++) {
    const factor = (n - i) / (i + 1);
    if (factor === 0) return { log: Number.NEGATIVE_INFINITY, sign: 1 };
    if (factor < 0) sign = -sign;
    log += Math.log(Math.abs(factor));
  }
  return { log, sign };
}

/**
 * The complementary error function to about 1e-15 relative: the power series of erf below 2, the continued fraction
 * above (Abramowitz & Stegun 7.1.5 and 7.1.14).
 */
export function erfc(x: number): number {
  if (x < 0) return 2 - erfc(-x);
  if (x < 2) return 1 - erfSeries(x);
  let fraction = 0;
  for (let k = 120; k > 0; k--) fraction = k / 2 / (x + fraction);
  return Math.exp(-x * x) / Math.sqrt(Math.PI) / (x + fraction);
}

function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
    if (n > 200) break;
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
