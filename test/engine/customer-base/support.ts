import type { BgNbdParameters, ParetoNbdParameters } from '../../../lib/engine/customer-base/index.ts';
import { createRng, type Rng } from '../../../lib/engine/host/index.ts';

/** Gamma(shape, 1): Marsaglia and Tsang (2000), with their step for shapes below 1. */
export function gamma(rng: Rng, shape: number): number {
  if (shape < 1) return gamma(rng, shape + 1) * rng.uniform() ** (1 / shape);
  const d = shape - 1 / 3;
  for (;;) {
    const normal = rng.normal();
    const v = (1 + normal / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - rng.uniform()) < (normal * normal) / 2 + d - d * v + d * Math.log(v))
      return d * v;
  }
}

/** Customers as the model has them: histories up to an age, and how many transactions come within the horizon after it. */
export function simulate(customers: number, parameters: BgNbdParameters, horizon: number, seed: number) {
  const { r, alpha, a, b } = parameters;
  const rng = createRng(seed);
  const [frequency, later] = [new Int32Array(customers), new Int32Array(customers)];
  const [recency, age, alive] = [0, 1, 2].map(() => new Float64Array(customers)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < customers; i++) {
    const rate = gamma(rng, r) / alpha;
    const [stay, leave] = [gamma(rng, b), gamma(rng, a)];
    age[i] = 20 + 20 * rng.uniform();
    alive[i] = 1;
    for (let now = 0; ; ) {
      now -= Math.log(1 - rng.uniform()) / rate;
      if (now > age[i]! + horizon) break;
      if (now <= age[i]!) {
        frequency[i]! += 1;
        recency[i] = now;
      } else later[i]! += 1;
      if (rng.uniform() >= leave / (stay + leave)) continue;
      if (now <= age[i]!) alive[i] = 0;
      break;
    }
  }
  return { frequency, recency, age, later, alive };
}

/** The same by Pareto/NBD. */
export function simulatePareto(
  customers: number,
  { r, alpha, s, beta }: ParetoNbdParameters,
  horizon: number,
  seed: number,
) {
  const rng = createRng(seed);
  const exponential = (rate: number) => -Math.log(1 - rng.uniform()) / rate;
  const [frequency, later] = [new Int32Array(customers), new Int32Array(customers)];
  const [recency, age, alive] = [0, 1, 2].map(() => new Float64Array(customers)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let i = 0; i < customers; i++) {
    const rate = gamma(rng, r) / alpha;
    const leaves = exponential(gamma(rng, s) / beta);
    age[i] = 20 + 20 * rng.uniform();
    alive[i] = Number(leaves > age[i]!);
    for (let now = exponential(rate); now <= Math.min(leaves, age[i]! + horizon); now += exponential(rate)) {
      if (now <= age[i]!) {
        frequency[i]! += 1;
        recency[i] = now;
      } else later[i]! += 1;
    }
  }
  return { frequency, recency, age, later, alive };
}
