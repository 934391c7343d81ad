import type { NextTask } from '../../config/index.ts';
import { formatDay } from '../../data/index.ts';
import { fitLogistic } from '../../engine/linear/index.ts';
import type { AudienceValidation } from '../description.ts';
import { FEWEST_OF_EACH, type Units } from '../shared/index.ts';
import {
  type Audience,
  type AudienceModel,
  type audiencesOf,
  chanceOf,
  standardised,
} from './audience-model.ts';
import { type Reads, tableOfDay } from './day-table.ts';
import type { History } from './history.ts';
import { takenNames } from './judged-day.ts';
import { otherProfiles } from './other-features.ts';
import { UNIT_PLACES } from './pair-columns.ts';
import { PairFeatures } from './pair-features.ts';
import { ProfileReader } from './profile.ts';

/** Numbers that are kept of all audiences together, and users at cut-offs of one. Beyond it users are left out by a stable hash. */
const MOST_NUMBERS = 16_000_000;
const MOST_ROWS = 60_000;
const L2 = 1e-3;
/** Users who are held out where no window was over before the latest began: this share of them, by a hash. */
const HELD_OUT = 0.2;

type Settings = ReturnType<typeof audiencesOf>[number];

/** Users at cut-offs beside one value, and whether they took it in the window behind. */
interface Rows {
  /** (rows, width) */
  readonly pairs: Float32Array;
  readonly width: number;
  /** Per row: number of the cut-off, the user's hash in [0, 1), and 1 where the value was taken. */
  readonly cutoff: number[];
  readonly unit: number[];
  readonly labels: number[];
}

/**
 * Learns how likely users take the values that audiences are of. A list's scores compare what one user may take; these
 * compare users, so they have a model of their own: per value a logistic regression over the columns that the ranker
 * reads of a user and a unit, of all users who had the task's event before a past day, whether they came back or not.
 *
 * The latest window is held out to measure the rule: fitted on windows that were over by its first day (in a young log,
 * on other users), whom would it have picked, and who of them took the value?
 * @param of the share of all users that the history was read of, beside its own
 */
export function fitAudiences(args: {
  history: History;
  reads: Reads;
  units: Units;
  task: NextTask;
  /** Cut-offs of the history whose windows are over: the first so many. */
  days: number;
  audiences: readonly Settings[];
  of: number;
}): Record<string, Audience> {
  const { history, task, days, audiences, of } = args;
  const cutoffs = history.cutoffs.slice(0, days);
  const values = audiences.map(({ value }) => value!);
  const { rows, share } = collectRows(args, values);
  return Object.fromEntries(
    audiences.map((audience, i): [string, Audience] => {
      const value = values[i]!;
      const own = rows[i]!;
      const all = own.labels.map((_, row) => row);
      const positives = own.labels.reduce((sum, label) => sum + label, 0);
      const fewest = Math.min(positives, all.length - positives);
      if (fewest < FEWEST_OF_EACH) {
        const why =
          `${positives} of ${all.length} windows of users hold "${value}"; ${FEWEST_OF_EACH} that do and ` +
          `${FEWEST_OF_EACH} that do not are needed to learn who is likely to take it`;
        return [audience.name, { value, why }];
      }
      const validation = measure({
        ...{ audience, rows: own, cutoffs, horizonDays: task.horizonDays },
        share: of * history.share * share,
      });
      return [audience.name, { ...fit(value, own, all), ...(validation ? { validation } : {}) }];
    }),
  );
}

function collectRows(
  { history, reads, units, task, days }: Omit<Parameters<typeof fitAudiences>[0], 'audiences' | 'of'>,
  values: readonly string[],
): { rows: Rows[]; share: number } {
  const known = history.cutoffs.slice(0, days).map((day) => history.usersBefore(day));
  const count = known.reduce((sum, { length }) => sum + length, 0);
  const found = values.map(() => ({
    parts: [] as Float32Array[],
    cutoff: [] as number[],
    unit: [] as number[],
    labels: [] as number[],
  }));
  let share = 1;
  let width = 0;
  for (const [place, users] of known.entries()) {
    const day = history.cutoffs[place]!;
    const { index, table } = tableOfDay(history, place, units.at(day), reads);
    const wanted = values.map((value) => index.names.indexOf(value));
    const always = [...new Set(wanted)].filter((unit) => unit >= 0);
    if (always.length === 0) continue;
    const described = reads.attributes?.at(day, index.names);
    const features = new PairFeatures(table, task.horizonDays, undefined, described, always);
    width = features.width;
    share = Math.min(1, Math.min(MOST_ROWS, MOST_NUMBERS / width / values.length) / Math.max(1, count));
    const reader = new ProfileReader(index.names.length, day);
    for (const user of users) {
      if (user.unit >= history.share * share) continue;
      const profile = reader.read(user.profiles[place]!, user.activeDays[place]!, index.of);
      if (profile.count === 0) continue;
      features.open(profile, otherProfiles(reader, user, place, index, reads.others));
      const candidates = features.candidates.subarray(0, features.count);
      const taken = takenNames(history, user, day, task.horizonDays, units.at(day));
      for (const [i, unit] of wanted.entries()) {
        if (unit < 0) continue;
        const pair = new Float32Array(width);
        features.write(candidates.indexOf(unit), pair, 0);
        const own = found[i]!;
        own.parts.push(pair);
        own.cutoff.push(place);
        own.unit.push(user.unit);
        own.labels.push(Number(taken.has(values[i]!)));
      }
    }
  }
  const rows = found.map(({ parts, ...own }) => {
    const pairs = new Float32Array(parts.length * width);
    parts.forEach((part, row) => {
      pairs.set(part, row * width);
    });
    return { ...own, pairs, width };
  });
  return { rows, share };
}

