import { ForecastError } from './errors.ts';

/** How far what came lay from what was forecast, for forecasts of one size. */
export interface SpreadClass {
  /** Forecasts below this many units are of the class, as far as they are of none before it; null for the last class. */
  readonly below: number | null;
  /** Errors that the quantiles are of. */
  readonly n: number;
  /** Quantiles of (came + 1) / (forecast + 1) at 0, 1/100, … 1, ascending. */
  readonly ratios: readonly number[];
}

/** Classes by size of forecast, ascending. */
export type Spread = readonly SpreadClass[];

const STEPS = 100;
/** Errors that a class has at least, where there is more than one. */
const FEWEST = 100;
const MOST_CLASSES = 5;

/**
 * What came by what was forecast, by size of the forecast: large ones are nearer to the truth than small ones. One unit is added
 * to both, so that forecasts near 0 have a ratio, too. Classes are of equal numbers.
 * @throws ForecastError where there is nothing to learn from
 */
export function fitSpread(forecast: Float64Array, came: Float64Array): Spread {
  if (forecast.length === 0 || forecast.length !== came.length) {
    throw new ForecastError(
      `${forecast.length} forecasts and ${came.length} outcomes: expected as many of both, and one at least`,
    );
  }
  const order = Uint32Array.from(forecast, (_, i) => i).sort((a, b) => forecast[a]! - forecast[b]! || a - b);
  const classes = Math.max(1, Math.min(MOST_CLASSES, Math.floor(order.length / FEWEST)));
  const spread: SpreadClass[] = [];
  let start = 0;
  for (let c = 0; c < classes && start < order.length; c++) {
    let end = c === classes - 1 ? order.length : Math.round(((c + 1) * order.length) / classes);
    // Equal forecasts are of one class.
    while (end < order.length && forecast[order[end]!] === forecast[order[end - 1]!]) end++;
    if (end <= start) continue;
    const ratios = Float64Array.from(order.subarray(start, end), (i) => (came[i]! + 1) / (forecast[i]! + 1));
    ratios.sort();
    spread.push({
      below: end < order.length ? forecast[order[end]!]! : null,
      n: ratios.length,
      ratios: Array.from({ length: STEPS + 1 }, (_, s) => quantile(ratios, s / STEPS)),
    });
    start = end;
  }
  return spread;
}

/** The value at a share of sorted values, on a line between two of them. */
function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  const rest = at - low;
  return rest === 0 ? sorted[low]! : sorted[low]! + rest * (sorted[low + 1]! - sorted[low]!);
}

const classOf = (spread: Spread, forecast: number): SpreadClass =>
  spread.find(({ below }) => below === null || forecast < below) ?? spread[spread.length - 1]!;

/**
 * The interval that holds what comes with the chance `share`, if errors are as they were (split conformal prediction with ratios
 * as scores, a tail at each side: Vovk, Gammerman, Shafer, Algorithmic Learning in a Random World, 2005, section 2.2; each tail
 * is taken at the rank (n + 1) q, which makes up for there being only n errors).
 * @param share above 0 and below 1
 */
export function intervalOf(spread: Spread, forecast: number, share: number): { low: number; high: number } {
  const { n, ratios } = classOf(spread, forecast);
  const tail = (1 - share) / 2;
  const rank = (q: number) => Math.min(1, Math.max(0, ((n + 1) * q - 1) / Math.max(1, n - 1)));
  const at = (q: number) => Math.max(0, quantile(ratios, rank(q)) * (forecast + 1) - 1);
  return { low: at(tail), high: at(1 - tail) };
}

/**
 * The chance that more than `units` come, by the same errors: the share of ratios that lie above. Never 0 or 1: n errors say
 * nothing of what is rarer than one in n + 1.
 */
export function chanceOfMore(spread: Spread, forecast: number, units: number): number {
  const { n, ratios } = classOf(spread, forecast);
  const ratio = (units + 1) / (forecast + 1);
  const floor = 1 / (n + 1);
  return Math.min(1 - floor, Math.max(floor, 1 - shareUpTo(ratios, ratio)));
}

/** The share of values up to one, on a line between two quantiles. */
function shareUpTo(ratios: readonly number[], ratio: number): number {
  const steps = ratios.length - 1;
  if (ratio < ratios[0]!) return 0;
  // The last quantile that is not above: where several are equal, all of their share lies at that value.
  let last = 0;
  while (last < steps && ratios[last + 1]! <= ratio) last++;
  if (last === steps) return 1;
  const [low, high] = [ratios[last]!, ratios[last + 1]!];
  return (last + (ratio - low) / (high - low)) / steps;
}
