import type { Config } from '../config/index.ts';
import { NightjarError, parseDay } from '../data/index.ts';
import { championOf } from '../registry/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { View } from './drop-index/index.ts';
import { latestSnapshot, snapshotByIndex, unfinishedRun } from './earlier.ts';
import { isDated, type TaskGroup, taskGroups } from './groups.ts';
import { tooLittleHistory } from './history.ts';
import type { DropState, KnownDrop } from './inputs.ts';
import { buildManifest, type Missing, type RunManifest } from './manifest.ts';
import type { Readiness } from './readiness.ts';
import { putManifest, type ReferringManifest } from './stored-manifest.ts';

export interface PlannedRun {
  readonly runId: string;
  readonly manifest: RunManifest;
  /** An unfinished run of the same inputs was taken up. */
  readonly resumed?: boolean;
}

/** The drops of a run: listed, or what an index says of them. */
export type PlannedDrops = readonly DropState[] | View;

interface PlanArgs {
  readonly store: ObjectStore;
  readonly config: Config;
  readonly purpose: RunManifest['purpose'];
  readonly asOf: string | null;
  readonly retrain?: boolean;
  readonly only?: string;
}

/**
 * Names a run's inputs and writes its manifest, or takes up the unfinished run that has the same ones: its models may
 * have become champions since, and starting anew would score with them twice. A champion serves only days from the one
 * as of which it was trained: where it is younger than the as-of day, the run trains its own model.
 * @param retrain train every group even where a champion serves
 * @param only a task: its group alone
 * @param unmet sources whose last days have not arrived, for the manifest to name
 */
export async function planRun(
  args: PlanArgs & { drops: Iterable<KnownDrop>; unmet?: readonly Missing[] },
): Promise<PlannedRun> {
  const { store, config, drops, purpose, asOf, unmet = [] } = args;
  const named = await groupsAndChampions(args);
  const base = buildManifest({ purpose, config, asOf, ...named, drops, snapshot: null, unmet });
  checkInputs(base.inputs.events.length + base.inputs.labels.length);
  const unfinished = await unfinishedRun(store, base);
  if (unfinished) return { ...unfinished, resumed: true };
  const manifest = folds(args) ? { ...base, snapshot: await latestSnapshot(store, base) } : base;
  return { runId: await putManifest(store, manifest), manifest };
}

/**
 * `planRun` for a call of the tick. Where an index keeps the drops, the manifest names its segments instead of them.
 * @param before leave out drops of events that begin on this shop day or later
 */
export async function planTick(
  args: PlanArgs & { drops: PlannedDrops; ready: Pick<Readiness, 'missing' | 'unmet'>; before?: number },
): Promise<{ runId: string }> {
  const { store, config, drops, purpose, asOf, ready, before } = args;
  if (!(drops instanceof View)) {
    const own = drops.filter((drop) => before === undefined || isBefore(drop, before));
    return planRun({ ...args, drops: own, unmet: ready.unmet });
  }
  const index = await drops.referred(before);
  const partial = tooLittleHistory(config, drops.history);
  const base: ReferringManifest = {
    format: 1,
    purpose,
    asOf,
    config,
    ...(await groupsAndChampions(args)),
    shards: config.shards,
    missing: ready.missing,
    ...(partial === undefined ? {} : { partial }),
    snapshot: null,
    index,
  };
  checkInputs(index.inputs);
  const unfinished = await unfinishedRun(store, base);
  if (unfinished) return unfinished;
  const snapshot = folds(args) ? await snapshotByIndex(store, drops.loaded, base) : null;
  return { runId: await putManifest(store, { ...base, snapshot }) };
}

/** Is it no drop of events, or one that begins before a shop day? */
export function isBefore(drop: KnownDrop, day: number): boolean {
  if (drop.state !== 'done' || drop.quality.table !== 'events') return true;
  return drop.quality.minDay === null || drop.quality.minDay < day;
}

const folds = ({ purpose, asOf }: PlanArgs): boolean =>
  (purpose === 'night' || purpose === 'backfill') && asOf !== null;

async function groupsAndChampions({
  store,
  config,
  purpose,
  asOf,
  retrain = false,
  only,
}: PlanArgs): Promise<Pick<RunManifest, 'groups' | 'champions'>> {
  const groups = taskGroups(config, only);
  checkGroups(config, groups, asOf, only);
  const trains = retrain || purpose === 'training' || purpose === 'backtest';
  const champions: Record<string, string | null> = {};
  for (const { name } of groups) {
    champions[name] = trains ? null : await championOf(store, name, asOf ?? undefined);
  }
  return { groups, champions };
}

function checkInputs(inputs: number): void {
  if (inputs > 0) return;
  throw new NightjarError(
    'nothing to run on: no drop of events or labels has a clean row ("nightjar drop", "nightjar status")',
  );
}

function checkGroups(config: Config, groups: readonly TaskGroup[], asOf: string | null, only?: string): void {
  if (groups.length === 0) {
    const names = Object.keys(config.tasks).join(', ') || 'none';
    throw new NightjarError(
      only ? `there is no task "${only}"; the config has: ${names}` : 'the config has no tasks',
    );
  }
  if (asOf === null && groups.some(isDated)) {
    throw new NightjarError('say which day to score: --as-of YYYY-MM-DD (features use the days before it)');
  }
  if (asOf !== null) parseDay(asOf);
}
