import type { LeftOut, Outcomes } from '../models/index.ts';
import type { DropState, RunManifest } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';

export type StageSeconds = Readonly<Record<string, number | undefined>>;

export interface ReportArgs {
  readonly store: ObjectStore;
  readonly runId: string;
  readonly manifest: RunManifest;
  readonly drops: readonly DropState[];
  readonly outcomes: Readonly<Record<string, Outcomes>>;
  /** The tasks that were asked about, where not all were. */
  readonly asked: readonly string[] | undefined;
  readonly leftOut: readonly LeftOut[];
  readonly versions: Readonly<Record<string, string>>;
  readonly seconds: StageSeconds;
  readonly now: Date;
}
