import { formatDay, parseDay } from '../data/index.ts';
import {
  type ChanceTask,
  costsToTrain,
  describedModel,
  type ListedTask,
  type ModelDescription,
  openTitles,
} from '../models/index.ts';
import type {
  BinaryTaskReport,
  ComparisonReport,
  ModelReport,
  NextTaskReport,
  NoOutcome,
  TaskReport,
} from '../report/index.ts';
import { longTailReport } from './long-tail.ts';
import { binaryEvaluation, listEvaluation } from './metrics.ts';
import { horizonOf } from './outcomes.ts';
import type { ReportArgs } from './report-args.ts';
import type { ScoreTotals } from './score-totals.ts';

/** Entries of lists that the page shows at most. */
const MOST_LISTED = 20;

/** Every model that scored a run, with the tasks it answers. */
export async function modelReports(args: ReportArgs, totals: ScoreTotals): Promise<ModelReport[]> {
  const { store, runId, manifest, versions } = args;
  const reports: ModelReport[] = [];
  for (const group of manifest.groups) {
    const version = versions[group.name];
    if (version === undefined) continue;
    const model = await describedModel(store, manifest, group, version);
    const costs = await costsToTrain(store, runId, group);
    const tasks: TaskReport[] = [];
    for (const task of model.tasks) {
      tasks.push(
        task.answers === 'chance' ? chanceReport(args, task, totals) : await listReport(args, task, totals),
      );
    }
    reports.push({
      name: group.name,
      version,
      ...(model.trainedBefore === undefined ? {} : { trainedBefore: model.trainedBefore }),
      trainedHere: !manifest.champions[group.name],
      tasks,
      training: model.curve.map(({ step, trainLoss, validLoss, lr, gradNorm }) => ({
        step,
        train: trainLoss,
        valid: validLoss,
        rate: lr,
        gradient: gradNorm,
      })),
      pretraining: model.pretraining.map(({ step, trainLoss }) => ({ step, train: trainLoss })),
      selection: model.selection,
      ...(model.comparison ? { comparison: comparisonReport(model.comparison, costs) } : {}),
    });
  }
  return reports;
}

function chanceReport(args: ReportArgs, task: ChanceTask, totals: ScoreTotals): BinaryTaskReport {
  const { name, kind, of, asks, strengths, validation } = task;
  const own = args.outcomes[name];
  const probabilities = totals.probabilities.get(name);
  return {
    ...common(args, task),
    kind,
    of,
    ...(asks ? { asks } : {}),
    ranked: probabilities?.count ?? 0,
    expected: probabilities?.expected() ?? [],
    scoreHistogram: probabilities?.histogram() ?? [],
    ...strengths,
    ...(validation ? { validation } : {}),
    ...(own?.kind === 'binary' ? { evaluation: binaryEvaluation(own) } : {}),
  };
}

async function listReport(args: ReportArgs, task: ListedTask, totals: ScoreTotals): Promise<NextTaskReport> {
  const { store, runId, manifest, outcomes } = args;
  const { name, of, k, validation, rules, validatedBy } = task;
  const own = outcomes[name];
  const listed = totals.listed.get(name);
  const top = [...(listed?.items ?? [])].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const reached = await longTailReport(store, runId, task, listed?.items);
  const titles =
    of === 'item' && manifest.inputs.items.length > 0
      ? (await openTitles(store, manifest)).at(parseDay(manifest.asOf!))
      : () => undefined;
  return {
    ...common(args, task),
    kind: 'next',
    of,
    k,
    ranked: listed?.users ?? 0,
    top: top.slice(0, MOST_LISTED).map(([item, users]) => {
      const label = titles(item);
      return { item, users, ...(label === undefined ? {} : { label }) };
    }),
    ...(rules.length > 0 ? { rules } : {}),
    ...(reached ? { longTail: reached } : {}),
    ...(validation && rules.join() !== validatedBy.join() ? { validatedBy } : {}),
    ...(validation ? { validation } : {}),
    ...(own?.kind === 'list' ? { evaluation: listEvaluation(own) } : {}),
  };
}

function common({ manifest, outcomes, asked }: ReportArgs, { name, question }: ChanceTask | ListedTask) {
  const horizon = horizonOf(manifest, name);
  const noOutcome: NoOutcome | undefined =
    name in outcomes
      ? undefined
      : asked && !asked.includes(name)
        ? { why: 'not asked', asked }
        : manifest.asOf === null
          ? undefined
          : { why: 'open', closes: formatDay(parseDay(manifest.asOf) + horizon) };
  return {
    name,
    description: question,
    ...(horizon > 0 ? { horizonDays: horizon } : {}),
    ...(noOutcome ? { noOutcome } : {}),
  };
}

function comparisonReport(
  { days, kept, candidates }: NonNullable<ModelDescription['comparison']>,
  costs: Awaited<ReturnType<typeof costsToTrain>>,
): ComparisonReport {
  return {
    days,
    rows: candidates.map(({ name, reads, tasks }) => ({
      name,
      reads,
      kept: name === kept,
      tasks,
      costs: costs[name],
    })),
  };
}
