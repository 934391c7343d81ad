import { mappingOf, sourceOf } from '../../clean/index.ts';
import type { Config } from '../../config/index.ts';
import { compareKeys } from '../../runtime/index.ts';
import { type HistoryPart, inOrder } from '../history.ts';
import type { Settings } from '../inputs.ts';
import { type Missing, missingDrop, type Referred } from '../manifest.ts';
import { dayDropped, isStale, type Told } from '../readiness.ts';
import { First } from './first.ts';
import type { Ref } from './head.ts';
import type { Loaded } from './loaded.ts';
import { MultisetHash } from './multiset-hash.ts';
import { beginsBefore, isInput, type Row, unknownDrop } from './rows.ts';
import { type Scopes, scopesOf } from './scopes.ts';
import { TOLD } from './segments.ts';

/** Of the objects whose messages must be lost, so many are told. */
const STALE = 5000;

/** What an index says by the settings of now, or by those of an earlier night. */
export class View {
  readonly loaded: Loaded;
  readonly settings: Settings;
  readonly scopes: Scopes;
  readonly told: Told;
  /** Sizes of drops by source, refused ones left out. */
  readonly history: readonly HistoryPart[];
  /** By segment: the rows of drops that the settings do not know. */
  readonly unknown: readonly (readonly number[])[];

  private constructor(args: Pick<View, 'loaded' | 'settings' | 'scopes' | 'told' | 'history' | 'unknown'>) {
    this.loaded = args.loaded;
    this.settings = args.settings;
    this.scopes = args.scopes;
    this.told = args.told;
    this.history = args.history;
    this.unknown = args.unknown;
  }

  /**
   * @param now the time by which a pending drop is stale
   * @param lately what was sent again a short time ago: it comes last of what is stale
   */
  static async open(
    loaded: Loaded,
    settings: Settings,
    now: Date,
    lately: (key: string) => boolean,
  ): Promise<View> {
    const { config, earlier } = settings;
    const scopes = scopesOf(config, earlier?.mappings);
    const unknown = loaded.unknownTo(scopes.all);
    const sizes = new Map<string, number>();
    const missing = new First<Missing>(TOLD, (a, b) => compareKeys(a.key, b.key));
    const stale = new First<{ key: string; told: string; day: number; sent: boolean }>(
      STALE,
      (a, b) => Number(a.sent) - Number(b.sent) || b.day - a.day || compareKeys(a.key, b.key),
    );
    const howRead = readersOf(config);
    let pending = 0;
    for await (const row of rowsAt(loaded, unknown)) {
      const drop = unknownDrop(row, { ...howRead(row), ...(earlier ? { why: earlier.why } : {}) });
      const name = sourceOf(config, row.key)?.name;
      if (name !== undefined) sizes.set(name, (sizes.get(name) ?? 0) + row.size);
      pending++;
      missing.add(missingDrop(drop)!);
      if (!isStale(drop, now)) continue;
      const day = row.state === 'done' && row.table === 'events' ? row.maxDay : null;
      const told = drop.clean ?? row.key;
      stale.add({ key: row.key, told, day: day ?? dayDropped(drop), sent: lately(told) });
    }
    const known = knownRefs(loaded, scopes);
    const refused = new First<Missing>(TOLD, (a, b) => compareKeys(a.key, b.key));
    for (const { members } of known) for (const one of members.refused) refused.add(one);
    const waiting = [...sizes].map(([name, size]) => partOf(config, name, size, false));
    const through = known.map(({ ref: { summary } }) => partOf(config, summary.source, summary.bytes, true));
    return new View({
      loaded,
      settings,
      scopes,
      unknown,
      history: inOrder([...waiting, ...through].flatMap((part) => part ?? [])),
      told: {
        pending,
        missing: [...missing.all(), ...refused.all()].sort((a, b) => compareKeys(a.key, b.key)),
        stale: stale.all().map(({ told }) => told),
        empty: loaded.refs.length === 0,
        ...daysOf(known.map(({ ref }) => ref)),
      },
    });
  }

