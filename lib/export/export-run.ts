import { DataError, type Pseudonyms, parseDay, sha256 } from '../data/index.ts';
import { snapshotInfo } from '../features/index.ts';
import { versionsOf } from '../learn/index.ts';
import {
  dayInputs,
  type RunManifest,
  readManifest,
  scoresKey,
  snapshotInfoKey,
  tableScoresKey,
} from '../run/index.ts';
import { type ObjectStore, putJson } from '../runtime/index.ts';
import { decodeScores } from '../score/index.ts';
import { type ExportManifest, type ExportTable, writeExports } from './export.ts';

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
    tables: exportTables(store, runId, manifest, versions),
    idOf: (pseudonym) => pseudonyms.open(pseudonym),
    now,
    beforeSuccess: () => tellSnapshot(store, runId, manifest),
    onProgress: progress,
  });
}

/** A night's states stand by now: later nights may fold on from them. */
async function tellSnapshot(store: ObjectStore, runId: string, manifest: RunManifest): Promise<void> {
  if (manifest.purpose === 'backtest' || manifest.asOf === null) return;
  const info = snapshotInfo({
    config: manifest.config,
    runId,
    asOf: parseDay(manifest.asOf),
    shards: manifest.shards,
    inputs: dayInputs(manifest),
  });
  await putJson(store, snapshotInfoKey(runId), info, { ifAbsent: true });
}

/** One name for the models of all groups together. */
export function modelVersion(versions: Readonly<Record<string, string>>): string {
  const named = Object.entries(versions).sort();
  return named.length === 1 ? named[0]![1] : sha256(JSON.stringify(named)).slice(0, 12);
}

function exportTables(
  store: ObjectStore,
  runId: string,
  manifest: RunManifest,
  versions: Readonly<Record<string, string>>,
): ExportTable[] {
  const { groups, config } = manifest;
  const common = { asOf: manifest.asOf, controlShare: config.exports.controlShare };
  const ofKind = (kind: string) => groups.filter((group) => group.kind === kind);
  const tables: ExportTable[] = ofKind('label').map(({ name, tasks }) => ({
    name: `table-${tasks[0]}`,
    shape: { ...common, id: 'row_id', tasks, lists: [], modelVersion: versions[name]! },
    shards: async function* () {
      yield await readScores(store, tableScoresKey(runId, tasks[0]!));
    },
  }));
  const tasks = ofKind('users').flatMap((group) => group.tasks);
  const lists = ofKind('next').flatMap((group) => group.tasks);
  if (tasks.length + lists.length > 0) {
    tables.unshift({
      name: 'users',
      shape: { ...common, id: 'user_id', tasks, lists, modelVersion: modelVersion(versions) },
      shards: async function* () {
        for (let shard = 0; shard < manifest.shards; shard++)
          yield await readScores(store, scoresKey(runId, shard));
      },
    });
  }
  return tables;
}

async function readScores(store: ObjectStore, key: string) {
  if (!(await store.head(key))) {
    throw new DataError(`${key} is not there: score the whole run before it is exported ("nightjar score")`);
  }
  return decodeScores(await (await store.get(key)).bytes(), key);
}
