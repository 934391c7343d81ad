import type { ChildProcess } from 'node:child_process';
import { type Pseudonyms, parseDay, sha256 } from '../data/index.ts';
import { describedAudiences, exportsItems, versionsOf } from '../models/index.ts';
import {
  overUsers,
  profilesKey,
  type RunManifest,
  readManifest,
  scoresKey,
  type TaskGroup,
  tableName,
  tableScoresKey,
  tellSnapshot,
} from '../run/index.ts';
import { type ObjectStore, withScratch } from '../runtime/index.ts';
import { actionsOf } from './actions.ts';
import { writeAudienceTables } from './audiences.ts';
import { alone, openCrew } from './crew.ts';
import { writeExports } from './export.ts';
import { writeItems } from './items.ts';
import { answersOf } from './label-fields.ts';
import type { ExportManifest } from './manifest.ts';
import type { ProfileTable } from './profiles/index.ts';
import { readScores } from './shard-rows.ts';
import {
  type ExportedUplift,
  type ExportTable,
  FILE_SIZES,
  type FileSizes,
  partsOf,
  rankedTasks,
} from './table.ts';
import { writeUnlabelled } from './unlabelled/index.ts';
import { watchNight } from './watch-night.ts';

/** Processes that share out a large export. */
export interface Workers {
  /** How many at once; memory and processors bound it. */
  readonly count: number;
  /** Starts one, which calls `serveSteps`. */
  readonly start: () => ChildProcess;
}

/**
 * The export job: one table of all users, one per labelled table, and one of the items that are forecast, in the shop's own ids. A night also tells later
 * ones that they may fold on from its states.
 * @param workers for users whom one file does not hold; all else is done in this process, as everything is without them
 * @throws DataError when a shard has no scores
 */
export async function exportRun(args: {
  store: ObjectStore;
  runId: string;
  pseudonyms: Pseudonyms;
  now: () => Date;
  progress: (text: string) => void;
  workers?: Workers;
  sizes?: FileSizes;
}): Promise<ExportManifest> {
  const { store, runId, pseudonyms, now, progress, workers, sizes = FILE_SIZES } = args;
  const manifest = await readManifest(store, runId);
  const versions = await versionsOf(store, runId, manifest);
  const tables = await exportTables(store, runId, manifest, versions);
  const { formats, csvFormulas, audiences } = manifest.config.exports;
  const [users] = tables;
  const guardFormulas = csvFormulas !== 'keep';
  return writeExports({
    store,
    runId,
    asOf: manifest.asOf ?? 'none',
    modelVersion: modelVersion(versions),
    formats,
    tables,
    profiles: profileTable(runId, manifest, tables),
    sizes,
    withCrew: ({ scores, likelyRows }, work) =>
      withScratch('export', async (folder) => {
        const together = workers && workers.count > 1 && partsOf(likelyRows, scores.length, sizes) > 1;
        const settings = { folder, guardFormulas };
        const crew = together
          ? openCrew(workers.start, Math.min(workers.count, scores.length), settings)
          : alone({ store, pseudonyms, ...settings });
        try {
          return await work(crew, folder);
        } finally {
          await crew.close();
        }
      }),
    now,
    async beside(keysOf) {
      const settings = { store, guardFormulas };
      const items = exportsItems(manifest)
        ? await writeItems(settings, runId, manifest.asOf!, keysOf('items'))
        : [];
      return [
        ...items,
        ...(await writeUnlabelled({ ...settings, pseudonyms }, runId, manifest, versions, keysOf)),
      ];
    },
    ...(audiences && users?.name === 'users'
      ? {
          likely: async (keysOf) =>
            writeAudienceTables({
              ...{ context: { store, pseudonyms, guardFormulas }, wanted: audiences, users, keysOf },
              described: await describedAudiences(store, manifest, versions),
              tell: progress,
            }),
        }
      : {}),
    watch: (days, rows) => watchNight(store, manifest, days, rows),
    holds: manifest.purpose === 'night' && manifest.config.nightly.onUnusual === 'hold',
    beforeSuccess: () => tellStates(store, runId, manifest, versions),
    onProgress: progress,
  });
}

