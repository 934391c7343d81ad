import type { ChildProcess } from 'node:child_process';
import { type Pseudonyms, parseDay, sha256 } from '../data/index.ts';
import { exportsItems, versionsOf } from '../models/index.ts';
import {
  overUsers,
  type RunManifest,
  readManifest,
  scoresKey,
  tableScoresKey,
  tellSnapshot,
} from '../run/index.ts';
import { type ObjectStore, withScratch } from '../runtime/index.ts';
import { alone, openCrew } from './crew.ts';
import { writeExports } from './export.ts';
import { writeItems } from './items.ts';
import type { ExportManifest } from './manifest.ts';
import { readScores } from './shard-rows.ts';
import { type ExportTable, FILE_SIZES, type FileSizes, partsOf } from './table.ts';

/** Processes that share out a large export. */
export interface Workers {
  /** How many at once; memory and processors bound it. */
  readonly count: number;
  /** Starts one, which calls `serveSteps`. */
  readonly start: () => ChildProcess;
}

/**
 * The export job: one table of all users, and one per labelled table, in the shop's own ids. A night also tells later
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
  return writeExports({
    store,
    runId,
    asOf: manifest.asOf ?? 'none',
    modelVersion: modelVersion(versions),
    formats: manifest.config.exports.formats,
    tables: await exportTables(store, runId, manifest, versions),
    sizes,
    withCrew: ({ scores, likelyRows }, work) =>
      withScratch('export', async (folder) => {
        const together = workers && workers.count > 1 && partsOf(likelyRows, scores.length, sizes) > 1;
        const crew = together
          ? openCrew(workers.start, Math.min(workers.count, scores.length), folder)
          : alone({ store, pseudonyms, folder });
        try {
          return await work(crew);
        } finally {
          await crew.close();
        }
      }),
    now,
    ...(exportsItems(manifest)
      ? { beside: (keysOf) => writeItems(store, runId, manifest.asOf!, keysOf('items')) }
      : {}),
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
    .map(({ name, tasks }) => ({
      name: `table-${tasks[0]}`,
      shape: { ...common, id: 'row_id', tasks, lists: [], modelVersion: versions[name]! },
      audiences: [],
      scores: [tableScoresKey(runId, tasks[0]!)],
      likelyRows: 0,
    }));
  const wanted = served.filter(overUsers).flatMap((group) => group.tasks);
  if (wanted.length > 0) {
    const first = await readScores(store, scoresKey(runId, 0));
    const tasks = wanted.filter((task) => task in first.tasks);
    const lists = wanted.filter((task) => task in first.lists);
    tables.unshift({
      name: 'users',
      shape: { ...common, id: 'user_id', tasks, lists, modelVersion: modelVersion(versions) },
      audiences: first.emails ? tasks : [],
      scores: Array.from({ length: manifest.shards }, (_, shard) => scoresKey(runId, shard)),
      // Hashes are even, so all shards are of about one size.
      likelyRows: first.rows * manifest.shards,
    });
  }
  return tables;
}
