import type { Config } from '../config/index.ts';
import { NightjarError, parseDay } from '../data/index.ts';
import { championOf } from '../registry/index.ts';
import type { ObjectStore } from '../runtime/index.ts';
import { latestSnapshot, unfinishedRun } from './earlier.ts';
import { overUsers, type TaskGroup, taskGroups } from './groups.ts';
import type { DropState } from './inputs.ts';
import { buildManifest, type Missing, putManifest, type RunManifest } from './manifest.ts';

export interface PlannedRun {
  readonly runId: string;
  readonly manifest: RunManifest;
  /** An unfinished run of the same inputs was taken up. */
  readonly resumed?: boolean;
}

/**
 * Names a run's inputs and writes its manifest, or takes up the unfinished run that has the same ones: its models may
 * have become champions since, and starting anew would score with them twice. A champion serves only days from the one
 * as of which it was trained: where it is younger than the as-of day, the run trains its own model.
 * @param retrain train every group even where a champion serves
 * @param only a task: its group alone
 * @param unmet sources whose last days have not arrived, for the manifest to name
 */
export async function planRun(args: {
  store: ObjectStore;
  config: Config;
  drops: readonly DropState[];
  purpose: RunManifest['purpose'];
  asOf: string | null;
  retrain?: boolean;
  only?: string;
  unmet?: readonly Missing[];
}): Promise<PlannedRun> {
  const { store, config, drops, purpose, asOf, retrain = false, only, unmet = [] } = args;
  const groups = taskGroups(config, only);
  checkGroups(config, groups, asOf, only);
  const trains = retrain || purpose === 'training' || purpose === 'backtest';
  const champions: Record<string, string | null> = {};
  for (const { name } of groups) {
    champions[name] = trains ? null : await championOf(store, name, asOf ?? undefined);
  }
  const base = buildManifest({ purpose, config, asOf, groups, drops, champions, snapshot: null, unmet });
  if (base.inputs.events.length + base.inputs.labels.length === 0) {
    throw new NightjarError(
      'nothing to run on: no drop of events or labels has a clean row ("nightjar drop", "nightjar status")',
    );
  }
  const unfinished = await unfinishedRun(store, base);
  if (unfinished) return { ...unfinished, resumed: true };
  const folds = (purpose === 'night' || purpose === 'backfill') && asOf !== null;
  const manifest = folds ? { ...base, snapshot: await latestSnapshot(store, base) } : base;
  return { runId: await putManifest(store, manifest), manifest };
}

function checkGroups(config: Config, groups: readonly TaskGroup[], asOf: string | null, only?: string): void {
  if (groups.length === 0) {
    const names = Object.keys(config.tasks).join(', ') || 'none';
    throw new NightjarError(
      only ? `there is no task "${only}"; the config has: ${names}` : 'the config has no tasks',
    );
  }
  if (asOf === null && groups.some(overUsers)) {
    throw new NightjarError('say which day to score: --as-of YYYY-MM-DD (features use the days before it)');
  }
  if (asOf !== null) parseDay(asOf);
}