/** A night's states stand by now: later nights may fold on from them. */
async function tellStates(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
  versions: Versions,
): Promise<void> {
  if (manifest.purpose === 'backtest' || manifest.asOf === null) return;
  if (!manifest.groups.some((group) => overUsers(group) && versions[group.name])) return;
  await tellSnapshot(store, runId, manifest, parseDay(manifest.asOf));
}

/** One name for the models of all groups together. */
export function modelVersion(versions: Readonly<Record<string, string>>): string {
  const named = Object.entries(versions).sort();
  return named.length === 1 ? named[0]![1] : sha256(JSON.stringify(named)).slice(0, 12);
}

type Versions = Readonly<Record<string, string>>;

/** A task that could not be trained yet has no scores, and so no columns. */
async function exportTables(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
  versions: Versions,
): Promise<ExportTable[]> {
  const { groups, config } = manifest;
  const common = { asOf: manifest.asOf, controlShare: config.exports.controlShare };
  const served = groups.filter(({ name }) => versions[name]);
  const tables: ExportTable[] = served
    .filter((group) => !overUsers(group))
    .map((group) => ({
      name: tableName(group),
      shape: { ...common, ...columnsOf(group, config), modelVersion: versions[group.name]! },
      audiences: [],
      scores: [tableScoresKey(runId, group.tasks[0]!)],
      likelyRows: 0,
    }));
  const wanted = served.filter(overUsers).flatMap((group) => group.tasks);
  if (wanted.length > 0) {
    const first = await readScores(store, scoresKey(runId, 0));
    const tasks = wanted.filter((task) => task in first.tasks);
    const values = wanted.filter((task) => task in first.values);
    const uplifts = upliftsOf(
      wanted.filter((task) => task in first.uplifts),
      config.tasks,
    );
    const lists = wanted.filter((task) => task in first.lists);
    tables.unshift({
      name: 'users',
      shape: {
        ...common,
        id: 'user_id',
        tasks,
        values,
        uplifts,
        lists,
        listReasons: lists.filter((task) => task in first.listReasons),
        forecasts: [],
        actions: actionsOf(config),
        modelVersion: modelVersion(versions),
      },
      audiences: first.emails ? rankedTasks({ tasks, values, uplifts }) : [],
      scores: Array.from({ length: manifest.shards }, (_, shard) => scoresKey(runId, shard)),
      // Hashes are even, so all shards are of about one size.
      likelyRows: first.rows * manifest.shards,
    });
  }
  return tables;
}

/** The profiles of the users whom the run scored, where the shop wants them. */
function profileTable(
  runId: string,
  { config, asOf, purpose, shards }: RunManifest,
  [users]: readonly ExportTable[],
): ProfileTable | undefined {
  const { profiles, controlShare, reasons } = config.exports;
  if (!profiles || asOf === null || purpose === 'backtest' || users?.name !== 'users') return undefined;
  return {
    profiles: Array.from({ length: shards }, (_, shard) => profilesKey(runId, shard)),
    ...{ asOf, controlShare, interests: profiles.interests !== undefined },
    ...(profiles.anomaly ? { anomaly: reasons } : {}),
  };
}

/** Tasks with the gain from which on somebody is persuadable. */
const upliftsOf = (names: readonly string[], settings: RunManifest['config']['tasks']): ExportedUplift[] =>
  names.flatMap((name) => {
    const task = settings[name];
    return task?.kind === 'uplift' ? [{ name, least: task.least }] : [];
  });

/** What the table of a group that is scored whole holds. */
function columnsOf(
  { kind, tasks }: TaskGroup,
  config: RunManifest['config'],
): Omit<ExportTable['shape'], 'asOf' | 'modelVersion' | 'controlShare'> {
  const none = { values: [], uplifts: [], lists: [], listReasons: [], actions: [] };
  if (kind === 'uplift-table') {
    const uplifts = upliftsOf(tasks, config.tasks);
    return { ...none, id: 'row_id', tasks: [], uplifts, forecasts: [] };
  }
  if (kind !== 'demand') {
    const labelled = answersOf(config, tasks[0]!);
    return { ...none, id: 'row_id', tasks: labelled ? [] : tasks, labelled, forecasts: [] };
  }
  const task = config.tasks[tasks[0]!]!;
  const id = 'of' in task && task.of === 'item' ? 'item' : 'category';
  return { ...none, id, tasks: [], forecasts: tasks };
}
