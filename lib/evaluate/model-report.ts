import { formatDay, parseDay } from '../data/index.ts';
import {
  type AmountTask,
  assessDemand,
  type ChanceTask,
  costsToTrain,
  describedModel,
  type EffectTask,
  type ForecastTask,
  type GateRecord,
  gateRecords,
  type ListedTask,
  type ModelDescription,
  openTitles,
} from '../models/index.ts';
import type {
  BinaryTaskReport,
  ComparisonReport,
  DemandTaskReport,
  GateReport,
  ModelReport,
  NextTaskReport,
  NoOutcome,
  TaskReport,
  UpliftTaskReport,
  ValueTaskReport,
} from '../report/index.ts';
import { labelledReport } from './label-report.ts';
import { longTailReport } from './long-tail.ts';
import { binaryEvaluation, listEvaluation, upliftEvaluation, valueEvaluation } from './metrics.ts';
import { horizonOf } from './outcomes.ts';
import type { ReportArgs } from './report-args.ts';
import type { ScoreTotals } from './score-totals.ts';

/** Entries of lists that the page shows at most. */
const MOST_LISTED = 20;

/** Every model that scored a run, with the tasks it answers. */
export async function modelReports(args: ReportArgs, totals: ScoreTotals): Promise<ModelReport[]> {
  const { store, runId, manifest, versions } = args;
  const reports: ModelReport[] = [];
  const gates = await gateRecords(store, runId, manifest);
  for (const group of manifest.groups) {
    const version = versions[group.name];
    if (version === undefined) continue;
    const model = await describedModel(store, manifest, group, version);
    const costs = await costsToTrain(store, runId, group);
    const gate = gates.find((one) => one.group === group.name);
    const tasks: TaskReport[] = [];
    for (const task of model.tasks) {
      tasks.push(await taskReport(args, task, totals));
    }
    reports.push({
      name: group.name,
      version,
      ...(model.trainedBefore === undefined ? {} : { trainedBefore: model.trainedBefore }),
      trainedHere: gate ? gate.version === version : !manifest.champions[group.name],
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
      ...(gate ? { gate: gateReport(gate) } : {}),
    });
  }
  return reports;
}

function gateReport({ version, champion, refused, checks, unknown }: GateRecord): GateReport {
  return {
    ...{
      version,
      champion,
      checks: checks.map(({ task, passed, said }) => ({ task, passed, said })),
      unknown,
    },
    ...(refused === undefined ? {} : { refused }),
  };
}

async function taskReport(
  args: ReportArgs,
  task: ModelDescription['tasks'][number],
  totals: ScoreTotals,
): Promise<TaskReport> {
  if (task.answers === 'chance') return chanceReport(args, task, totals);
  if (task.answers === 'value') return amountReport(args, task, totals);
  if (task.answers === 'uplift') return effectReport(args, task, totals);
  if (task.answers === 'labels') {
    const ranked = totals.labelled.get(task.name) ?? 0;
    return labelledReport({ ...common(args, task), ranked }, task, args.outcomes[task.name]);
  }
  return task.answers === 'list' ? listReport(args, task, totals) : forecastReport(args, task, totals);
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

function amountReport(args: ReportArgs, task: AmountTask, totals: ScoreTotals): ValueTaskReport {
  const { name, of, currency, strengths, validation } = task;
  const own = args.outcomes[name];
  const amounts = totals.amounts.get(name);
  return {
    ...common(args, task),
    kind: 'value',
    of,
    ...(currency === undefined ? {} : { currency }),
    ranked: amounts?.users ?? 0,
    expected: amounts?.sum ?? 0,
    ...strengths,
    ...(validation ? { validation } : {}),
    ...(own?.kind === 'value' ? { evaluation: valueEvaluation(own) } : {}),
  };
}

function effectReport(args: ReportArgs, task: EffectTask, totals: ScoreTotals): UpliftTaskReport {
  const { name, of, outcome, currency, treated, control, least, leftOut, balance, strengths, validation } =
    task;
  const own = args.outcomes[name];
  const told = totals.uplifts.get(name);
  return {
    ...common(args, task),
    kind: 'uplift',
    ...{ of, outcome, treated, control, least, leftOut, balance },
    ...(currency === undefined ? {} : { currency }),
    ranked: told?.users ?? 0,
    expected: told?.sum ?? 0,
    persuadable: { n: told?.chosen ?? 0, expected: told?.chosenSum ?? 0 },
    ...strengths,
    ...(validation ? { validation } : {}),
    ...(own?.kind === 'uplift' ? { evaluation: upliftEvaluation(own) } : {}),
  };
}

async function listReport(args: ReportArgs, task: ListedTask, totals: ScoreTotals): Promise<NextTaskReport> {
  const { store, runId, outcomes } = args;
  const { name, of, k, validation, rules, validatedBy } = task;
  const own = outcomes[name];
  const listed = totals.listed.get(name);
  const top = [...(listed?.items ?? [])].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const reached = await longTailReport(store, runId, task, listed?.items);
  const titles = await titlesOf(args, of);
  const reasons = (listed?.reasons.rows() ?? []).map((row) => {
    const label = titles(row.item);
    return { ...row, ...(label === undefined ? {} : { label }) };
  });
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
    ...(reasons.length > 0 ? { reasons } : {}),
    ...(validation && rules.join() !== validatedBy.join() ? { validatedBy } : {}),
    ...(validation ? { validation } : {}),
    ...(own?.kind === 'list' ? { evaluation: listEvaluation(own) } : {}),
  };
}

async function forecastReport(
  args: ReportArgs,
  task: ForecastTask,
  totals: ScoreTotals,
): Promise<DemandTaskReport> {
  const { manifest, outcomes } = args;
  const { name, of, validation } = task;
  const own = outcomes[name];
  const forecast = totals.forecasts.get(name);
  const titles = await titlesOf(args, of);
  const came = own?.kind === 'demand' ? new Map(own.ids.map((item, i) => [item, own.real[i]!])) : undefined;
  const settings = manifest.config.tasks[name];
  return {
    ...common(args, task),
    kind: 'demand',
    of,
    ranked: forecast?.items ?? 0,
    expected: forecast?.units ?? 0,
    ...(own?.kind === 'demand' ? { real: own.real.reduce((sum, units) => sum + units, 0) } : {}),
    ...(settings?.kind === 'demand' && settings.stock !== undefined
      ? { stock: { known: forecast?.inStock ?? 0, short: forecast?.short ?? 0 } }
      : {}),
    top: (forecast?.top ?? []).map(({ item, units, low, high, stockout }) => {
      const label = titles(item);
      const real = came?.get(item);
      return {
        ...{ item, units, low, high },
        ...(label === undefined ? {} : { label }),
        ...(Number.isNaN(stockout) ? {} : { stockout }),
        ...(real === undefined ? {} : { real }),
      };
    }),
    ...(validation ? { validation } : {}),
    ...(own?.kind === 'demand' ? { evaluation: assessDemand(own) } : {}),
  };
}

/** What the shop calls items, as of the run's day. */
async function titlesOf(
  { store, manifest }: ReportArgs,
  of: string,
): Promise<(item: string) => string | undefined> {
  if (of !== 'item' || manifest.inputs.items.length === 0) return () => undefined;
  return (await openTitles(store, manifest)).at(parseDay(manifest.asOf!));
}

function common(
  { manifest, outcomes, asked }: ReportArgs,
  { name, question }: ModelDescription['tasks'][number],
) {
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
