import type { EvaluateContext, Outcomes, ShardScores } from '../family.ts';
import { readLabelled } from './labelled.ts';

/** Predictions of the test rows beside their labels. */
export async function tableOutcomes(
  { store, manifest, tasks }: EvaluateContext,
  { users, tasks: scored }: ShardScores,
): Promise<Record<string, Outcomes>> {
  const outcomes: Record<string, Outcomes> = {};
  for (const name of tasks) {
    const { rowIds, test, labels } = await readLabelled(store, manifest, name);
    const place = new Map(users.map((id, row) => [id, row]));
    const rows = Array.from(test, (row) => place.get(String(rowIds[row]))!);
    const { probability } = scored[name]!;
    outcomes[name] = {
      kind: 'binary',
      ids: rows.map((row) => users[row]!),
      labels: Array.from(test, (row) => labels[row]!),
      probabilities: rows.map((row) => probability[row]!),
    };
  }
  return outcomes;
}