  /**
   * What a manifest of these drops says.
   * @param before see Referred
   */
  async referred(before?: number): Promise<Referred> {
    const { loaded, settings, scopes, unknown } = this;
    const inputs = new MultisetHash();
    const others = new MultisetHash();
    const mappings: Record<string, string> = {};
    let count = 0;
    for (const { n, ref, members } of knownRefs(loaded, scopes)) {
      const { summary } = ref;
      const { ids, versions, contents, flags } = members;
      const left = await leftOut(loaded, n, before);
      for (let row = 0; row < ref.rows; row++) {
        if (left?.rows.has(row)) continue;
        if (flags[row] === 1) inputs.add(ids, contents, row);
        else others.add(ids, versions, row);
      }
      count += left?.inputs ?? summary.inputs;
      const { source, mapping } = summary;
      if (source !== null && mapping !== null && flags.includes(1)) mappings[source] = mapping;
    }
    const rest: string[] = [];
    for (const [n, rows] of unknown.entries()) {
      const { ids, versions } = loaded.members[n]!;
      for (const row of rows) others.add(ids, versions, row);
      if (rows.length > 0) rest.push(loaded.refs[n]!.key);
    }
    const why = settings.earlier?.why;
    return {
      known: knownRefs(loaded, scopes).map(({ ref }) => ref.key),
      rest,
      ...(why === undefined ? {} : { why }),
      ...(before === undefined ? {} : { before }),
      inputs: count,
      mappings,
      digests: { inputs: inputs.text(), others: others.text() },
    };
  }
}

/** Gives the mapping by which a drop is read now. */
export function readersOf(config: Config): (row: Row) => { mapping: string } {
  const found = new Map<string | undefined, { mapping: string }>();
  return ({ key }) => {
    const named = sourceOf(config, key);
    let one = found.get(named?.name);
    if (!one) found.set(named?.name, (one = { mapping: mappingOf(config, named) }));
    return one;
  };
}

/** Of the drops that the scopes know: is there something to read in each? */
export const haveAllRows = (loaded: Loaded, scopes: Scopes): boolean =>
  knownRefs(loaded, scopes).every(({ ref: { summary } }) => summary.refused + summary.rowless === 0);

export async function* rowsAt(loaded: Loaded, wanted: readonly (readonly number[])[]): AsyncGenerator<Row> {
  for (const [n, rows] of wanted.entries()) {
    if (rows.length === 0) continue;
    const read = await loaded.rowsOf(n);
    for (const row of rows) yield read.row(row);
  }
}

function knownRefs({ refs, members }: Loaded, { all }: Scopes) {
  return refs.flatMap((ref, n) => (all.has(ref.group) ? [{ n, ref, members: members[n]! }] : []));
}

function partOf(
  config: Config,
  name: string | null,
  size: number,
  through: boolean,
): HistoryPart | undefined {
  const source = name === null ? undefined : config.sources[name];
  return source && { source: { name: name!, source }, size, through };
}

function daysOf(refs: readonly Ref[]): Pick<Told, 'lastDays' | 'firstDay' | 'labels'> {
  const lastDays = new Map<string, number>();
  let firstDay: number | undefined;
  let labels = false;
  for (const { summary } of refs) {
    const { source, lastDay } = summary;
    if (source !== null && lastDay !== null) {
      lastDays.set(source, Math.max(lastDays.get(source) ?? lastDay, lastDay));
    }
    if (summary.firstDay !== null) firstDay = Math.min(firstDay ?? summary.firstDay, summary.firstDay);
    labels ||= summary.labels;
  }
  return { lastDays, firstDay, labels };
}

/** The rows of a segment that a manifest of a past day leaves out, and how many inputs stay; undefined where all stay. */
async function leftOut(
  loaded: Loaded,
  n: number,
  before: number | undefined,
): Promise<{ rows: ReadonlySet<number>; inputs: number } | undefined> {
  const { latestStart } = loaded.refs[n]!.summary;
  if (before === undefined || latestStart === null || latestStart < before) return undefined;
  const { count, row } = await loaded.rowsOf(n);
  const rows = new Set<number>();
  let inputs = 0;
  for (let i = 0; i < count; i++) {
    if (!beginsBefore(row(i), before)) rows.add(i);
    else if (isInput(row(i))) inputs++;
  }
  return { rows, inputs };
}
