import { sourceOf } from '../../lib/clean/index.ts';
import type { Config } from '../../lib/config/index.ts';
import { type NotChampion, notChampions, notChampionText } from '../../lib/models/index.ts';
import {
  isFinished,
  listDrops,
  type Missing,
  onlyTables,
  runIdOf,
  type StoredManifest,
} from '../../lib/run/index.ts';
import { type ObjectStore, readJson } from '../../lib/runtime/index.ts';
import { scoredShards } from '../../lib/score/index.ts';
import { heldExports } from './held.ts';
import { table, thousands } from './shared.ts';

interface RunState {
  readonly runId: string;
  readonly purpose: string;
  readonly asOf: string | null;
  /** 'yes', 'no' while its own training is not finished, or 'by champions' that served already. */
  readonly trained: string;
  readonly scored: number;
  readonly shards: number;
  readonly finished: boolean;
  /** Groups whose model, trained by the run, did not become champion. */
  readonly notChampions: readonly NotChampion[];
  /** Sources whose changed settings it did not use. */
  readonly unused: readonly Missing[];
  readonly modifiedAt: string;
}

interface SourceState {
  readonly source: string;
  done: number;
  refused: number;
  pending: number;
  /** Files that are no drops by their names. */
  ignored: number;
  rowsIn: number;
  clean: number;
  /** Duplicates that were dropped. */
  duplicates: number;
  /** By conditions of `where`. */
  leftOut: number;
  quarantined: number;
}

/** What lies in a bucket and how far it has come, computed from its objects alone. */
export async function bucketState(store: ObjectStore, config: Config) {
  const ignored: string[] = [];
  const drops = await listDrops(store, config, (key) => ignored.push(key));
  const bySource = new Map<string, SourceState>();
  const rowOf = (key: string): SourceState => {
    const source = sourceOf(config, key)?.name ?? 'no source';
    const files = { done: 0, refused: 0, pending: 0, ignored: 0 };
    const rows = { rowsIn: 0, clean: 0, duplicates: 0, leftOut: 0, quarantined: 0 };
    const row = bySource.get(source) ?? { source, ...files, ...rows };
    bySource.set(source, row);
    return row;
  };
  for (const key of ignored) rowOf(key).ignored += 1;
  for (const drop of drops) {
    const row = rowOf(drop.key);
    row[drop.state] += 1;
    if (drop.state !== 'done') continue;
    row.rowsIn += drop.quality.rowsIn;
    row.clean += drop.quality.clean;
    row.duplicates += drop.quality.duplicates.dropped;
    for (const rows of Object.values(drop.quality.leftOut)) row.leftOut += rows;
    row.quarantined += drop.quality.quarantinedRows;
  }
  const pending = drops.flatMap(({ key, ...drop }) =>
    drop.state === 'pending' ? [{ key, ...(drop.why === undefined ? {} : { why: drop.why }) }] : [],
  );
  const refused = drops.flatMap((drop) =>
    drop.state === 'refused' ? { key: drop.key, ...drop.quality.refused } : [],
  );
  const quarantined: Record<string, number> = {};
  for (const drop of drops) {
    if (drop.state !== 'done') continue;
    for (const [reason, rows] of Object.entries(drop.quality.quarantined)) {
      quarantined[reason] = (quarantined[reason] ?? 0) + rows;
    }
  }
  const exports: { asOf: string; runId: string; finishedAt: string }[] = [];
  for await (const { key, lastModified } of store.list('exports/')) {
    if (!key.endsWith('/current.json')) continue;
    const current = await readJson<{ runId: string }>(store, key);
    exports.push({
      asOf: key.split('/')[1]!.replace('as_of=', ''),
      runId: current!.runId,
      finishedAt: lastModified.toISOString(),
    });
  }
  return {
    sources: [...bySource.values()].sort((a, b) => (a.source < b.source ? -1 : 1)),
    refused,
    pending,
    ignored,
    quarantined,
    runs: await runStates(store),
    exports,
    held: await heldExports(store),
  };
}

