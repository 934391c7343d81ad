import type { Config } from '../config/index.ts';
import { shardName } from '../data/index.ts';
import { LATE_DAYS, stateSpec } from './spec.ts';

/** A file of day rows that a run lists. A file without rows has no days. */
export interface DayInput {
  readonly dropId: string;
  readonly revision: string;
  readonly key: string;
  readonly minDay?: number;
  readonly maxDay?: number;
}

/** What a later run must know of a snapshot to decide whether it serves. Plain JSON. */
export interface SnapshotInfo {
  readonly runId: string;
  readonly spec: string;
  /** States hold the days before this one. */
  readonly day: number;
  readonly shards: number;
  /** The revisions that the run listed, whether or not they had days before `day`. */
  readonly held: readonly { readonly dropId: string; readonly revision: string }[];
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
  const held = inputs.map(({ dropId, revision }) => ({ dropId, revision }));
  return { runId, spec: stateSpec(config), day: asOf - LATE_DAYS, shards, held };
}

/**
 * Decides what a run at `asOf` reads. A snapshot at day S serves iff every revision it held is still current and
 * every drop it did not hold has no day before S; then only rows of day S and later are read. The result of the
 * fold is the same to the bit either way.
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
  const snapshotDay = asOf - LATE_DAYS;
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
  const current = new Map(inputs.map(({ dropId, revision }) => [dropId, revision]));
  const held = new Set(snapshot.held.map(({ dropId }) => dropId));
  return (
    snapshot.held.every(({ dropId, revision }) => current.get(dropId) === revision) &&
    inputs.every(({ dropId, minDay }) => held.has(dropId) || minDay === undefined || minDay >= snapshot.day)
  );
}