/** @param chosen numbers of the rows to fit on */
function fit(value: string, { pairs, width, labels }: Rows, chosen: readonly number[]): AudienceModel {
  const columns: number[] = [];
  const mean: number[] = [];
  const deviation: number[] = [];
  for (let column = 0; column < width; column++) {
    // What is the same for all users of a day tells none from another.
    if (column >= UNIT_PLACES.from && column < UNIT_PLACES.before) continue;
    let [sum, squares] = [0, 0];
    for (const row of chosen) sum += pairs[row * width + column]!;
    const middle = sum / chosen.length;
    for (const row of chosen) squares += (pairs[row * width + column]! - middle) ** 2;
    const spread = Math.sqrt(squares / chosen.length);
    if (!(spread > 1e-6)) continue;
    columns.push(column);
    mean.push(middle);
    deviation.push(spread);
  }
  const values = new Float32Array(chosen.length * columns.length);
  chosen.forEach((row, i) => {
    columns.forEach((column, j) => {
      const x = pairs[row * width + column]!;
      values[i * columns.length + j] = standardised(x, mean[j]!, deviation[j]!);
    });
  });
  const { weights, intercept } = fitLogistic({
    ...{ rows: chosen.length, columns: columns.length, values, l2: L2 },
    labels: chosen.map((row) => labels[row]!),
  });
  return { value, columns, mean, deviation, weights: [...weights], intercept };
}

/** Undefined where too few took the value, or did not, in what is fitted on, or nobody can be measured. */
function measure(args: {
  audience: Settings;
  rows: Rows;
  cutoffs: readonly number[];
  horizonDays: number;
  share: number;
}): AudienceValidation | undefined {
  const { audience, rows, cutoffs, horizonDays, share } = args;
  const { value, top, above } = audience;
  const { cutoff, unit, labels, pairs, width } = rows;
  const last = cutoffs.length - 1;
  const numbers = (keep: (row: number) => boolean) => labels.flatMap((_, row) => (keep(row) ? [row] : []));
  const isOut = (row: number) => (unit[row]! * 1e6) % 1 < HELD_OUT;
  const enough = (chosen: readonly number[]) => {
    const positives = chosen.reduce((sum, row) => sum + labels[row]!, 0);
    return Math.min(positives, chosen.length - positives) >= FEWEST_OF_EACH;
  };
  const before = numbers((row) => cutoffs[cutoff[row]!]! + horizonDays <= cutoffs[last]!);
  const by = enough(before) ? 'day' : 'users';
  const kept = by === 'day' ? before : numbers((row) => !isOut(row));
  const measured = numbers((row) => cutoff[row] === last && (by === 'day' || isOut(row)));
  if (!enough(kept) || measured.length === 0) return undefined;
  const model = fit(value!, rows, kept);
  const judged = measured
    .map((row) => ({ row, chance: chanceOf(model, pairs, row * width) }))
    .sort((a, b) => b.chance - a.chance || unit[a.row]! - unit[b.row]!);
  const part = share * (by === 'day' ? 1 : HELD_OUT);
  const most = top === undefined ? judged.length : Math.max(1, Math.round(top * part));
  const picked = judged.slice(0, most).filter(({ chance }) => above === undefined || chance > above);
  const count = (of: readonly { readonly row: number }[]) =>
    of.reduce((sum, { row }) => sum + labels[row]!, 0);
  return {
    ...{ by, day: formatDay(cutoffs[last]!) },
    rule: top === undefined ? { above: above! } : { top },
    picked: { users: picked.length, done: count(picked) },
    all: { users: judged.length, done: count(judged) },
  };
}
