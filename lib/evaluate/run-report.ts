import type { Config } from '../config/index.ts';
import { EVENT_TYPES, formatDay, parseDay } from '../data/index.ts';
import type { ExportManifest } from '../export/index.ts';
import { modelVersion } from '../export/index.ts';
import type { Comparison, TableModelManifest, UsersModelManifest } from '../learn/index.ts';
import { readModelFile } from '../registry/index.ts';
import type {
  BinaryTaskReport,
  ComparisonReport,
  NextTaskReport,
  QualityReport,
  RunReport,
  StageReport,
  TaskReport,
} from '../report/index.ts';
import { type DropState, type RunManifest, scoresKey, type TaskGroup, tableScoresKey } from '../run/index.ts';
import { type ObjectStore, readJson } from '../runtime/index.ts';
import { decodeScores, type ShardScores } from '../score/index.ts';
import { dayCounts } from './day-counts.ts';
import { binaryEvaluation, listEvaluation } from './metrics.ts';
import { dataThrough, type Outcomes } from './outcomes.ts';

export type StageSeconds = Readonly<Record<string, number | undefined>>;

interface ReportArgs {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly manifest: RunManifest;
  readonly drops: readonly DropState[];
  readonly outcomes: Readonly<Record<string, Outcomes>>;
  readonly versions: Readonly<Record<string, string>>;
  readonly seconds: StageSeconds;
  readonly now: Date;
}

/** Training curves and choices, as every kind of model's manifest holds them. */
type ModelManifest = Pick<UsersModelManifest, 'curve' | 'selection'> &
  Partial<Pick<UsersModelManifest, 'pretraining' | 'comparison'> & Pick<TableModelManifest, 'strengths'>>;

/** Everything that the page of a run shows. */
export async function runReport(args: ReportArgs): Promise<RunReport> {
  const { store, runId, manifest, drops, versions, seconds, now } = args;
  const { config, asOf } = manifest;
  const totals = await scoreTotals(store, runId, manifest);
  const quality = await qualityReport(store, manifest, drops);
  const tasks: TaskReport[] = [];
  for (const group of manifest.groups) {
    const text = new TextDecoder().decode(
      await readModelFile(store, group.name, versions[group.name]!, 'manifest.json'),
    );
    const model: ModelManifest = JSON.parse(text);
    group.tasks.forEach((name, t) => {
      tasks.push(taskReport(args, group, name, t, model, totals));
    });
  }
  const exported =
    manifest.purpose !== 'backtest'
      ? await readJson<ExportManifest>(store, `exports/as_of=${asOf ?? 'none'}/${runId}/manifest.json`)
      : undefined;
  const through = dataThrough(manifest);
  return {
    title: manifest.purpose === 'backtest' ? 'Backtest' : 'Nightly run',
    shop: config.shop.name,
    runId,
    ...(asOf === null ? {} : { asOf }),
    createdAt: `${now.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    modelVersion: modelVersion(versions),
    dataThrough:
      through === undefined || asOf === null ? '–' : formatDay(Math.min(through, parseDay(asOf) - 1)),
    warnings: warnings(manifest),
    stages: stages(quality, totals, seconds),
    quality,
    tasks,
    ...(exported
      ? {
          exports: {
            path: `exports/as_of=${asOf ?? 'none'}/${runId}`,
            users: exported.rows,
            files: exported.files.map(({ name, bytes }) => ({ name, bytes })),
          },
        }
      : {}),
  };
}

/** What is read off all score files in one pass, in memory that does not grow with the number of users. */
interface Totals {
  users: number;
  /** Per task counts of probabilities in twentieths. */
  readonly histograms: Record<string, number[]>;
  /** Per list task how many users' lists hold an item. */
  readonly listed: Record<string, Map<string, number>>;
}

const HISTOGRAM = 20;

async function scoreTotals(store: ObjectStore, runId: string, manifest: RunManifest): Promise<Totals> {
  const totals: Totals = { users: 0, histograms: {}, listed: {} };
  const add = (scores: ShardScores) => {
    totals.users += scores.users.length;
    for (const [task, { probability }] of Object.entries(scores.tasks)) {
      const counts = (totals.histograms[task] ??= new Array<number>(HISTOGRAM).fill(0));
      for (const p of probability) {
        if (!Number.isNaN(p)) counts[Math.min(HISTOGRAM - 1, Math.floor(p * HISTOGRAM))]! += 1;
      }
    }
    for (const [task, lists] of Object.entries(scores.lists)) {
      const counts = (totals.listed[task] ??= new Map());
      for (const list of lists) {
        const items: string[] = JSON.parse(list ?? '[]');
        for (const item of items) counts.set(item, (counts.get(item) ?? 0) + 1);
      }
    }
  };
  const keys = manifest.groups.some(({ kind }) => kind !== 'label')
    ? Array.from({ length: manifest.shards }, (_, shard) => scoresKey(runId, shard))
    : [];
  for (const { kind, tasks } of manifest.groups)
    if (kind === 'label') keys.push(tableScoresKey(runId, tasks[0]!));
  for (const key of keys) add(decodeScores(await (await store.get(key)).bytes(), key));
  return totals;
}

function taskReport(
  { manifest, outcomes }: ReportArgs,
  { kind }: TaskGroup,
  name: string,
  index: number,
  model: ModelManifest,
  totals: Totals,
): TaskReport {
  const task = manifest.config.tasks[name]!;
  const own = outcomes[name];
  const common = {
    name,
    description: describe(manifest.config, name),
    ...(task.kind === 'label' ? {} : { horizonDays: task.horizonDays }),
    training: model.curve.map(({ step, trainLoss, validLoss, lr, gradNorm }) => ({
      step,
      train: trainLoss,
      valid: validLoss,
      rate: lr,
      gradient: gradNorm,
    })),
    pretraining: (model.pretraining ?? []).map(({ step, trainLoss }) => ({ step, train: trainLoss })),
    selection: model.selection,
  };
  const asOf = manifest.asOf ?? undefined;
  if (task.kind === 'next') {
    const top = [...(totals.listed[name] ?? [])].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
    return {
      ...common,
      kind: 'next',
      k: task.k,
      top: top.slice(0, 20).map(([item, users]) => ({ item, users })),
      ...(own?.kind === 'list' ? { evaluation: listEvaluation(own, asOf) } : {}),
    } satisfies NextTaskReport;
  }
  const strengths = model.strengths?.[kind === 'users' ? index : 0];
  const counts = totals.histograms[name] ?? [];
  return {
    ...common,
    kind: task.kind,
    scoreHistogram: counts.map((n, i) => ({ from: i / HISTOGRAM, to: (i + 1) / HISTOGRAM, n })),
    groups: strengths?.groups ?? [],
    features: strengths?.features ?? [],
    ...(model.comparison ? { comparison: comparisonReport(model.comparison, name) } : {}),
    ...(own?.kind === 'binary' ? { evaluation: binaryEvaluation(own, asOf) } : {}),
  } satisfies BinaryTaskReport;
}

function comparisonReport({ cutoff, kept, candidates }: Comparison, task: string): ComparisonReport {
  return {
    ...(cutoff === null ? {} : { asOf: cutoff }),
    rows: candidates.flatMap(({ name, reads, tasks }) =>
      tasks
        .filter((measures) => measures.task === task)
        .map(({ n, auroc, auprc, logLoss }) => ({
          name,
          reads,
          kept: name === kept,
          n,
          auroc,
          auprc,
          logLoss,
        })),
    ),
  };
}

function describe(config: Config, name: string): string {
  const task = config.tasks[name]!;
  switch (task.kind) {
    case 'event':
      return `Will a user have an event "${task.event}" within ${task.horizonDays} days? Asked of everyone who has had one before.`;
    case 'absence':
      return `Will a user have no event "${task.event}" for ${task.horizonDays} days? Asked of everyone who has had one in the last ${task.activeDays} days.`;
    case 'next':
      return `Which ${task.of} will a user's events "${task.event}" within ${task.horizonDays} days be of? A list of ${task.k} for each user.`;
    case 'label':
      return `Has a row of the labelled table "${task.source}" the label "${task.positive}"?`;
  }
}

