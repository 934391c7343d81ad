/** From here on the asymptotic series below are exact to float64. */
const FAR = 10;

/** ln Γ(x) - ((x - 1/2) ln x - x + ln(2π) / 2) for x from FAR: Stirling's series (DLMF 5.11.1). */
function stirlingRest(x: number): number {
  const y = 1 / (x * x);
  return (
    (1 / 12 -
      y *
        (1 / 360 - y * (1 / 1260 - y * (1 / 1680 - y * (1 / 1188 - y * (691 / 360_360 - y * (1 / 156))))))) /
    x
  );
}

/** The logarithm of the gamma function, x > 0; to about 1e-14. */
export function logGamma(x: number): number {
  let product = 1;
  let far = x;
  for (; far < FAR; far++) product *= far;
  return (
    (far - 0.5) * Math.log(far) - far + Math.log(2 * Math.PI) / 2 + stirlingRest(far) - Math.log(product)
  );
}

/** ln Γ(x + by) - ln Γ(x) for x > 0 and by >= 0, without the difference of two large numbers where x is large. */
export function logGammaRatio(x: number, by: number): number {
  if (x < FAR) return logGamma(x + by) - logGamma(x);
  return (
    (x + by - 0.5) * Math.log1p(by / x) + by * (Math.log(x) - 1) + stirlingRest(x + by) - stirlingRest(x)
  );
}

/** The derivative of ln Γ, x > 0 (DLMF 5.11.2, after the recurrence 5.5.2). */
export function digamma(x: number): number {
  let sum = 0;
  let far = x;
  for (; far < FAR; far++) sum += 1 / far;
  const y = 1 / (far * far);
  const series =
    y *
    (1 / 12 -
      y * (1 / 120 - y * (1 / 252 - y * (1 / 240 - y * (1 / 132 - y * (691 / 32_760 - y * (1 / 12)))))));
  return Math.log(far) - 0.5 / far - series - sum;
}
