import type { CleanedQuality } from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { parseDay } from '../data/index.ts';
import { type DayInput, daysKey, type SnapshotInfo } from '../features/index.ts';
import { readsTreatments, type TaskGroup, unlabelledOf } from './groups.ts';
import { historyOf, tooLittleHistory } from './history.ts';
import { type Copy, contentOf, copiesAmong, type KnownDrop } from './inputs.ts';

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

/** What a manifest says of its drops instead of listing them. */
export interface Referred {
  /** Segments of drops that are done or refused, … */
  readonly known: readonly string[];
  /** … and those of drops that are in none of them, in the order in which the later one counts. */
  readonly rest: readonly string[];
  /** Why the settings of an earlier night have not read the rest. */
  readonly why?: string;
  /** Without drops of events that begin on this shop day or later. */
  readonly before?: number;
  /** Drops of events and labels with clean rows. */
  readonly inputs: number;
  /** By which mapping each source was read. */
  readonly mappings: Readonly<Record<string, string>>;
  /** Of what the segments say, however it is cut into segments: of the drops that are read, and of the others. */
  readonly digests: { readonly inputs: string; readonly others: string };
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
    readonly identities?: RunInput[];
    /** Where there are any. */
    readonly withdrawn?: WithdrawnInput[];
    /** Only where a group reads them. */
    readonly treatments?: RunInput[];
    /** Only where a task answers them, and those that may hold rows of its days. */
    readonly unlabelled?: RunInput[];
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
  /** Where its drops were read from, if its object names an index instead of them. */
  readonly index?: Referred;
}

/** What a manifest says beside its inputs: enough to bring the run forward, however many drops it reads. */
export type RunHead = Omit<RunManifest, 'inputs' | 'copies' | 'snapshot'>;

/** The drops that no run can read by now, and why. */
export function missingDrops(drops: Iterable<KnownDrop>): Missing[] {
  const missing: Missing[] = [];
  for (const drop of drops) {
    const one = missingDrop(drop);
    if (one) missing.push(one);
  }
  return missing;
}

/** Why no run can read a drop by now; undefined where one can. */
export function missingDrop(drop: KnownDrop): Missing | undefined {
  if (drop.state === 'done') return undefined;
  const { key, state } = drop;
  if (drop.state === 'refused')
    return { kind: 'refused', key, why: `refused: ${drop.quality.refused.reason}` };
  const stage = drop.clean ? 'cleaned, its day rows are not built yet' : 'not cleaned yet';
  return { kind: state, key, why: drop.why ? `${stage}: ${drop.why}` : stage };
}

/**
 * Names the inputs of a run from what has been cleaned.
 * @param args.drops in ascending order of keys; read several times
 */
export function buildManifest(args: {
  purpose: RunManifest['purpose'];
  config: Config;
  asOf: string | null;
  groups: TaskGroup[];
  drops: Iterable<KnownDrop>;
  champions: Record<string, string | null>;
  snapshot: SnapshotInfo | null;
  /** Sources whose last days have not arrived, or whose settings are not used yet. */
  unmet?: readonly Missing[];
}): RunManifest {
  const { purpose, config, asOf, groups, drops, champions, snapshot } = args;
  if (asOf !== null) parseDay(asOf);
  const copies = copiesAmong(drops);
  const treatments: RunInput[] = [];
  const reads = groups.some(readsTreatments);
  const unlabelled: RunInput[] = [];
  const answered = answeredDays(args);
  const inputs: Record<Exclude<CleanedQuality['table'], 'treatments' | 'unlabelled' | null>, RunInput[]> = {
    events: [],
    items: [],
    users: [],
    labels: [],
    identities: [],
  };
  const withdrawn: WithdrawnInput[] = [];
  const missing = [...missingDrops(drops), ...(args.unmet ?? [])];
  const partial = tooLittleHistory(config, historyOf(config, drops));
  const droppedAt = dropTimes(drops);
  const skipped = new Map<string, number>();
  for (const drop of drops) {
    if (drop.state !== 'done' || copies.has(drop.key)) continue;
    const { dropId, revision, source, table, minDay, maxDay, rowsIn } = drop.quality;
    const named = { drop: drop.key, dropId, revision, source: source! };
    // Most runs read nothing of campaigns: `nightjar lift` reads them by themselves.
    if (table === 'treatments') {
      if (reads && drop.clean !== undefined) treatments.push({ ...named, clean: drop.clean });
      continue;
    }
    if (table === 'unlabelled') {
      const from = answered.get(source!);
      const within = from !== undefined && maxDay !== null && maxDay >= from && minDay! < parseDay(asOf!);
      if (within && drop.clean !== undefined)
        unlabelled.push({ ...named, clean: drop.clean, minDay: minDay!, maxDay });
      continue;
    }
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
  const { identities, ...others } = inputs;
  return {
    format: 1,
    purpose,
    asOf,
    config,
    groups,
    shards: config.shards,
    inputs: {
      ...others,
      ...(identities.length > 0 ? { identities } : {}),
      ...(withdrawn.length > 0 ? { withdrawn } : {}),
      ...(treatments.length > 0 ? { treatments } : {}),
      ...(unlabelled.length > 0 ? { unlabelled } : {}),
    },
    missing,
    copies: [...copies].map(([key, sameAs]) => ({ key, sameAs })),
    ...(partial === undefined ? {} : { partial }),
    champions,
    snapshot,
  };
}

/** The first shop day whose rows without a label a run answers, by source: only nights and backfills do. */
function answeredDays({
  purpose,
  asOf,
  config,
  groups,
}: Pick<RunManifest, 'purpose' | 'asOf' | 'config' | 'groups'>): Map<string, number> {
  const first = new Map<string, number>();
  if (asOf === null || (purpose !== 'night' && purpose !== 'backfill')) return first;
  for (const { source, days } of groups.flatMap(({ tasks }) =>
    tasks.flatMap((task) => unlabelledOf(config, task) ?? []),
  )) {
    first.set(source, Math.min(first.get(source) ?? Number.POSITIVE_INFINITY, parseDay(asOf) - days));
  }
  return first;
}

/**
 * When each content was dropped: of copies the first time, so that a file that is delivered again under another name makes
 * none of its events newer.
 */
function dropTimes(drops: Iterable<KnownDrop>): Map<string, number> {
  const times = new Map<string, number>();
  for (const drop of drops) {
    if (drop.state !== 'done') continue;
    const content = contentOf(drop.quality);
    times.set(content, Math.min(times.get(content) ?? Number.POSITIVE_INFINITY, drop.quality.droppedAt));
  }
  return times;
}

/**
 * The day rows a manifest lists, as the features room takes them. A drop that only withdraws events has none and so no days;
 * it is listed because snapshots must name what decided about their states, and so are drops of identities.
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
  const identities = (inputs.identities ?? []).map(({ clean, dropId, revision }) => {
    return { key: clean, dropId, revision };
  });
  return [...events, ...withdrawn, ...identities];
}