/** Every run, oldest first. */
export async function runStates(store: ObjectStore): Promise<RunState[]> {
  const runs: RunState[] = [];
  for await (const { key, lastModified } of store.list('runs/')) {
    if (!key.endsWith('/manifest.json')) continue;
    const manifest = await readJson<StoredManifest>(store, key);
    if (!manifest) continue;
    const runId = runIdOf(manifest);
    const tables = onlyTables(manifest);
    const served = manifest.groups.every(({ name }) => manifest.champions[name]);
    runs.push({
      runId,
      purpose: manifest.purpose,
      asOf: manifest.asOf,
      trained: served ? 'by champions' : (await store.head(`runs/${runId}/finetune.json`)) ? 'yes' : 'no',
      scored: tables ? 0 : (await scoredShards(store, runId, manifest.shards)).length,
      shards: tables ? 0 : manifest.shards,
      finished: await isFinished(store, runId, manifest),
      notChampions: served ? [] : await notChampions(store, runId, manifest),
      unused: manifest.missing.filter(({ kind }) => kind === 'settings'),
      modifiedAt: lastModified.toISOString(),
    });
  }
  return runs.sort((a, b) => (a.modifiedAt < b.modifiedAt ? -1 : 1));
}

export type BucketState = Awaited<ReturnType<typeof bucketState>>;

/** Of a list that can be long, how many a person is shown; --json has all. */
const TOLD = 10;

/** Of the table of drops; docs/operations.md shows it. */
export const DROP_COLUMNS = [
  ...['source', 'done', 'refused', 'pending', 'ignored'],
  ...['rows in', 'clean', 'duplicates', 'left out', 'quarantined'],
];

/** The same for a person. `unprocessed`, `unfinished`: what is to be done about it in the place that is looked at. */
export function printBucket(
  state: BucketState,
  unprocessed = 'not processed yet ("nightjar clean" does it, or says why it cannot)',
  unfinished = 'no: start it again',
): void {
  const drops = state.sources.map((s) => [
    s.source,
    s.done,
    s.refused,
    s.pending,
    s.ignored,
    s.rowsIn,
    s.clean,
    s.duplicates,
    s.leftOut,
    s.quarantined,
  ]);
  console.log(table(DROP_COLUMNS, drops));
  for (const { key, reason, hint } of state.refused) console.log(`refused  ${key}: ${reason} (${hint})`);
  for (const { key, why } of state.pending.slice(0, TOLD))
    console.log(`pending  ${key}: ${why ?? unprocessed}`);
  if (state.pending.length > TOLD) console.log(`pending  and ${state.pending.length - TOLD} more`);
  if (state.ignored.length > 0) {
    const more = state.ignored.length > TOLD ? `, and ${state.ignored.length - TOLD} more` : '';
    console.log(
      `ignored  ${state.ignored.slice(0, TOLD).join(', ')}${more} (files of such names hold no data)`,
    );
  }
  for (const [reason, rows] of Object.entries(state.quarantined)) {
    console.log(`quarantined  ${thousands(rows)} rows: ${reason}`);
  }
  if (state.runs.length > 0) {
    const runs = state.runs.map((run) => [
      run.runId,
      run.purpose,
      run.trained,
      `${run.scored} of ${run.shards}`,
      run.finished ? 'yes' : unfinished,
    ]);
    console.log(`\n${table(['run', 'purpose', 'trained', 'shards scored', 'finished'], runs)}`);
    // What concerned older runs is over.
    const { runId, notChampions: kept, unused } = state.runs.at(-1)!;
    for (const one of kept) console.log(`note     ${runId}: ${notChampionText(one)}`);
    for (const { key, why } of unused) console.log(`note     ${runId}: ${key}: ${why}`);
  }
  for (const { asOf, runId } of state.exports) console.log(`export   as of ${asOf}: ${runId}`);
  for (const { asOf, runId, reasons } of state.held)
    console.log(`held     as of ${asOf}: ${runId}: ${reasons.join('; ')}`);
}
