import type { Config } from '../config/index.ts';
import { formatDay, parseDay } from '../data/index.ts';
import { type ExportManifest, modelVersion } from '../export/index.ts';
import { notChampions, notChampionText, scarceOf } from '../models/index.ts';
import type { OrdersReport, ProfilesReport, QualityReport, RunReport, StageReport } from '../report/index.ts';
import { heldBack, type RunManifest } from '../run/index.ts';
import { readJson } from '../runtime/index.ts';
import { LIFECYCLES } from '../score/index.ts';
import { audienceReports } from './audience-reports.ts';
import { groupReports } from './groups.ts';
import { modelReports } from './model-report.ts';
import { dataThrough } from './outcomes.ts';
import { type Orders, readPast } from './past.ts';
import { qualityReport } from './quality-report.ts';
import type { ReportArgs, StageSeconds } from './report-args.ts';
import { readTotals, type ScoreTotals } from './score-totals.ts';

/** Everything that the page of a run shows. */
export async function runReport(args: ReportArgs): Promise<RunReport> {
  const { store, runId, manifest, drops, leftOut, versions, seconds, now } = args;
  const { config, asOf } = manifest;
  const conditions = Object.values(config.tasks).some(
    (task) => 'population' in task && typeof task.population === 'object',
  );
  const totals = await readTotals(store, runId, manifest, versions);
  const past = await readPast(store, manifest, asOf === null ? Number.NEGATIVE_INFINITY : parseDay(asOf));
  const quality = await qualityReport(store, manifest, drops, past.days);
  const exported =
    manifest.purpose !== 'backtest'
      ? await readJson<ExportManifest>(store, `exports/as_of=${asOf ?? 'none'}/${runId}/manifest.json`)
      : undefined;
  const held = exported && (await heldBack(store, asOf, runId));
  const through = dataThrough(manifest);
  const groups = await groupReports(store, manifest, args.outcomes);
  const audiences = await audienceReports(args, exported);
  return {
    title: manifest.purpose === 'backtest' ? 'Backtest' : 'Scores',
    shop: config.shop.name,
    runId,
    ...(asOf === null ? {} : { asOf }),
    createdAt: `${now.toISOString().slice(0, 16).replace('T', ' ')} UTC`,
    modelVersion: modelVersion(versions),
    dataThrough:
      through === undefined || asOf === null ? '–' : formatDay(Math.min(through, parseDay(asOf) - 1)),
    warnings: [
      ...audiences.flatMap(({ name, why }) => (why === undefined ? [] : [`audience ${name}: ${why}`])),
      ...warnings(manifest),
      ...(exported?.watch?.unusual ?? []),
      ...(held ? ['the export is held back until somebody releases it ("nightjar release")'] : []),
      ...(await scarceOf(store, manifest, versions)).map(({ task, why }) => `${task}: ${why}`),
      ...(await notChampions(store, runId, manifest)).map(notChampionText),
    ],
    stages: stages(quality, totals, seconds),
    quality,
    models: await modelReports(args, totals),
    ...(totals.unasked > 0
      ? { unasked: { users: totals.unasked, of: totals.users, ...(conditions ? { conditions } : {}) } }
      : {}),
    ...(groups.length > 0 ? { groups } : {}),
    leftOut,
    ...(past.orders ? { orders: ordersReport(past.orders) } : {}),
    ...(exported
      ? {
          exports: {
            path: `exports/as_of=${asOf ?? 'none'}/${runId}`,
            // Rows of items and tables are no users, where there are any.
            users: totals.users > 0 ? totals.users : exported.rows,
            files: filesByFolder(exported.files),
          },
        }
      : {}),
    ...(audiences.length > 0 ? { audiences } : {}),
    ...(exported?.profiles ? { profiles: profilesReport(exported.profiles, config) } : {}),
  };
}

function profilesReport(
  { users, buyers, lifecycle, silhouette, segments }: NonNullable<ExportManifest['profiles']>,
  { shop }: Config,
): ProfilesReport {
  return {
    ...{ users, buyers, segments },
    lifecycle: LIFECYCLES.map((name) => ({ name, users: lifecycle[name] ?? 0 })),
    ...(silhouette === undefined ? {} : { silhouette }),
    ...(shop.currency === undefined ? {} : { currency: shop.currency }),
  };
}

/** A line for each folder: a table of many users has several files in one. */
function filesByFolder(files: ExportManifest['files']): { name: string; bytes: number }[] {
  const folders = new Map<string, { key: string; bytes: number }[]>();
  for (const file of files) {
    const folder = file.key.slice(0, file.key.lastIndexOf('/'));
    folders.set(folder, [...(folders.get(folder) ?? []), file]);
  }
  return [...folders].map(([folder, within]) => ({
    name: within.length === 1 ? within[0]!.key : `${folder}/ (${within.length} files)`,
    bytes: within.reduce((sum, { bytes }) => sum + bytes, 0),
  }));
}

const ordersReport = ({ count, mean, from, to }: Orders): OrdersReport => ({ count, mean, from, to });

function warnings(manifest: RunManifest): string[] {
  const { config, inputs, missing, copies } = manifest;
  const timeless = [...inputs.items, ...inputs.users].map(({ source }) => source);
  return [
    ...[...new Set(timeless)]
      .filter((source) => !hasStart(config, source))
      .map((source) => `${source}: static attributes, not point-in-time`),
    ...missing.map(({ kind, key, why }) =>
      kind === 'settings' ? `${key}: ${why}` : `${key} is missing from this run: ${why}`,
    ),
    ...copies.map(({ key, sameAs }) => `${key} has the bytes of ${sameAs} and counts once`),
  ];
}

function hasStart({ sources }: Config, source: string): boolean {
  const { columns } = sources[source]!;
  return 'valid_from' in columns && columns.valid_from !== undefined;
}

function stages(quality: QualityReport, totals: ScoreTotals, seconds: StageSeconds): StageReport[] {
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
    stage('score', clean, totals.rows, 0),
    stage('export', totals.rows, totals.rows, 0),
  ].filter(({ name }) => seconds[name] !== undefined);
}
