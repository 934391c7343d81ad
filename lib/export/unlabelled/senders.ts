import { TOLD_FROM } from '../../engine/metrics/index.ts';
import { namedValues } from '../../models/index.ts';
import type { ScoreColumns } from '../../score/index.ts';
import type { CsvWriter } from '../csv.ts';
import type { UnlabelledAnswers } from './columns.ts';

/** Rows of a user, by their places in the scores, in the order in which they came. */
export interface Sender {
  readonly user: string;
  readonly rows: readonly number[];
}

/** The users whose rows were scored, each with its rows: the last one came last, of one time the one whose id is last. */
export function sendersOf(users: readonly (string | null)[], times: Float64Array): Sender[] {
  const rows = new Map<string, number[]>();
  for (const [row, user] of users.entries()) {
    if (user === null) continue;
    const own = rows.get(user);
    if (own) own.push(row);
    else rows.set(user, [row]);
  }
  return [...rows].map(([user, own]) => ({
    user,
    rows: own.sort((a, b) => times[a]! - times[b]! || a - b),
  }));
}

/** Writes what a task says of a user's rows together: the last answer, and the mean and the ends of all. */
export function writeAnswers(
  csv: CsvWriter,
  { task, form }: UnlabelledAnswers,
  { tasks, classes, numbers }: ScoreColumns,
  { rows }: Sender,
): void {
  const last = rows.at(-1)!;
  if (form === 'yes-no' || form === 'number') {
    const values = form === 'number' ? numbers[task]!.number : tasks[task]!.probability;
    const own = rows.map((row) => values[row]!);
    const told = [
      values[last]!,
      meanOf(own),
      ...(form === 'number' ? [Math.min(...own)] : []),
      Math.max(...own),
    ];
    for (const one of told) csv.plain(String(one));
    return;
  }
  const { classes: names, chances } = classes[task]!;
  const ranked = (of: (chance: Float64Array) => number) =>
    names.map((name, k) => ({ name, value: of(chances[k]!) })).sort((a, b) => b.value - a.value);
  const latest = ranked((chance) => chance[last]!);
  if (form === 'one-of') {
    csv.text(latest[0]!.name);
    csv.plain(String(latest[0]!.value));
  } else csv.text(namedValues(latest.filter(({ value }) => value >= TOLD_FROM)));
  csv.text(namedValues(ranked((chance) => meanOf(rows.map((row) => chance[row]!)))));
  csv.text(namedValues(ranked((chance) => Math.max(...rows.map((row) => chance[row]!)))));
}

const meanOf = (values: readonly number[]): number =>
  values.reduce((sum, one) => sum + one, 0) / values.length;
