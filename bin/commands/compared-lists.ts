import type { ComparedLists } from '../../lib/evaluate/index.ts';
import { behindBy, between, fixed, table, thousands } from './shared.ts';

/** Prints models of lists side by side. */
export function printComparedLists({ task, days, n, k, models, leftOut }: ComparedLists): void {
  console.log(`${task} as of ${days.join(', ')}: ${thousands(n)} lists of ${k}`);
  const rows = models.map((one) => [
    one.name,
    fixed(one.recall, 4),
    between(one.recallInterval),
    behindBy(one.behind),
    fixed(one.ndcg, 4),
    between(one.ndcgInterval),
    fixed(one.seconds, 1),
  ]);
  console.log(table(['model', `Recall@${k}`, '95 %', 'behind', `NDCG@${k}`, '95 %', 's'], rows));
  if (leftOut.length > 0) console.log(`left out, not begun in time: ${leftOut.join(', ')}`);
  console.log(
    '"behind" is the Recall less that of the first; (noise): a paired bootstrap over users cannot tell them apart',
  );
}