function warnings(manifest: RunManifest): string[] {
  const { config, inputs, missing, copies } = manifest;
  const timeless = [...inputs.items, ...inputs.users].map(({ source }) => source);
  return [
    ...[...new Set(timeless)]
      .filter((source) => {
        const { columns } = config.sources[source]!;
        return !('valid_from' in columns) || columns.valid_from === undefined;
      })
      .map((source) => `${source}: static attributes, not point-in-time`),
    ...missing.map(({ key, why }) => `${key} is missing from this run: ${why}`),
    ...copies.map(({ key, sameAs }) => `${key} has the bytes of ${sameAs} and counts once`),
  ];
}

function stages(quality: QualityReport, totals: Totals, seconds: StageSeconds): StageReport[] {
  const { rowsIn, clean, quarantined } = quality.totals;
  const stage = (name: string, rowsIn: number, rowsOut: number, lost: number): StageReport => ({
    name,
    rowsIn,
    rowsOut,
    quarantined: lost,
    seconds: seconds[name] ?? 0,
  });
  return [
    stage('clean', rowsIn, clean, quarantined),
    stage('finetune', clean, clean, 0),
    stage('score', clean, totals.users, 0),
    stage('export', totals.users, totals.users, 0),
  ].filter(({ name }) => seconds[name] !== undefined);
}

async function qualityReport(
  store: ObjectStore,
  manifest: RunManifest,
  drops: readonly DropState[],
): Promise<QualityReport> {
  const listed = new Set(Object.values(manifest.inputs).flatMap((inputs) => inputs.map(({ drop }) => drop)));
  const done = drops.flatMap((drop) => (drop.state === 'done' && listed.has(drop.key) ? drop.quality : []));
  const refused = drops.flatMap((drop) =>
    drop.state === 'refused' ? { key: drop.key, reason: drop.quality.refused.reason } : [],
  );
  const reasons = new Map<string, number>();
  const flags = new Map<string, number>();
  for (const { quarantined, flagged } of done) {
    for (const [reason, rows] of Object.entries(quarantined))
      reasons.set(reason, (reasons.get(reason) ?? 0) + rows);
    for (const [rule, rows] of Object.entries(flagged)) flags.set(rule, (flags.get(rule) ?? 0) + rows);
  }
  const sum = (of: (quality: (typeof done)[number]) => number) => done.reduce((total, q) => total + of(q), 0);
  return {
    totals: {
      files: done.length + refused.length,
      rowsIn: sum((q) => q.rowsIn),
      clean: sum((q) => q.clean),
      duplicates: sum((q) => q.duplicates.dropped),
      duplicatesKept: sum((q) => (q.duplicates.policy === 'keep' ? q.duplicates.found : 0)),
      quarantined: sum((q) => q.quarantinedRows),
      refused: refused.length,
    },
    reasons: [...reasons].map(([reason, rows]) => ({ reason, rows })).sort((a, b) => b.rows - a.rows),
    flags: [...flags].map(([rule, rows]) => ({ rule, rows })).sort((a, b) => b.rows - a.rows),
    days: await dayCounts(store, manifest, EVENT_TYPES),
    refused,
  };
}
