import { expect } from 'vitest';
import type { Config } from '../../lib/config/index.ts';
import {
  dayFile,
  featureNames,
  featureVector,
  type NewestBy,
  planFold,
  readShardDays,
  type SnapshotInfo,
  SnapshotWriter,
  snapshotInfo,
  snapshotKey,
} from '../../lib/features/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { type PutDrop, versionsOf } from './shop.ts';

export interface NightResult {
  /** Snapshots and states as of the day of all shards. */
  readonly bytes: Buffer;
  readonly vectors: Map<string, Float32Array>;
  readonly info: SnapshotInfo;
  readonly fromSnapshot: boolean;
  /** Shards that the snapshot did not serve. */
  readonly stale: number[];
  readonly replaced: Readonly<Record<string, number>>;
}

/** One night: what a run writes and computes, as bytes. */
export async function night(
  store: ObjectStore,
  settings: Config,
  args: {
    runId: string;
    asOf: number;
    inputs: readonly PutDrop[];
    shards?: number;
    previous?: SnapshotInfo[];
    newestBy?: NewestBy;
    times?: number;
  },
): Promise<NightResult> {
  const { runId, asOf, inputs, shards = 1, previous = [], newestBy, times } = args;
  const common = { config: settings, asOf, shards, inputs };
  const { snapshot } = planFold({ ...common, previous });
  const versions = await versionsOf(store, inputs, asOf, {
    newestBy,
    times,
    shards,
    ...(snapshot ? { snapshot } : {}),
  });
  const length = featureNames(settings).length;
  const vectors = new Map<string, Float32Array>();
  const parts: Uint8Array[] = [];
  const stale = Array.from({ length: shards }, (_, shard) => shard).filter((shard) =>
    versions?.isStale(shard),
  );
  for (let shard = 0; shard < shards; shard++) {
    const plan = planFold({ ...common, previous: snapshot && !stale.includes(shard) ? [snapshot] : [] });
    const users = await readShardDays({
      store,
      config: settings,
      inputs: plan.inputs.map(dayFile),
      shard,
      shards,
      before: asOf,
      replaced: await versions?.shard(shard, shards, asOf),
      ...(plan.snapshot
        ? { from: plan.snapshot.day, snapshot: snapshotKey(settings, plan.snapshot.runId, shard) }
        : {}),
    });
    const early = new SnapshotWriter(settings, users.items, plan.snapshotDay);
    const late = new SnapshotWriter(settings, users.items, asOf);
    for (const { user, hash, state, advance } of users) {
      advance(plan.snapshotDay);
      early.add(user, hash, state);
      advance(asOf);
      late.add(user, hash, state);
      const vector = new Float32Array(length);
      featureVector(state, asOf, settings, vector);
      expect(vectors.has(user)).toBe(false);
      vectors.set(user, vector);
    }
    const bytes = early.encode();
    await store.put(snapshotKey(settings, runId, shard), bytes, { ifAbsent: true });
    parts.push(bytes, late.encode());
  }
  const info = snapshotInfo({ config: settings, runId, asOf, shards, inputs });
  const bytes = Buffer.concat(parts);
  const replaced = versions?.replaced ?? {};
  return { bytes, vectors, info, fromSnapshot: snapshot !== undefined, stale, replaced };
}
