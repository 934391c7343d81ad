import type { Config } from '../config/index.ts';
import { shardName } from '../data/index.ts';
import { stateSpec } from './spec.ts';

/** A file of day rows that a run lists. A file without rows has no days. */
export interface DayInput {
  readonly dropId: string;
  readonly revision: string;
  readonly key: string;
  readonly minDay?: number;
  readonly maxDay?: number;
  /** Of drops of a source with a key: when they were dropped, ms UTC. */
  readonly droppedAt?: number;
}

/** What a later run must know of a snapshot to decide whether it serves. Plain JSON. */
export interface SnapshotInfo {
  readonly runId: string;
  readonly spec: string;
  /** States hold the days before this one, … */
  readonly day: number;
  /** … as the run as of this day saw them: the versions of events that counted then. */
  readonly asOf: number;
  readonly shards: number;
  /** The revisions that the run listed, whether or not they had days before `day`. */
  readonly held: readonly Pick<DayInput, 'dropId' | 'revision' | 'droppedAt'>[];
}

export interface FoldPlan {
  /** Fold on from these states and read rows of this day and later; absent: from scratch. */
  readonly snapshot?: SnapshotInfo;
  readonly from?: number;
  /** Write the states as of this day on the way to the as-of day. */
  readonly snapshotDay: number;
  /** The inputs that hold rows to be read. */
  readonly inputs: DayInput[];
}

/** Where the states of a shard stand. */
export function snapshotKey(config: Config, runId: string, shard: number): string {
  return `snapshots/${stateSpec(config)}/${runId}/${shardName(shard)}.arrow`;
}

/** What a run at `asOf` leaves for later runs to decide with. */
export function snapshotInfo(args: {
  config: Config;
  runId: string;
  asOf: number;
  shards: number;
  inputs: readonly DayInput[];
}): SnapshotInfo {
  const { config, runId, asOf, shards, inputs } = args;
  const held = inputs.map(({ dropId, revision, droppedAt }) => ({
    dropId,
    revision,
    ...(droppedAt === undefined ? {} : { droppedAt }),
  }));
  return { runId, spec: stateSpec(config), day: asOf - config.features.lateDays, asOf, shards, held };
}

/**
 * Decides what a run at `asOf` reads. A snapshot at day S serves iff every revision it held is still current and
 * every drop it did not hold has no day before S; then only rows of day S and later are read. The result of the
 * fold is the same to the bit either way. Whether it holds the versions of events that count by now is decided shard by
 * shard (`EventVersions.isStale`).
 * @param asOf shop day; features use days before it
 * @param previous snapshots of earlier runs; the latest that serves is taken
 */
export function planFold(args: {
  config: Config;
  asOf: number;
  shards: number;
  inputs: readonly DayInput[];
  previous?: readonly SnapshotInfo[];
}): FoldPlan {
  const { config, asOf, shards, inputs, previous = [] } = args;
  const snapshotDay = asOf - config.features.lateDays;
  const snapshot = previous
    .filter((s) => s.spec === stateSpec(config) && s.shards === shards && s.day <= snapshotDay)
    .sort((a, b) => b.day - a.day || (a.runId < b.runId ? -1 : 1))
    .find((s) => serves(s, inputs));
  const from = snapshot?.day ?? Number.NEGATIVE_INFINITY;
  const read = inputs.filter(
    ({ minDay, maxDay }) => minDay !== undefined && maxDay !== undefined && minDay < asOf && maxDay >= from,
  );
  return { snapshotDay, inputs: read, ...(snapshot ? { snapshot, from: snapshot.day } : {}) };
}

function serves(snapshot: SnapshotInfo, inputs: readonly DayInput[]): boolean {
  const current = new Map(inputs.map((input) => [input.dropId, input]));
  const held = new Set(snapshot.held.map(({ dropId }) => dropId));
  return (
    snapshot.held.every(({ dropId, revision, droppedAt }) => {
      const input = current.get(dropId);
      return input?.revision === revision && input.droppedAt === droppedAt;
    }) &&
    inputs.every(({ dropId, minDay }) => held.has(dropId) || minDay === undefined || minDay >= snapshot.day)
  );
}
