import type { Config, Deploy } from '../config/index.ts';
import type { BatchRunner, ObjectStore } from '../runtime/index.ts';
import type { IndexLimits } from './index-limits.ts';
import type { Missing } from './manifest.ts';
import type { StageName, StageState } from './stages.ts';

/** What a call of the dispatch function is for. */
export type TickKind = 'tick' | 'finetune' | 'watchdog' | 'heartbeat' | 'backfill';

export interface TickArgs {
  readonly store: ObjectStore;
  readonly batch: BatchRunner;
  readonly config: Config;
  readonly deploy: Deploy;
  readonly kind: TickKind;
  /** The clock: in the cloud the scheduled time of the event. */
  readonly now: Date;
  /** `backfill` only: the past day, 'YYYY-MM-DD'. */
  readonly asOf?: string;
  /**
   * Sends the message again that tells of an object: keys under `drop/` are for the queue of clean, keys under
   * `clean/` for the queue of features.
   */
  readonly resend?: (keys: readonly string[]) => Promise<void>;
  /** Names this call in the claim that it makes. Default: a random one. */
  readonly owner?: string;
  /** How much of the drops a call looks at. Default: what suits a million of them. */
  readonly limits?: IndexLimits;
  /** Gets one line of JSON per thing worth telling. */
  readonly log?: (line: string) => void;
}

/**
 * `idle`: nothing is due. `waiting`: the night is due but something has not arrived. `held`: as `waiting`, after the
 * deadline, by `nightly.onMissing`. `started`: this call claimed the run. `running`: claimed, not finished. `finished`:
 * its export stands (training: its models do). `failed`: a stage failed as often as it may.
 */
export type TickState = 'idle' | 'waiting' | 'held' | 'started' | 'running' | 'finished' | 'failed';

/** Another run that this call looked after: an earlier night, a training, a backfill. */
export interface OtherRun {
  readonly runId: string;
  readonly state: 'running' | 'finished' | 'failed';
  readonly reason?: string;
}

/** Plain JSON: what one call of the dispatch function found and did. */
export interface TickResult {
  readonly kind: TickKind;
  /** The shop day it is about, 'YYYY-MM-DD'. */
  readonly asOf: string;
  readonly state: TickState;
  readonly runId?: string;
  /** Drops on their way to clean rows and day rows; 0 once the run is claimed. */
  readonly pending: number;
  /** What the run goes without, or would go without if it started now (the first 1,000). */
  readonly missing: Missing[];
  /** Objects that have waited so long that their message must be lost (the first 1,000). */
  readonly stale: string[];
  readonly stages: Partial<Record<StageName, StageState>>;
  /** `watchdog` only: why no finished export of today stands; absent where one does. */
  readonly exportMissing?: string;
  /** Why the finished export of the night is not shown; absent where it is. */
  readonly exportHeld?: readonly string[];
  /** `tick` only: does a finished night of the last days stand? */
  readonly nightBefore?: boolean;
  /** Why it waits, is held, idle or failed. */
  readonly reason?: string;
  readonly others: OtherRun[];
}
