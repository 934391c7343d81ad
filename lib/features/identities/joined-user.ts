import type { UserDay } from '../days.ts';
import { KIND } from './joins.ts';

/** A moved row of one user. */
export interface MovedDay extends UserDay {
  readonly since: number;
  readonly until: number;
  readonly kind: number;
}

/** A user whom links concern, as a reader of a shard sees them. */
export interface JoinedUser {
  readonly days: readonly UserDay[];
  readonly outcomes: readonly UserDay[];
  readonly joinsAt: number;
  /** Do the states of the snapshot serve? */
  readonly resumes: boolean;
  /** The days that features as of a day may read, later ones included; the same `epoch` means the same days. */
  at(day: number): { readonly epoch: number; readonly days: readonly UserDay[] };
}

const MARKS = KIND.own | KIND.changed;

/**
 * Joins the rows that a user has with those that came from other ids.
 * @param own the user's rows, as read
 * @param moved rows and marks from other ids, of all days
 * @param merge puts fragments in the order of days, and merges those of one day
 * @param view one day for all features, such as the as-of day of scores; undefined: as of the day that is asked about
 * @param from the day of the states to fold on from; -Infinity without
 * @returns undefined where the id is another user's on the day of the view
 */
export function joinUser(
  own: readonly UserDay[],
  moved: readonly MovedDay[],
  merge: (fragments: UserDay[]) => UserDay[],
  view: number | undefined,
  from: number,
): JoinedUser | undefined {
  const periods = moved.filter(({ kind }) => kind === KIND.own);
  const isOwn = (day: number) =>
    periods.length === 0 || periods.some(({ since, until }) => since <= day && day < until);
  const rows = moved.filter(({ kind }) => (kind & MARKS) === 0);
  const joinsAt = periods.reduce((first, { until }) => Math.min(first, until), Number.POSITIVE_INFINITY);
  const featuresAt = (day: number) =>
    isOwn(day) ? [...own, ...rows.filter(({ since, until }) => since <= day && day < until)] : [];
  if (view !== undefined) {
    if (!isOwn(view)) return undefined;
    const folds = from === Number.NEGATIVE_INFINITY;
    const resumes = !folds && !moved.some(({ kind }) => kind === KIND.changed);
    const held = folds || resumes ? [] : rows.filter(({ kind }) => kind === KIND.held);
    const joined = featuresAt(view).filter(({ day }) => !resumes || day >= from);
    const days = merge([...joined, ...held]);
    return { days, outcomes: days, joinsAt, resumes, at: () => ({ epoch: 0, days }) };
  }
  const counted = rows.filter(({ kind }) => kind === KIND.counts);
  const outcomes = rows.filter(({ kind }) => kind === KIND.outcome);
  const bounds = [...new Set([...periods, ...rows].flatMap(({ since, until }) => [since, until]))];
  let epoch = -1;
  let days: readonly UserDay[] = [];
  return {
    days: merge([...own.filter(({ day }) => isOwn(day + 1)), ...counted]),
    outcomes: merge([...own, ...counted, ...outcomes]),
    joinsAt,
    resumes: true,
    at(day) {
      const now = bounds.filter((bound) => bound <= day).length;
      if (now !== epoch) days = merge(featuresAt(day));
      epoch = now;
      return { epoch, days };
    },
  };
}
