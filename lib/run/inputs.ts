import {
  type CleanedQuality,
  type CleanKeys,
  type Digests,
  isIgnored,
  keysOf,
  listDigests,
  type Mappings,
  parseQuality,
  type Quality,
  type RefusedQuality,
} from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { contentId, DataError, dropId } from '../data/index.ts';
import { daysKey, daysSpec } from '../features/index.ts';
import {
  compareKeys,
  getText,
  type ObjectInfo,
  type ObjectStore,
  type OtherEntry,
  whyNoKey,
} from '../runtime/index.ts';
import { mapParallel } from './parallel.ts';

interface Drop {
  readonly key: string;
  readonly size: number;
  /** When this version of it was dropped. */
  readonly droppedAt: Date;
}

/**
 * What stands under `drop/` and how far each object has come. The answer is computed from the keys that a drop's
 * content must lead to, so an empty queue is never taken for finished work.
 */
export type DropState =
  /** `clean`: its canonical rows; absent where no row of it is clean, so that no run can read it. */
  | (Drop & { readonly state: 'done'; readonly quality: CleanedQuality; readonly clean?: string })
  | (Drop & { readonly state: 'refused'; readonly quality: RefusedQuality })
  /** `clean` names the canonical rows that wait for their day rows, told by `quality`; `why`: what keeps it from going on. */
  | (Drop & {
      readonly state: 'pending';
      readonly clean?: string;
      readonly quality?: CleanedQuality;
      readonly why?: string;
    });

/** What planning a run must know of cleaned rows. `content` names what the drop says where the record itself is not at hand. */
type KnownQuality = Pick<
  CleanedQuality,
  | 'dropId'
  | 'revision'
  | 'source'
  | 'table'
  | 'minDay'
  | 'maxDay'
  | 'rowsIn'
  | 'clean'
  | 'withdrawn'
  | 'droppedAt'
> &
  (Pick<CleanedQuality, 'sha256' | 'keyValues'> | { readonly content: string });

/** A drop as far as planning a run must know it: of a `DropState`, or of what an index keeps of it. */
export type KnownDrop =
  | (Drop & { readonly state: 'done'; readonly quality: KnownQuality; readonly clean?: string })
  | (Drop & { readonly state: 'refused'; readonly quality: Pick<RefusedQuality, 'refused'> })
  | (DropState & { readonly state: 'pending' });

/** Quality records that are read at the same time. */
const AT_ONCE = 16;
/** Quality records that are kept in memory, about 1 KB each. */
const KEPT = 50_000;

/** Quality records by key and etag: a function that is called every few minutes reads each of them once. */
const remembered = new WeakMap<ObjectStore, Map<string, Quality>>();

/** What stands in a store, as listings tell it. */
export interface Listed {
  readonly store: ObjectStore;
  /** Drops, those that no store can hold included. */
  readonly dropped: readonly ObjectInfo[];
  /** What is below `drop/` and cannot be read. */
  readonly others: readonly OtherEntry[];
  readonly digests: Digests;
  /** Etags of quality records, by key. */
  readonly records: ReadonlyMap<string, string>;
  /** Keys of day rows. */
  readonly days: ReadonlySet<string>;
}

/**
 * Lists all that tells how far the drops are. What exists is told by four listings, so the requests grow with the pages
 * of a listing and with the drops that are new, not with all drops. Files that are ignored by their names are no drops.
 * @param onIgnored told of each of those
 * @param most with more drops nothing is given back
 */
export async function listStore(store: ObjectStore, onIgnored?: (key: string) => void): Promise<Listed>;
export async function listStore(
  store: ObjectStore,
  onIgnored: undefined,
  most: number,
): Promise<Listed | undefined>;
export async function listStore(
  store: ObjectStore,
  onIgnored?: (key: string) => void,
  most = Number.POSITIVE_INFINITY,
): Promise<Listed | undefined> {
  const others: OtherEntry[] = [];
  const onOther = (entry: OtherEntry) => {
    if (isIgnored(entry.key)) onIgnored?.(entry.key);
    else others.push(entry);
  };
  const dropped: ObjectInfo[] = [];
  for await (const info of store.list('drop/', { onOther })) {
    // The console of S3 makes folders as empty objects.
    if (info.key.endsWith('/')) continue;
    if (isIgnored(info.key)) onIgnored?.(info.key);
    else dropped.push(info);
    if (dropped.length > most) return undefined;
  }
  // Listed after the drops: what they had led to by then is seen.
  const told = dropped.every(({ digest }) => digest !== undefined);
  const digests = told ? new Map<string, string>() : await listDigests(store);
  const records = new Map<string, string>();
  for await (const { key, etag } of store.list('quality/')) records.set(key, etag);
  const days = new Set<string>();
  for await (const { key } of store.list(`days/${daysSpec()}/`)) days.add(key);
  return { store, dropped, others, digests, records, days };
}

/** An earlier mapping of each source, and why what it has not read is pending. */
export interface Earlier {
  readonly mappings: Mappings;
  readonly why: string;
}

/** By whose settings drops are looked at: those of now, or those of an earlier night. */
export interface Settings {
  readonly config: Config;
  readonly earlier?: Earlier;
}

/**
 * Every drop in ascending order of keys, by the settings of a config. What no store can hold or nobody can read is refused
 * here, alone.
 */
