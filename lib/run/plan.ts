import type { Config } from '../config/index.ts';
import { canonicalJson, NightjarError, parseDay } from '../data/index.ts';
import { planFold, type SnapshotInfo } from '../features/index.ts';
import { championOf } from '../registry/index.ts';
import { type ObjectStore, readJson } from '../runtime/index.ts';
import { type TaskGroup, taskGroups } from './groups.ts';
import type { DropState } from './inputs.ts';
import { buildManifest, dayInputs, putManifest, type RunManifest, runIdOf } from './manifest.ts';

export interface PlannedRun {
  readonly runId: string;
  readonly manifest: RunManifest;
}

/** Left by a finished night for later ones: the states that they may fold on from. */
export const snapshotInfoKey = (runId: string): string => `runs/${runId}/snapshot.json`;

/**
 * Names a run's inputs and writes its manifest, or takes up the unfinished run that has the same ones: its models may
 * have become champions since, and starting anew would score with them twice.
 * @param retrain train every group even where a champion serves
 * @param only a task: its group alone
 */
export async function planRun(args: {
  store: ObjectStore;
  config: Config;
  drops: readonly DropState[];
  purpose: RunManifest['purpose'];
  asOf: string | null;
  retrain?: boolean;
  only?: string;
}): Promise<PlannedRun> {
  const { store, config, drops, purpose, asOf, retrain = false, only } = args;
  const groups = taskGroups(config, only);
  checkGroups(config, groups, asOf, only);
  const champions: Record<string, string | null> = {};
  for (const { name } of groups) {
    champions[name] = purpose === 'backtest' || retrain ? null : await championOf(store, name);
  }
  const base = buildManifest({ purpose, config, asOf, groups, drops, champions, snapshot: null });
  if (base.inputs.events.length + base.inputs.labels.length === 0) {
    throw new NightjarError(
      'nothing to run on: no drop of events or labels has been cleaned ("nightjar drop", "nightjar status")',
    );
  }
  const { unfinished, snapshots } = await earlierRuns(store, base);
  if (unfinished) return unfinished;
  const manifest =
    purpose === 'night' && asOf !== null ? { ...base, snapshot: latestSnapshot(base, snapshots) } : base;
  return { runId: await putManifest(store, manifest), manifest };
}

function checkGroups(config: Config, groups: readonly TaskGroup[], asOf: string | null, only?: string): void {
  if (groups.length === 0) {
    const names = Object.keys(config.tasks).join(', ') || 'none';
    throw new NightjarError(
      only ? `there is no task "${only}"; the config has: ${names}` : 'the config has no tasks',
    );
  }
  if (asOf === null && groups.some(({ kind }) => kind !== 'label')) {
    throw new NightjarError('say which day to score: --as-of YYYY-MM-DD (features use the days before it)');
  }
  if (asOf !== null) parseDay(asOf);
}

/** What is equal in two runs of the same night: all but what other runs have led to. */
const identity = (manifest: RunManifest) => canonicalJson({ ...manifest, champions: null, snapshot: null });

async function earlierRuns(
  store: ObjectStore,
  base: RunManifest,
): Promise<{ unfinished?: PlannedRun; snapshots: SnapshotInfo[] }> {
  const snapshots: SnapshotInfo[] = [];
  let unfinished: PlannedRun | undefined;
  for await (const { key } of store.list('runs/')) {
    if (key.endsWith('/snapshot.json')) {
      const info = await readJson<SnapshotInfo>(store, key);
      if (info) snapshots.push(info);
    }
    if (!key.endsWith('/manifest.json')) continue;
    const manifest = await readJson<RunManifest>(store, key);
    if (!manifest || identity(manifest) !== identity(base)) continue;
    const runId = runIdOf(manifest);
    // A new champion for one that the run trains itself is no reason to start anew; one that it was given is.
    const same = Object.entries(base.champions).every(([name, version]) => {
      const pinned = manifest.champions[name] ?? null;
      return pinned === null || pinned === version;
    });
    if (same && !(await isFinished(store, runId, manifest))) unfinished = { runId, manifest };
  }
  return { snapshots, ...(unfinished ? { unfinished } : {}) };
}

/** A night is finished once its export is, a backtest once it is evaluated. */
export async function isFinished(store: ObjectStore, runId: string, manifest: RunManifest): Promise<boolean> {
  const key =
    manifest.purpose === 'night'
      ? `exports/as_of=${manifest.asOf ?? 'none'}/${runId}/_SUCCESS`
      : `runs/${runId}/evaluation.json`;
  return (await store.head(key)) !== undefined;
}

function latestSnapshot(base: RunManifest, previous: readonly SnapshotInfo[]): SnapshotInfo | null {
  const plan = planFold({
    config: base.config,
    asOf: parseDay(base.asOf!),
    shards: base.shards,
    inputs: dayInputs(base),
    previous,
  });
  return plan.snapshot ?? null;
}
