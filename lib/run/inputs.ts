import {
  type CleanedQuality,
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
import { canonicalJson, DataError, dropId } from '../data/index.ts';
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
  /** `clean` names the canonical rows that wait for their day rows; `why`: what keeps it from going on. */
  | (Drop & { readonly state: 'pending'; readonly clean?: string; readonly why?: string });

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
 */
export async function listStore(store: ObjectStore, onIgnored?: (key: string) => void): Promise<Listed> {
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

/**
 * Every drop in ascending order of keys, by the settings of a config. What no store can hold or nobody can read is refused
 * here, alone.
 */
export async function dropStates(listed: Listed, config: Config, earlier?: Earlier): Promise<DropState[]> {
  const others = listed.others.map(otherState);
  const read = await mapParallel(listed.dropped, AT_ONCE, (info) => stateOf(listed, config, info, earlier));
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

async function stateOf(
  { store, digests, records, days }: Listed,
  config: Config,
  info: ObjectInfo,
  earlier: Earlier | undefined,
): Promise<DropState> {
  const { key, etag, size, lastModified } = info;
  const drop = { key, size, droppedAt: lastModified };
  const reason = whyNoKey(key);
  if (reason !== undefined) {
    const hint = 'drop the file again under another name';
    return { state: 'refused', ...drop, quality: unusable({ key, reason, hint }, etag, size) };
  }
  const keys = keysOf(config, info, digests, earlier?.mappings);
  const version = keys && records.get(keys.quality);
  if (!keys || version === undefined)
    return { state: 'pending', ...drop, ...(earlier ? { why: earlier.why } : {}) };
  let quality: Quality;
  try {
    quality = await readQuality(store, keys.quality, version);
  } catch (error) {
    // Bytes that a disk has lost concern this drop alone; what is wrong with the store concerns all.
    if (!(error instanceof DataError)) throw error;
    return { state: 'pending', ...drop, why: error.message };
  }
  if (quality.status === 'refused') return { state: 'refused', ...drop, quality };
  if (quality.clean === 0) return { state: 'done', ...drop, quality };
  const clean = keys.clean!;
  const ready = quality.table !== 'events' || days.has(daysKey(config, clean));
  return ready ? { state: 'done', ...drop, quality, clean } : { state: 'pending', ...drop, clean };
}

/** What a listing could not read: it waits where another program still writes it, and is refused else. */
function otherState(entry: OtherEntry): DropState {
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
export function contentOf({ source, sha256, keyValues }: CleanedQuality): string {
  return canonicalJson([source, sha256, keyValues]);
}

/** Splits the drops into those that count and copies of them. */
export function withoutCopies(drops: readonly DropState[]): { drops: DropState[]; copies: Copy[] } {
  const first = new Map<string, string>();
  const copies: Copy[] = [];
  const kept = drops.filter((drop) => {
    // What has no clean rows and withdraws none adds nothing, however often it lies there.
    if (drop.state !== 'done' || (drop.clean === undefined && drop.quality.withdrawn === 0)) return true;
    const content = contentOf(drop.quality);
    const sameAs = first.get(content);
    if (sameAs === undefined) first.set(content, drop.key);
    else copies.push({ key: drop.key, sameAs });
    return sameAs === undefined;
  });
  return { drops: kept, copies };
}
