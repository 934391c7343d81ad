import { formatDay } from '../data/index.ts';
import { createRng } from '../engine/host/index.ts';
import { assessLists, type Interval, pairedBootstrap, recallOf } from '../engine/metrics/index.ts';
import type { ListTrials } from '../models/index.ts';

/** One model of lists in a comparison, over all the days it was tried at. */
interface ComparedList {
  readonly name: string;
  readonly recall: number | null;
  readonly recallInterval: Interval;
  readonly ndcg: number | null;
  readonly ndcgInterval: Interval;
  /** Recall less that of the best one, with a 95 % interval over resampled users; absent for the best. */
  readonly behind?: {
    readonly difference: number;
    readonly low: number;
    readonly high: number;
    readonly noise: boolean;
  };
  /** To fit it and to make the lists, the mean over the days; null for what is popular. */
  readonly seconds: number | null;
}

export interface ComparedLists {
  readonly task: string;
  /** 'YYYY-MM-DD' */
  readonly days: readonly string[];
  /** Users at a day. */
  readonly n: number;
  /** Length of a list. */
  readonly k: number;
  /** Best recall first. */
  readonly models: readonly ComparedList[];
  /** Names of those that were not begun in time. */
  readonly leftOut: readonly string[];
}

/**
 * Models of lists side by side, for the users that all were tried for. A difference is noise where the 95 % interval of the paired
 * bootstrap over users holds 0.
 * @returns undefined where nobody took anything in the windows
 */
export function compareLists({ task, k, trials }: ListTrials): ComparedLists | undefined {
  const truth = trials.flatMap((trial) => trial.truth);
  if (truth.length === 0) return undefined;
  const tried = [...new Set(trials.flatMap(({ lists }) => [...lists.keys()]))];
  const stood = tried.filter((name) => trials.every(({ lists }) => lists.has(name)));
  const users = rowsOfUsers(trials.flatMap((trial) => trial.users));
  const said = stood
    .map((name) => {
      const lists = trials.flatMap((trial) => trial.lists.get(name)!);
      const recalls = Float64Array.from(truth, (taken, i) => recallOf(taken, lists[i]!, k));
      return { name, recalls, assessed: assessLists(truth, lists, k) };
    })
    .sort((a, b) => b.assessed.recall! - a.assessed.recall!);
  const best = said[0]!;
  return {
    task,
    days: trials.map(({ day }) => formatDay(day)),
    n: truth.length,
    k,
    models: said.map(({ name, recalls, assessed }) => ({
      name,
      recall: assessed.recall,
      recallInterval: assessed.intervals.recall,
      ndcg: assessed.ndcg,
      ndcgInterval: assessed.intervals.ndcg,
      ...(name === best.name ? {} : { behind: behind(users, recalls, best.recalls) }),
      seconds: meanOf(trials.flatMap(({ seconds }) => seconds.get(name) ?? [])),
    })),
    leftOut: [
      ...new Set([...tried.filter((name) => !stood.includes(name)), ...trials.flatMap(({ cut }) => cut)]),
    ],
  };
}

/** The rows of each user: one who is there at two days is drawn with both. */
function rowsOfUsers(users: readonly number[]): readonly number[][] {
  const rows = new Map<number, number[]>();
  users.forEach((user, row) => {
    const own = rows.get(user);
    if (own) own.push(row);
    else rows.set(user, [row]);
  });
  return [...rows.values()];
}

function behind(users: readonly number[][], own: Float64Array, best: Float64Array) {
  const mean = (of: Float64Array) => (drawn: Int32Array) => {
    let [sum, count] = [0, 0];
    for (const user of drawn) {
      for (const row of users[user]!) {
        sum += of[row]!;
        count++;
      }
    }
    return sum / count;
  };
  const { difference, low, high } = pairedBootstrap({
    ...{ n: users.length, metricA: mean(own), metricB: mean(best), samples: 300, rng: createRng(1) },
  });
  return { difference, low, high, noise: low <= 0 && high >= 0 };
}

const meanOf = (values: readonly number[]): number | null =>
  values.length > 0 ? values.reduce((sum, one) => sum + one, 0) / values.length : null;
