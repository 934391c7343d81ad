import type { CleanedQuality } from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { canonicalJson, contentId, DataError, NightjarError, parseDay } from '../data/index.ts';
import { type DayInput, daysKey, type SnapshotInfo } from '../features/index.ts';
import { type ObjectStore, readJson } from '../runtime/index.ts';
import type { TaskGroup } from './groups.ts';
import { tooLittleHistory } from './history.ts';
import { type Copy, contentOf, type DropState, withoutCopies } from './inputs.ts';
import { manifestKey } from './keys.ts';

/** One drop's part in a run. */
export interface RunInput {
  readonly drop: string;
  readonly dropId: string;
  readonly revision: string;
  readonly source: string;
  /** Canonical rows (`clean/…`). */
  readonly clean: string;
  /** Events only: user-day rows (`days/…`) and the shop days they cover. */
  readonly days?: string;
  readonly minDay?: number;
  readonly maxDay?: number;
  /** Events of a source with a key only: when it was dropped (ms UTC), and its rows that are versions, clean or withdrawn. */
  readonly droppedAt?: number;
  readonly lines?: number;
  /** Labelled tables only: rows of the file, those that were not taken included, so that row numbers go on from it. */
  readonly rows?: number;
  /** Labelled tables only: rows of the source's files just before this one that have no clean row, where there are any. */
  readonly rowsBefore?: number;
}

/** A drop of events with a key of which every row is left out or quarantined: it can only take older versions back. */
export type WithdrawnInput = Required<
  Pick<RunInput, 'drop' | 'dropId' | 'revision' | 'source' | 'droppedAt' | 'lines'>
>;

/** Something a run goes without. */
export interface Missing {
  /**
   * `pending`: dropped, but not through yet; `refused`: no rows were taken from it; `expected`: a source whose last days are
   * not there; `settings`: a source whose changed settings are not used yet.
   */
  readonly kind: 'pending' | 'refused' | 'expected' | 'settings';
  /** Of the drop; of a source the prefix of its drops. */
  readonly key: string;
  readonly why: string;
}

/** Everything a night reads, named before the first job starts. Jobs read nothing else. */
export interface RunManifest {
  readonly format: 1;
  /**
   * A night scores and exports, and what it trains may serve later nights. A training makes new models and scores
   * nobody. A backfill is a night for a day long past, a backtest a comparison with what then happened: the models that
   * they train serve nobody else.
   */
  readonly purpose: 'night' | 'training' | 'backfill' | 'backtest';
  /** A shop midnight, 'YYYY-MM-DD': features use days before it, labels the days from it. Null for labelled tables alone. */
  readonly asOf: string | null;
  /** Tasks to be learnt and scored, by group. */
  readonly groups: TaskGroup[];
  readonly config: Config;
  readonly shards: number;
  readonly inputs: {
    readonly events: RunInput[];
    readonly items: RunInput[];
    readonly users: RunInput[];
    readonly labels: RunInput[];
    /** Where there are any. */
    readonly withdrawn?: WithdrawnInput[];
  };
  /** What this run goes without, and why. */
  readonly missing: Missing[];
  /** Drops that count once although they lie there twice. */
  readonly copies: Copy[];
  /** Why it knows too little of the history for a model that it trains to serve other runs; absent where it knows enough. */
  readonly partial?: string;
  /** The model version that serves each task group; null where none exists yet and this run trains the first. */
  readonly champions: Record<string, string | null>;
  /** States of an earlier run to fold on from; null: from scratch. */
  readonly snapshot: SnapshotInfo | null;
}

/** The run's name: equal inputs, settings and champions are the same run. */
export function runIdOf(manifest: RunManifest): string {
  return `${manifest.asOf ?? 'table'}-${contentId(manifest)}`;
}

/** The drops that no run can read by now, and why. */
export function missingDrops(drops: readonly DropState[]): Missing[] {
  return drops.flatMap((drop): Missing[] => {
    if (drop.state === 'pending') {
      const stage = drop.clean ? 'cleaned, its day rows are not built yet' : 'not cleaned yet';
      return [{ kind: 'pending', key: drop.key, why: drop.why ? `${stage}: ${drop.why}` : stage }];
    }
    if (drop.state === 'done') return [];
    return [{ kind: 'refused', key: drop.key, why: `refused: ${drop.quality.refused.reason}` }];
  });
}

