/** Share of users whose outcome is to lie within its interval. */
const COVERAGE = 0.8;

/** What a user's window may come to: nothing, or an amount whose logarithm is normal. */
export interface Prospect {
  /** Chance that it comes to anything. */
  readonly chance: number;
  /** What it comes to in the mean, nothing counted in. */
  readonly value: number;
}

/** How wide intervals are. */
export interface IntervalShape {
  /** Standard deviation of the logarithm of an amount. It goes with the level: a fit on more rows has another one. */
  readonly spread: number;
  readonly level: number;
}

/**
 * The interval that holds a share `level` of what may come: from 0 where nothing has at least the share that is left out below,
 * (1 - level) / 2, and between two quantiles otherwise. With a large chance of nothing it is [0, 0], and holds more.
 */
export function intervalOf(
  { chance, value }: Prospect,
  { spread, level }: IntervalShape,
): [low: number, high: number] {
  if (!(chance > 0) || !(value > 0)) return [0, 0];
  const nothing = 1 - chance;
  const middle = Math.log(value / chance) - spread ** 2 / 2;
  const quantile = (q: number) =>
    q <= nothing ? 0 : Math.exp(middle + spread * normalQuantile((q - nothing) / chance));
  const below = (1 - level) / 2;
  return nothing >= below ? [0, quantile(level)] : [quantile(below), quantile(1 - below)];
}

const LEVELS = [...Array.from({ length: 50 }, (_, i) => (50 + i) / 100), 0.995, 0.999];

/**
 * The level whose intervals held a share of `COVERAGE` on rows that the fit had not seen: what is said to be 80 % then is, as far as
 * those days tell (conformal calibration by the predicted distribution: Chernozhukov, Wüthrich, Zhu 2021). The nearest one, and
 * of equal ones the lowest.
 */
export function chooseLevel(
  prospects: readonly Prospect[],
  truth: ArrayLike<number>,
  spread: number,
): number {
  let best = COVERAGE;
  let off = Number.POSITIVE_INFINITY;
  for (const level of LEVELS) {
    let held = 0;
    prospects.forEach((one, i) => {
      const [low, high] = intervalOf(one, { spread, level });
      if (truth[i]! >= low && truth[i]! <= high) held++;
    });
    const gap = Math.abs(held / prospects.length - COVERAGE);
    if (gap < off - 1e-12) [best, off] = [level, gap];
  }
  return best;
}

/** The quantile of the standard normal distribution to seven digits (Wichura 1988, algorithm AS 241, PPND7). */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    const above = ((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179;
    return (q * above) / (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1);
  }
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const tail =
    r <= 5
      ? (((0.17023821103 * (r - 1.6) + 1.3067284816) * (r - 1.6) + 2.75681539) * (r - 1.6) + 1.4234372777) /
        ((0.12021132975 * (r - 1.6) + 0.7370016425) * (r - 1.6) + 1)
      : (((0.017337203997 * (r - 5) + 0.42868294337) * (r - 5) + 3.081226386) * (r - 5) + 6.657905115) /
        ((0.012258202635 * (r - 5) + 0.24197894225) * (r - 5) + 1);
  return q < 0 ? -tail : tail;
}
