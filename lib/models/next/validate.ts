import { formatDay } from '../../data/index.ts';
import { assessLists } from '../../engine/metrics/index.ts';
import type { ListValidation } from '../description.ts';
import { openJudgedDay, popularLists, rankedLists } from './judged-day.ts';
import type { Ranker } from './ranker.ts';

/**
 * Ranks for users as of the history's last cut-off and compares with what they took in the window behind it.
 * @param takes the users that were held out
 */
export async function validateNext(
  args: Required<Parameters<typeof openJudgedDay>[0]> & {
    ranker: Ranker;
    by: 'day' | 'users';
    threads: number;
  },
): Promise<ListValidation> {
  const { history, task, ranker, by, threads } = args;
  const day = await openJudgedDay(args);
  const { truth } = day;
  const lists = await rankedLists(day, ranker, threads);
  const { recall, ndcg } = assessLists(truth, popularLists(day, task.k), task.k);
  const on = formatDay(history.cutoffs.at(-1)!);
  return { by, days: [on, on], assessment: assessLists(truth, lists, task.k), popular: { recall, ndcg } };
}
