import { DataError, formatDay } from '../../data/index.ts';
import type { ListTrial, ListTrials, TrialsContext } from '../family.ts';
import { openUnits } from '../shared/index.ts';
import type { Reads } from './day-table.ts';
import { openItemAttributes } from './item-attributes.ts';
import { openJudgedDay, popularLists, rankedLists } from './judged-day.ts';
import { asOfDay, nextTask } from './next-task.ts';
import { fitRanker } from './ranker.ts';
import { readHistory } from './read-history.ts';
import { interactionsOf, offeredLists, recommendedLists, rivalsAmong } from './rivals.ts';
import { openRules } from './rules.ts';
import { collectGroups, trainingCutoffs } from './train.ts';

/** Past days that are tried where none is named. */
const MOST_DAYS = 2;

/**
 * Tries the ranker beside other recommenders as of past days whose windows are over. Each is fitted on what was known by the day: the
 * ranker on windows that were over by then, the others on what users had.
 * @throws ConfigError for a model that there is none of, DataError for a day that there is nothing to learn before
 */
export async function tryLists(context: TrialsContext): Promise<ListTrials> {
  const { task: name, names, manifest } = context;
  const task = nextTask(manifest, name);
  const models = offeredLists(names);
  const latest = asOfDay(manifest) - task.horizonDays;
  const asked =
    context.days ??
    Array.from({ length: MOST_DAYS }, (_, i) => latest - (MOST_DAYS - 1 - i) * task.horizonDays);
  const days = asked.filter((day) => trainingCutoffs(manifest, task, day).length > 0);
  const early = asked.find((day) => !days.includes(day));
  if (early !== undefined && (context.days || days.length === 0)) {
    throw new DataError(
      `no window of ${task.horizonDays} days was over by ${formatDay(early)} with history before it: choose a later day`,
    );
  }
  const trials: ListTrial[] = [];
  for (const day of days) trials.push(await tryDay(context, day, models));
  return { task: name, k: task.k, trials };
}

async function tryDay(context: TrialsContext, day: number, models: ReadonlySet<string>): Promise<ListTrial> {
  const { store, manifest, task: name, progress, goOn = () => true } = context;
  const task = nextTask(manifest, name);
  const { seed } = manifest.config.model;
  const { threads } = manifest.config.training;
  const on = formatDay(day);
  progress(`${on}: reading users`);
  const units = await openUnits(store, manifest, task);
  const cutoffs = trainingCutoffs(manifest, task, day);
  const history = await readHistory(await context.users(), manifest, name, [...cutoffs, day]);
  const said = await openItemAttributes(store, manifest, task);
  const reads: Reads = { others: history.others, attributes: said?.dated ? said : undefined };
  const { at: rulesOf } = await openRules(store, manifest, name, task);
  const judged = await openJudgedDay({ history, reads, unitOf: units.at(day), task, rulesOf });
  const lists = new Map<string, string[][]>([['popular', popularLists(judged, task.k)]]);
  const seconds = new Map<string, number>();
  const cut: string[] = [];
  const timed = async (model: string, lists_: () => Promise<string[][]> | string[][]) => {
    if (!goOn()) {
      cut.push(model);
      return;
    }
    const started = performance.now();
    lists.set(model, await lists_());
    seconds.set(model, (performance.now() - started) / 1000);
  };
  await timed('ranker', async () => {
    const { groups } = collectGroups({ history, days: cutoffs.length, reads, units, task, seed, progress });
    if (groups.count === 0) throw new DataError(`nobody took anything in the windows before ${on}`);
    const told = (step: number, of: number) => progress(`${on}: ranker: step ${step} of ${of}`);
    return rankedLists(judged, await fitRanker(groups, { seed, threads, onProgress: told }), threads);
  });
  const { interactions, rowOf } = interactionsOf(history, judged);
  for (const { name: model, fit } of rivalsAmong(models)) {
    progress(`${on}: ${model}`);
    await timed(model, () => recommendedLists(judged, fit(interactions, seed), rowOf));
  }
  return {
    ...{ day, truth: judged.truth, users: judged.judged.map(({ user }) => user.unit) },
    ...{ lists, seconds, cut },
  };
}