/** Names the inputs of a run from what has been cleaned. */
export function buildManifest(args: {
  purpose: RunManifest['purpose'];
  config: Config;
  asOf: string | null;
  groups: TaskGroup[];
  drops: readonly DropState[];
  champions: Record<string, string | null>;
  snapshot: SnapshotInfo | null;
  /** Sources whose last days have not arrived, or whose settings are not used yet. */
  unmet?: readonly Missing[];
}): RunManifest {
  const { purpose, config, asOf, groups, champions, snapshot } = args;
  if (asOf !== null) parseDay(asOf);
  const { drops, copies } = withoutCopies(args.drops);
  const inputs: Record<NonNullable<CleanedQuality['table']>, RunInput[]> = {
    events: [],
    items: [],
    users: [],
    labels: [],
  };
  const withdrawn: WithdrawnInput[] = [];
  const missing = [...missingDrops(drops), ...(args.unmet ?? [])];
  const partial = tooLittleHistory(config, args.drops);
  const droppedAt = dropTimes(args.drops);
  const skipped = new Map<string, number>();
  for (const drop of drops) {
    if (drop.state !== 'done') continue;
    const { dropId, revision, source, table, minDay, maxDay, rowsIn } = drop.quality;
    const named = { drop: drop.key, dropId, revision, source: source! };
    const keyed = {
      droppedAt: droppedAt.get(contentOf(drop.quality))!,
      lines: drop.quality.clean + drop.quality.withdrawn,
    };
    const before = skipped.get(source!) ?? 0;
    if (drop.clean === undefined) {
      skipped.set(source!, before + rowsIn);
      if (drop.quality.withdrawn > 0) withdrawn.push({ ...named, ...keyed });
      continue;
    }
    skipped.delete(source!);
    const hasKey = table === 'events' && (config.sources[source!]?.key ?? []).length > 0;
    inputs[table!].push({
      ...named,
      clean: drop.clean,
      ...(table === 'events' ? { days: daysKey(config, drop.clean) } : {}),
      ...(hasKey ? keyed : {}),
      ...(table === 'labels' ? { rows: rowsIn, ...(before > 0 ? { rowsBefore: before } : {}) } : {}),
      ...(minDay === null || maxDay === null ? {} : { minDay, maxDay }),
    });
  }
  return {
    format: 1,
    purpose,
    asOf,
    config,
    groups,
    shards: config.shards,
    inputs: { ...inputs, ...(withdrawn.length > 0 ? { withdrawn } : {}) },
    missing,
    copies,
    ...(partial === undefined ? {} : { partial }),
    champions,
    snapshot,
  };
}

/** One content of a source, whatever keys it stands under. */
/**
 * When each content was dropped: of copies the first time, so that a file that is delivered again under another name makes
 * none of its events newer.
 */
function dropTimes(drops: readonly DropState[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const drop of drops) {
    if (drop.state !== 'done') continue;
    const content = contentOf(drop.quality);
    times.set(content, Math.min(times.get(content) ?? Number.POSITIVE_INFINITY, drop.quality.droppedAt));
  }
  return times;
}

/** Writes the manifest unless the same run has one already. @returns the run's id */
export async function putManifest(store: ObjectStore, manifest: RunManifest): Promise<string> {
  const runId = runIdOf(manifest);
  await store.put(manifestKey(runId), canonicalJson(manifest), { ifAbsent: true });
  return runId;
}

/** @throws NightjarError when there is no such run, DataError when its manifest is of another format */
export async function readManifest(store: ObjectStore, runId: string): Promise<RunManifest> {
  const manifest = await readJson<RunManifest>(store, manifestKey(runId));
  if (!manifest) throw new NightjarError(`there is no run ${runId}: "nightjar status" lists the runs`);
  if (manifest.format !== 1) {
    throw new DataError(
      `run ${runId} was written by another version (format ${manifest.format}): start a new run`,
    );
  }
  return manifest;
}

/**
 * The day rows a manifest lists, as the features room takes them. A drop that only withdraws events has none and so no days;
 * it is listed because snapshots must name what decided about their states.
 */
export function dayInputs({ config, inputs }: RunManifest): DayInput[] {
  const events = inputs.events.map(({ days, dropId, revision, minDay, maxDay, droppedAt }) => ({
    key: days!,
    dropId,
    revision,
    ...(droppedAt === undefined ? {} : { droppedAt }),
    ...(minDay === undefined || maxDay === undefined ? {} : { minDay, maxDay }),
  }));
  const withdrawn = (inputs.withdrawn ?? []).map(({ dropId, revision, droppedAt }) => {
    return { key: daysKey(config, `clean/events/${dropId}/${revision}.arrow`), dropId, revision, droppedAt };
  });
  return [...events, ...withdrawn];
}
