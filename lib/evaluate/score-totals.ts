import { REACH_SHARES } from '../engine/metrics/index.ts';
import { listedNames, type ShardScores, type TaskForecasts } from '../models/index.ts';
import type { ReachRow } from '../report/index.ts';
import { overUsers, type RunManifest, scoreKeys } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { decodeScores } from '../score/index.ts';
import { EntryReasonCounts } from './entry-reasons.ts';

/** Probabilities of a task, counted by value: memory does not grow with the number of users. */
export class Probabilities {
  /** Rows and the sum of their probabilities, by thousandths. */
  readonly #rows = new Float64Array(FINE);
  readonly #sums = new Float64Array(FINE);
  count = 0;

  add(p: number): void {
    const bin = Math.min(FINE - 1, Math.floor(p * FINE));
    this.#rows[bin]! += 1;
    this.#sums[bin]! += p;
    this.count++;
  }

  histogram(): { from: number; to: number; n: number }[] {
    const each = FINE / COARSE;
    return Array.from({ length: COARSE }, (_, i) => ({
      from: i / COARSE,
      to: (i + 1) / COARSE,
      n: this.#rows.subarray(i * each, (i + 1) * each).reduce((sum, n) => sum + n, 0),
    }));
  }

  /** How many of the highest are positive if the probabilities are right; of a bin at the edge, its mean. */
  expected(): ReachRow[] {
    return REACH_SHARES.map((share) => {
      const n = Math.ceil(share * this.count);
      let left = n;
      let positives = 0;
      for (let bin = FINE - 1; bin >= 0 && left > 0; bin--) {
        const rows = this.#rows[bin]!;
        if (rows === 0) continue;
        const taken = Math.min(rows, left);
        positives += (this.#sums[bin]! * taken) / rows;
        left -= taken;
      }
      return { share, n, positives };
    });
  }
}

const FINE = 1000;
const COARSE = 20;

/** What is read off all score files of a run in one pass. */
export interface ScoreTotals {
  /** Users, rows of labelled tables, and items. */
  rows: number;
  users: number;
  /** Users whom no task asks: they have neither a score nor a list. */
  unasked: number;
  readonly probabilities: ReadonlyMap<string, Probabilities>;
  /** Per value task how many users have a value, and the sum of them. */
  readonly amounts: ReadonlyMap<string, { users: number; sum: number }>;
  /** Per uplift task how many users or rows have one, how many of them are persuadable, and the sum of their uplifts. */
  readonly uplifts: ReadonlyMap<string, UpliftTotals>;
  /** Per list task how many users have a list, and in how many of them an item stands. */
  readonly listed: ReadonlyMap<string, ListedTotals>;
  /** Per task over a labelled table that tells more than yes or no, how many rows it scored. */
  readonly labelled: ReadonlyMap<string, number>;
  /** By task over items. */
  readonly forecasts: ReadonlyMap<string, ForecastTotals>;
}

interface ListedTotals {
  users: number;
  readonly items: Map<string, number>;
  /** Why entries stand there, where lists say so. */
  readonly reasons: EntryReasonCounts;
}

export interface UpliftTotals {
  users: number;
  sum: number;
  chosen: number;
  chosenSum: number;
}

interface ForecastTotals {
  readonly items: number;
  /** Units of all items together. */
  readonly units: number;
  /** Items whose stock is known, and those of them that are more likely than not to be out of stock before the window ends. */
  readonly inStock: number;
  readonly short: number;
  /** Those of which most is expected. */
  readonly top: readonly (Readonly<Record<keyof TaskForecasts, number>> & { readonly item: string })[];
}

/** Items of a forecast that the page shows at most. */
const MOST_FORECAST = 20;
/** From this chance on an item is likely to run out. */
const LIKELY = 0.5;

function forecastTotals(items: readonly string[], forecast: TaskForecasts): ForecastTotals {
  const { units, low, high, stockout } = forecast;
  const told = items.map((_, i) => i).filter((i) => !Number.isNaN(units[i]!));
  const known = told.filter((i) => !Number.isNaN(stockout[i]!));
  const top = [...told].sort((a, b) => units[b]! - units[a]! || a - b).slice(0, MOST_FORECAST);
  return {
    items: told.length,
    units: told.reduce((sum, i) => sum + units[i]!, 0),
    inStock: known.length,
    short: known.filter((i) => stockout[i]! > LIKELY).length,
    top: top.map((i) => ({
      ...{ item: items[i]!, units: units[i]!, low: low[i]!, high: high[i]!, stockout: stockout[i]! },
    })),
  };
}

/**
 * Reads the scores of the groups that have a model.
 * @param versions by task group
 */
export async function readTotals(
  store: ObjectStore,
  runId: string,
  { groups, shards, config }: RunManifest,
  versions: Readonly<Record<string, string>>,
): Promise<ScoreTotals> {
  const probabilities = new Map<string, Probabilities>();
  const amounts = new Map<string, { users: number; sum: number }>();
  const uplifts = new Map<string, UpliftTotals>();
  const listed = new Map<string, ListedTotals>();
  const forecasts = new Map<string, ForecastTotals>();
  const labelled = new Map<string, number>();
  let rows = 0;
  let users = 0;
  let unasked = 0;
  const addUsers = (scores: ShardScores) => {
    users += scores.users.length;
    const tasks = Object.values(scores.tasks);
    const lists = Object.values(scores.lists);
    const values = Object.values(scores.values);
    const effects = Object.values(scores.uplifts ?? {});
    scores.users.forEach((_, row) => {
      const scored =
        tasks.some(({ probability }) => !Number.isNaN(probability[row]!)) ||
        values.some(({ value }) => !Number.isNaN(value[row]!)) ||
        effects.some(({ uplift }) => !Number.isNaN(uplift[row]!));
      if (!scored && !lists.some((list) => list[row] !== null)) unasked++;
    });
    add(scores);
  };
  const add = (scores: ShardScores) => {
    rows += scores.users.length;
    for (const [task, { probability }] of Object.entries(scores.tasks)) {
      let own = probabilities.get(task);
      if (!own) probabilities.set(task, (own = new Probabilities()));
      for (const p of probability) if (!Number.isNaN(p)) own.add(p);
    }
    for (const [task, { value }] of Object.entries(scores.values)) {
      let own = amounts.get(task);
      if (!own) amounts.set(task, (own = { users: 0, sum: 0 }));
      for (const one of value) {
        if (Number.isNaN(one)) continue;
        own.users++;
        own.sum += one;
      }
    }
    for (const [task, { uplift }] of Object.entries(scores.uplifts ?? {})) {
      const settings = config.tasks[task];
      const least = settings?.kind === 'uplift' ? settings.least : 0;
      let own = uplifts.get(task);
      if (!own) uplifts.set(task, (own = { users: 0, sum: 0, chosen: 0, chosenSum: 0 }));
      for (const one of uplift) {
        if (Number.isNaN(one)) continue;
        own.users++;
        own.sum += one;
        if (!(one > least)) continue;
        own.chosen++;
        own.chosenSum += one;
      }
    }
    for (const [task, forecast] of Object.entries(scores.forecasts ?? {})) {
      forecasts.set(task, forecastTotals(scores.users, forecast));
    }
    for (const task of Object.keys({ ...scores.classes, ...scores.numbers })) {
      labelled.set(task, scores.users.length);
    }
    for (const [task, lists] of Object.entries(scores.lists)) {
      let own = listed.get(task);
      if (!own) listed.set(task, (own = { users: 0, items: new Map(), reasons: new EntryReasonCounts() }));
      for (const reasons of scores.listReasons?.[task] ?? []) own.reasons.add(reasons);
      for (const list of lists) {
        const names = listedNames(list);
        if (names.length > 0) own.users++;
        for (const name of names) own.items.set(name, (own.items.get(name) ?? 0) + 1);
      }
    }
  };
  const served = groups.filter(({ name }) => versions[name]);
  const read = async (some: typeof groups, take: (scores: ShardScores) => void) => {
    for (const key of scoreKeys(runId, some, shards))
      take(decodeScores(await (await store.get(key)).bytes(), key));
  };
  await read(served.filter(overUsers), addUsers);
  await read(
    served.filter((group) => !overUsers(group)),
    add,
  );
  return { rows, users, unasked, probabilities, amounts, uplifts, listed, labelled, forecasts };
}
