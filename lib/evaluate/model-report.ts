import type { Config, NextTask } from '../config/index.ts';
import { formatDay, parseDay } from '../data/index.ts';
import { type AttributeEncoder, attributeNames, featureNames, groupWords } from '../features/index.ts';
import { type Comparison, type UsersModelManifest } from '../models/users/train.ts';
import { openTitles } from '../models/users/texts.ts';
import { type TableModelManifest } from '../models/table/train.ts';
import type { NextModelManifest } from '../models/next/train.ts';
import { readModelFile } from '../registry/index.ts';
import type {
  BinaryTaskReport,
  ComparisonReport,
  ModelReport,
  NextTaskReport,
  NoOutcome,
  TaskReport,
} from '../report/index.ts';
import type { TaskGroup } from '../run/index.ts';
import { binaryEvaluation, listEvaluation } from './metrics.ts';
import { horizonOf } from './outcomes.ts';
import type { ReportArgs } from './run-report.ts';
import type { ScoreTotals } from './score-totals.ts';

type Manifest = UsersModelManifest | NextModelManifest | TableModelManifest;

/** Entries of lists that the page shows at most. */
const MOST_LISTED = 20;

/** Every model that scored a run, with the tasks it answers. */
export async function modelReports(args: ReportArgs, totals: ScoreTotals): Promise<ModelReport[]> {
  const { store, manifest, versions } = args;
  const reports: ModelReport[] = [];
  for (const group of manifest.groups) {
    const version = versions[group.name];
    if (version === undefined) continue;
    const text = new TextDecoder().decode(await readModelFile(store, group.name, version, 'manifest.json'));
    const model: Manifest = JSON.parse(text);
    reports.push({
      name: group.name,
      version,
      ...('trainedBefore' in model ? { trainedBefore: model.trainedBefore } : {}),
      trainedHere: !manifest.champions[group.name],
      tasks: await taskReports(args, group, model, totals),
      training: model.curve.map(({ step, trainLoss, validLoss, lr, gradNorm }) => ({
        step,
        train: trainLoss,
        valid: validLoss,
        rate: lr,
        gradient: gradNorm,
      })),
      pretraining:
        model.kind === 'users'
          ? model.pretraining.map(({ step, trainLoss }) => ({ step, train: trainLoss }))
          : [],
      selection: model.selection,
      ...(model.kind === 'users' && model.comparison
        ? { comparison: comparisonReport(model.comparison) }
        : {}),
    });
  }
  return reports;
}

async function taskReports(
  args: ReportArgs,
  group: TaskGroup,
  model: Manifest,
  totals: ScoreTotals,
): Promise<TaskReport[]> {
  const { config } = args.manifest;
  if (model.kind === 'next') return [await listReport(args, model, totals)];
  const names = model.kind === 'users' ? model.heads.map(({ task }) => task) : group.tasks;
  const encoder = model.kind === 'users' ? model.profile : model.encoder;
  const words = featureWords(config, encoder);
  return names.map((name, place): BinaryTaskReport => {
    const task = config.tasks[name]!;
    if (task.kind === 'next') throw new Error(`${name} is a list task`);
    const own = args.outcomes[name];
    const probabilities = totals.probabilities.get(name);
    const strengths = model.strengths[place];
    const validation = model.validation?.[name];
    return {
      ...common(args, name),
      kind: task.kind,
      of: task.kind === 'label' ? task.positive : task.event,
      ranked: probabilities?.count ?? 0,
      expected: probabilities?.expected() ?? [],
      scoreHistogram: probabilities?.histogram() ?? [],
      groups: (strengths?.groups ?? []).map(({ group: of, share }) => ({ group: groupWords(of), share })),
      features: (strengths?.features ?? []).map((feature) => ({
        name: words.get(feature.name) ?? groupWords(feature.name),
        group: groupWords(feature.group),
        strength: feature.strength,
      })),
      ...(validation ? { validation } : {}),
      ...(own?.kind === 'binary' ? { evaluation: binaryEvaluation(own) } : {}),
    };
  });
}

/** Names of features as a model's manifest has them -> words. */
function featureWords(config: Config, encoder: AttributeEncoder | null): Map<string, string> {
  const names = [...featureNames(config), ...(encoder ? attributeNames(encoder) : [])];
  return new Map(names.map(({ name, words }) => [name, words]));
}

async function listReport(
  args: ReportArgs,
  model: NextModelManifest,
  totals: ScoreTotals,
): Promise<NextTaskReport> {
  const { store, manifest, outcomes } = args;
  const name = model.task;
  const task = manifest.config.tasks[name] as NextTask;
  const own = outcomes[name];
  const listed = totals.listed.get(name);
  const top = [...(listed?.items ?? [])].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
  const titles =
    task.of === 'item' && manifest.inputs.items.length > 0
      ? (await openTitles(store, manifest)).at(parseDay(manifest.asOf!))
      : () => undefined;
  const validation = model.validation?.[name];
  return {
    ...common(args, name),
    kind: 'next',
    of: task.of,
    k: task.k,
    ranked: listed?.users ?? 0,
    top: top.slice(0, MOST_LISTED).map(([item, users]) => {
      const label = titles(item);
      return { item, users, ...(label === undefined ? {} : { label }) };
    }),
    ...(validation ? { validation } : {}),
    ...(own?.kind === 'list' ? { evaluation: listEvaluation(own) } : {}),
  };
}

function common({ manifest, outcomes, asked }: ReportArgs, name: string) {
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
    description: describe(manifest.config, name),
    ...(horizon > 0 ? { horizonDays: horizon } : {}),
    ...(noOutcome ? { noOutcome } : {}),
  };
}

function comparisonReport({ cutoff, kept, candidates }: Comparison): ComparisonReport {
  return {
    ...(cutoff === null ? {} : { asOf: cutoff }),
    rows: candidates.map(({ name, reads, tasks }) => ({ name, reads, kept: name === kept, tasks })),
  };
}

function describe(config: Config, name: string): string {
  const task = config.tasks[name]!;
  switch (task.kind) {
    case 'event':
      return task.event === 'purchase'
        ? `Will a customer buy within ${task.horizonDays} days? Asked of everyone who has bought before.`
        : `Will a user have an event "${task.event}" within ${task.horizonDays} days? Asked of everyone who has had one before.`;
    case 'absence':
      return task.event === 'purchase'
        ? `Will a customer buy nothing for ${task.horizonDays} days, and so be lost? Asked of everyone who has bought in the last ${task.activeDays} days.`
        : `Will a user have no event "${task.event}" for ${task.horizonDays} days? Asked of everyone who has had one in the last ${task.activeDays} days.`;
    case 'next':
      return `Which ${task.of === 'item' ? 'items' : `values of "${task.of}"`} will a customer's next events "${task.event}" be of, within ${task.horizonDays} days? A list of ${task.k} for each.`;
    case 'label':
      return `Does a row of the labelled table "${task.source}" have the label "${task.positive}"?`;
  }
}
