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

/** Logarithms and signs of the generalised binomial coefficients (n over 0), (n over 1), … for real n. */
export function* logBinomials(n: number): Generator<{ log: number; sign: number }, never> {
  let log = 0;
  let sign = 1;
  for (let k = 0; ; k++) {
    yield { log, sign };
    const factor = (n - k) / (k + 1);
    if (factor < 0) sign = -sign;
    log += Math.log(Math.abs(factor));
  }
}

/**
 * Logarithm of the complementary error function, to about 1e-15 of erfc, also where erfc itself is below all doubles: the
 * power series of erf below 2, the continued fraction above (Abramowitz & Stegun 7.1.5 and 7.1.14).
 */
export function logErfc(x: number): number {
  if (x < 0) return Math.log(2 - Math.exp(logErfc(-x)));
  if (x < 2) return Math.log(1 - erfSeries(x));
  let fraction = 0;
  for (let k = 120; k > 0; k--) fraction = k / 2 / (x + fraction);
  return -x * x - Math.log(Math.PI) / 2 - Math.log(x + fraction);
}

function erfSeries(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