export async function dropStates(listed: Listed, config: Config, earlier?: Earlier): Promise<DropState[]> {
  const others = listed.others.map(otherState);
  const lookups = lookupsIn(listed);
  const read = await mapParallel(listed.dropped, AT_ONCE, (info) => stateOf(lookups, config, info, earlier));
  if (others.length === 0) return read;
  return [...others, ...read].sort((a, b) => compareKeys(a.key, b.key));
}

/** `dropStates` of what stands in a store. */
export async function listDrops(
  store: ObjectStore,
  config: Config,
  onIgnored?: (key: string) => void,
): Promise<DropState[]> {
  return dropStates(await listStore(store, onIgnored), config);
}

/** Where is found how far a drop is: in listings of all, or by questions about it alone. */
export interface Lookups {
  /** The keys that its content leads to; undefined where nobody has read its bytes. */
  keys(config: Config, info: ObjectInfo, mappings?: Mappings): Promise<CleanKeys | undefined>;
  /** @throws DataError for a record that cannot be read */
  quality(key: string): Promise<Quality | undefined>;
  hasDays(key: string): Promise<boolean>;
}

function lookupsIn({ store, digests, records, days }: Listed): Lookups {
  return {
    keys: async (config, info, mappings) => keysOf(config, info, digests, mappings),
    async quality(key) {
      const version = records.get(key);
      return version === undefined ? undefined : readQuality(store, key, version);
    },
    hasDays: async (key) => days.has(key),
  };
}

/** How far one drop is by the settings of a config. */
export async function stateOf(
  lookups: Lookups,
  config: Config,
  info: ObjectInfo,
  earlier?: Earlier,
): Promise<DropState> {
  const { key, etag, size, lastModified } = info;
  const drop = { key, size, droppedAt: lastModified };
  const reason = whyNoKey(key);
  if (reason !== undefined) {
    const hint = 'drop the file again under another name';
    return { state: 'refused', ...drop, quality: unusable({ key, reason, hint }, etag, size) };
  }
  const keys = await lookups.keys(config, info, earlier?.mappings);
  let quality: Quality | undefined;
  try {
    quality = keys && (await lookups.quality(keys.quality));
  } catch (error) {
    // Bytes that a disk has lost concern this drop alone; what is wrong with the store concerns all.
    if (!(error instanceof DataError)) throw error;
    return { state: 'pending', ...drop, why: error.message };
  }
  if (!keys || !quality) return { state: 'pending', ...drop, ...(earlier ? { why: earlier.why } : {}) };
  if (quality.status === 'refused') return { state: 'refused', ...drop, quality };
  if (quality.clean === 0) return { state: 'done', ...drop, quality };
  const clean = keys.clean!;
  const ready = quality.table !== 'events' || (await lookups.hasDays(daysKey(config, clean)));
  return ready ? { state: 'done', ...drop, quality, clean } : { state: 'pending', ...drop, clean, quality };
}

/** What a listing could not read: it waits where another program still writes it, and is refused else. */
export function otherState(entry: OtherEntry): DropState {
  const drop = { key: entry.key, size: 0, droppedAt: new Date(0) };
  const { kind, reason, hint } = entry;
  if (kind === 'busy') return { state: 'pending', ...drop, why: `${reason}: ${hint}` };
  return { state: 'refused', ...drop, quality: unusable(entry, '', 0) };
}

/** What would be told of a drop if it could be read at all. */
function unusable(
  { key, reason, hint }: Pick<OtherEntry, 'key' | 'reason' | 'hint'>,
  etag: string,
  bytes: number,
): RefusedQuality {
  const told = { dropId: dropId(key), key, revision: etag, etag, bytes };
  return { ...told, source: null, table: null, sha256: null, status: 'refused', refused: { reason, hint } };
}

async function readQuality(store: ObjectStore, key: string, etag: string): Promise<Quality> {
  let memory = remembered.get(store);
  if (!memory) remembered.set(store, (memory = new Map()));
  const name = `${key} ${etag}`;
  const known = memory.get(name);
  if (known) return known;
  const text = await getText(store, key);
  if (text === undefined) throw new DataError(`${key} was deleted while the drops were listed: try again`);
  const quality = parseQuality(text, key);
  if (memory.size >= KEPT) memory.clear();
  memory.set(name, quality);
  return quality;
}

/** A drop whose bytes stand under an earlier key of the same source: it counts once, the first key wins. */
export interface Copy {
  readonly key: string;
  readonly sameAs: string;
}

/**
 * Names what a drop says. One file may feed two sources (an order list read as events and as items): only within a source
 * is it a copy. Where the mapping reads the key, equal bytes under keys that say other things are other rows.
 */
export function contentOf(quality: KnownQuality): string {
  return 'content' in quality
    ? quality.content
    : contentId([quality.source, quality.sha256, quality.keyValues]);
}

/** Is there anything in the drop that a run reads? */
export function hasRows(drop: KnownDrop | undefined): drop is KnownDrop & { readonly state: 'done' } {
  return drop?.state === 'done' && (drop.clean !== undefined || drop.quality.withdrawn > 0);
}

/**
 * The drops that are copies, by key, and of which they are.
 * @param drops in ascending order of keys
 */
export function copiesAmong(drops: Iterable<KnownDrop>): Map<string, string> {
  const first = new Map<string, string>();
  const copies = new Map<string, string>();
  for (const drop of drops) {
    // What has no clean rows and withdraws none adds nothing, however often it lies there.
    if (!hasRows(drop)) continue;
    const content = contentOf(drop.quality);
    const sameAs = first.get(content);
    if (sameAs === undefined) first.set(content, drop.key);
    else copies.set(drop.key, sameAs);
  }
  return copies;
}
