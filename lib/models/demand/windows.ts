import { blendWeights, fitSpread, type Spread, WEEK } from '../../engine/forecast/index.ts';
import type { DailyUnits } from './daily-units.ts';
import { memberForecasts, type Yardsticks, yardsticks } from './members.ts';

/** Days that are read at least before a window. */
const FEWEST_DAYS = 28;
const MOST_WINDOWS = 8;

/** A past window that is over, as it was forecast from its first day. */
export interface Window extends Yardsticks {
  /** What the members said, in their order. */
  readonly members: readonly Float64Array[];
  /** Place of its first day. */
  readonly start: number;
  /** Places of the items that had been sold before. */
  readonly items: Int32Array;
  /** What came, one place per item of all; of no meaning for the others. */
  readonly came: Float64Array;
}

/**
 * Places of the first days of the past windows that are over, ascending: the last one ends on the last day that is known, the others
 * lie half a horizon apart, in whole weeks (rolling origin: Tashman, "Out-of-sample tests of forecasting accuracy", International
 * Journal of Forecasting 2000).
 * @param days days that are known
 */
export function windowStarts(days: number, horizon: number): number[] {
  const step = WEEK * Math.ceil(horizon / (2 * WEEK));
  const starts: number[] = [];
  for (let start = days - horizon; start >= FEWEST_DAYS && starts.length < MOST_WINDOWS; start -= step) {
    starts.unshift(start);
  }
  return starts;
}

/** Forecasts as of the first day of a past window, beside what came. */
export function pastWindow(daily: DailyUnits, start: number, horizon: number): Window {
  const { rows, since } = daily;
  const items = Int32Array.from(rows, (_, row) => row).filter((row) => since[row]! < start);
  const came = Float64Array.from(rows, (values) => {
    let sum = 0;
    for (let t = start; t < start + horizon; t++) sum += values[t]!;
    return sum;
  });
  return {
    ...{ start, items, came },
    members: memberForecasts(daily, start, horizon),
    ...yardsticks(daily, start, horizon),
  };
}

/** Weights by what the members did in some windows, all items of all windows together. */
export function weightsOf(windows: readonly Window[], members: number): Float64Array {
  return blendWeights(
    Array.from({ length: members }, (_, m) => together(windows, ({ members: said }) => said[m]!)),
    together(windows, ({ came }) => came),
  );
}

/** What was forecast and came in some windows, each by weights that knew nothing of it. */
export interface BlendedWindow {
  readonly window: Window;
  /** One place per item of all. */
  readonly units: Float64Array;
}

/**
 * Blends each window by weights from those windows that were over when it began; the first ones, which have none, are passed over
 * where others have.
 */
export function blendedWindows(windows: readonly Window[], horizon: number): BlendedWindow[] {
  const members = windows[0]?.members.length ?? 0;
  const blended = windows.map((window) => {
    const before = windows.filter(({ start }) => start + horizon <= window.start);
    const weights =
      before.length > 0 ? weightsOf(before, members) : new Float64Array(members).fill(1 / members);
    return { window, units: blend(window.members, weights), learnt: before.length > 0 };
  });
  return blended.some(({ learnt }) => learnt) ? blended.filter(({ learnt }) => learnt) : blended;
}

/** The weighted mean of what the members say. */
export function blend(members: readonly Float64Array[], weights: ArrayLike<number>): Float64Array {
  return members[0]!.map((_, item) => {
    let sum = 0;
    for (let m = 0; m < members.length; m++) if (weights[m]! > 0) sum += weights[m]! * members[m]![item]!;
    return sum;
  });
}

/** How far the blend was off in some windows. */
export function spreadOf(blended: readonly BlendedWindow[]): Spread {
  const ofAll = (values: (one: BlendedWindow) => Float64Array) =>
    Float64Array.from(
      blended.flatMap((one) => {
        const own = values(one);
        return Array.from(one.window.items, (item) => own[item]!);
      }),
    );
  return fitSpread(
    ofAll(({ units }) => units),
    ofAll(({ window }) => window.came),
  );
}

function together(windows: readonly Window[], of: (window: Window) => Float64Array): Float64Array {
  const lengths = windows.reduce((sum, { items }) => sum + items.length, 0);
  const all = new Float64Array(lengths);
  let at = 0;
  for (const window of windows) {
    const values = of(window);
    for (const item of window.items) all[at++] = values[item]!;
  }
  return all;
}
