import type { Config } from '../../lib/config/index.ts';
import { isFinished, listDrops, type RunManifest, runIdOf } from '../../lib/run/index.ts';
import { type ObjectStore, readJson } from '../../lib/runtime/index.ts';
import { scoredShards } from '../../lib/score/index.ts';
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
  readonly modifiedAt: string;
}

/** What lies in a bucket and how far it has come, computed from its objects alone. */
export async function bucketState(store: ObjectStore, config: Config) {
  const drops = await listDrops(store, config);
  const bySource = new Map<
    string,
    {
      source: string;
      done: number;
      refused: number;
      pending: number;
      rowsIn: number;
      clean: number;
      quarantined: number;
    }
  >();
  for (const drop of drops) {
    const source =
      drop.state === 'pending' ? (drop.key.split('/')[1] ?? '') : (drop.quality.source ?? 'no source');
    let row = bySource.get(source);
    if (!row)
      bySource.set(
        source,
        (row = { source, done: 0, refused: 0, pending: 0, rowsIn: 0, clean: 0, quarantined: 0 }),
      );
    row[drop.state] += 1;
    if (drop.state !== 'done') continue;
    row.rowsIn += drop.quality.rowsIn;
    row.clean += drop.quality.clean;
    row.quarantined += drop.quality.quarantinedRows;
  }
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
    sources: [...bySource.values()],
    refused,
    quarantined,
    runs: await runStates(store),
    exports,
  };
}

/** Every run, oldest first. */
export async function runStates(store: ObjectStore): Promise<RunState[]> {
  const runs: RunState[] = [];
  for await (const { key, lastModified } of store.list('runs/')) {
    if (!key.endsWith('/manifest.json')) continue;
    const manifest = await readJson<RunManifest>(store, key);
    if (!manifest) continue;
    const runId = runIdOf(manifest);
    const tables = manifest.groups.every(({ kind }) => kind === 'label');
    runs.push({
      runId,
      purpose: manifest.purpose,
      asOf: manifest.asOf,
      trained: manifest.groups.every(({ name }) => manifest.champions[name])
        ? 'by champions'
        : (await store.head(`runs/${runId}/finetune.json`))
          ? 'yes'
          : 'no',
      scored: tables ? 0 : (await scoredShards(store, runId, manifest.shards)).length,
      shards: tables ? 0 : manifest.shards,
      finished: await isFinished(store, runId, manifest),
      modifiedAt: lastModified.toISOString(),
    });
  }
  return runs.sort((a, b) => (a.modifiedAt < b.modifiedAt ? -1 : 1));
}

export type BucketState = Awaited<ReturnType<typeof bucketState>>;

/** The same for a person. */
export function printBucket(state: BucketState, unfinished = 'no: start it again'): void {
  const drops = state.sources.map((s) => [
    s.source,
    s.done,
    s.refused,
    s.pending,
    s.rowsIn,
    s.clean,
    s.quarantined,
  ]);
  console.log(table(['source', 'done', 'refused', 'pending', 'rows in', 'clean', 'quarantined'], drops));
  for (const { key, reason, hint } of state.refused) console.log(`refused  ${key}: ${reason} (${hint})`);
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
  }
  for (const { asOf, runId } of state.exports) console.log(`export   as of ${asOf}: ${runId}`);
}
