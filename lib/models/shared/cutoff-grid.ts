import type { Config } from '../../config/index.ts';

/** A cut-off needs this much history before it to tell users apart. */
export const MIN_HISTORY_DAYS = 14;
/** A span of days is cut at least so often. */
const FEWEST_CUTOFFS = 6;

/**
 * Training cut-offs: every so many days back from the as-of day, ascending, with some history before each. A log of few
 * days has both shortened, so that it has a handful of cut-offs all the same.
 * @param first shop day on which the history begins
 */
export function cutoffGrid(config: Config, first: number, asOf: number): number[] {
  const { cutoffEveryDays, maxCutoffs } = config.training;
  const span = asOf - first;
  const step = Math.min(cutoffEveryDays, Math.max(1, Math.floor(span / FEWEST_CUTOFFS)));
  const history = Math.min(MIN_HISTORY_DAYS, Math.max(1, Math.floor(span / 3)));
  const grid: number[] = [];
  for (let c = asOf - step; c >= first + history && grid.length < maxCutoffs; c -= step) grid.push(c);
  return grid.reverse();
}
