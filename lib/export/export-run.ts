import { DataError, type Pseudonyms, parseDay, sha256 } from '../data/index.ts';
import { type ShardScores, versionsOf } from '../models/index.ts';
import {
  overUsers,
  type RunManifest,
  readManifest,
  scoresKey,
  tableScoresKey,
  tellSnapshot,
} from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { decodeScores } from '../score/index.ts';
import { type ExportTable, writeExports } from './export.ts';
import type { ExportManifest } from './manifest.ts';

/**
 * The export job: one table of all users, and one per labelled table, in the shop's own ids. A night also tells later
 * ones that they may fold on from its states.
 * @throws DataError when a shard has no scores
 */
export async function exportRun(args: {
  store: ObjectStore;
  runId: string;
  pseudonyms: Pseudonyms;
  now: () => Date;
  progress: (text: string) => void;
}): Promise<ExportManifest> {
  const { store, runId, pseudonyms, now, progress } = args;
  const manifest = await readManifest(store, runId);
  const versions = await versionsOf(store, runId, manifest);
  return writeExports({
    store,
    runId,
    asOf: manifest.asOf ?? 'none',
    modelVersion: modelVersion(versions),
    formats: manifest.config.exports.formats,
    tables: await exportTables(store, runId, manifest, versions),
    idOf: (pseudonym) => pseudonyms.open(pseudonym),
    now,
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
      shards: async function* () {
        yield await readScores(store, tableScoresKey(runId, tasks[0]!));
      },
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
      shards: async function* () {
        yield first;
        for (let shard = 1; shard < manifest.shards; shard++)
          yield await readScores(store, scoresKey(runId, shard));
      },
    });
  }
  return tables;
}

async function readScores(store: ObjectStore, key: string): Promise<ShardScores> {
  if (!(await store.head(key))) {
    throw new DataError(`${key} is not there: score the whole run before it is exported ("nightjar score")`);
  }
  return decodeScores(await (await store.get(key)).bytes(), key);
}
