import type { EvaluateContext, Outcomes, ShardScores } from '../family.ts';
import { type LabelledTable, labelTask, readLabelled, usualOf } from './labelled.ts';
import { labelsIn } from './labels.ts';

/** Predictions of the test rows beside their labels. */
export async function tableOutcomes(
  { store, manifest, tasks }: EvaluateContext,
  scores: ShardScores,
): Promise<Record<string, Outcomes>> {
  const outcomes: Record<string, Outcomes> = {};
  for (const name of tasks) {
    const labelled = await readLabelled(store, manifest, name);
    const { separator } = labelTask(manifest.config, name);
    outcomes[name] = outcomesOf(name, labelled, scores, separator);
  }
  return outcomes;
}

function outcomesOf(
  name: string,
  labelled: LabelledTable,
  { users, tasks, classes, numbers }: ShardScores,
  separator: string | undefined,
): Outcomes {
  const { rowIds, test, labels, answers, table, train } = labelled;
  const place = new Map(users.map((id, row) => [id, row]));
  const rows = Array.from(test, (row) => place.get(String(rowIds[row]))!);
  const ids = rows.map((row) => users[row]!);
  if (answers === 'yes-no') {
    const { probability } = tasks[name]!;
    return {
      ...{ kind: 'binary', ids },
      labels: Array.from(test, (row) => labels[row]!),
      probabilities: rows.map((row) => probability[row]!),
    };
  }
  if (answers === 'number') {
    const { number, low, high } = numbers![name]!;
    const of = (values: Float64Array) => rows.map((row) => values[row]!);
    return {
      ...{ kind: 'number', ids },
      truth: Array.from(test, (row) => labels[row]!),
      ...{ numbers: of(number), low: of(low), high: of(high) },
      usual: usualOf(labels, train),
    };
  }
  const { classes: names, probabilities } = classes![name]!;
  const width = names.length;
  const listed = (row: number) =>
    answers === 'one-of' ? [table.labels[row]!] : labelsIn(table.labels[row]!, separator);
  const counts = new Map<string, number>();
  for (const row of train) {
    for (const label of listed(row)) counts.set(label, (counts.get(label) ?? 0) + 1);
  }
  return {
    ...{ kind: answers, ids, classes: names },
    truth: Array.from(test, listed),
    probabilities: Float64Array.from(
      { length: rows.length * width },
      (_, i) => probabilities[rows[Math.floor(i / width)]! * width + (i % width)]!,
    ),
    // Of the model's classes as they are among today's training rows.
    shares: names.map((label) => (counts.get(label) ?? 0) / train.length),
  };
}
