import {
  type CleanedQuality,
  cleanKeys,
  parseQuality,
  type Quality,
  type RefusedQuality,
} from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { DataError, dropId } from '../data/index.ts';
import { daysKey, daysSpec } from '../features/index.ts';
import { getText, type ObjectInfo, type ObjectStore, whyNoKey } from '../runtime/index.ts';
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
  | (Drop & { readonly state: 'done'; readonly quality: CleanedQuality; readonly clean: string })
  | (Drop & { readonly state: 'refused'; readonly quality: RefusedQuality })
  /** `clean` names the canonical rows that wait for their day rows. */
  | (Drop & { readonly state: 'pending'; readonly clean?: string });

/** Quality records that are read at the same time. */
const AT_ONCE = 16;
/** Quality records that are kept in memory, about 1 KB each. */
const KEPT = 50_000;

/** Quality records by key and etag: a function that is called every few minutes reads each of them once. */
const remembered = new WeakMap<ObjectStore, Map<string, Quality>>();

/**
 * Every drop in ascending order of keys. What exists is told by three listings, so the requests grow with the pages of
 * a listing and with the drops that are new, not with all drops.
 */
export async function listDrops(store: ObjectStore, config: Config): Promise<DropState[]> {
  const dropped: ObjectInfo[] = [];
  // The console of S3 makes folders as empty objects.
  for await (const info of store.list('drop/')) if (!info.key.endsWith('/')) dropped.push(info);
  // Listed after the drops: what they had led to by then is seen.
  const records = new Map<string, string>();
  for await (const { key, etag } of store.list('quality/')) records.set(key, etag);
  const days = new Set<string>();
  for await (const { key } of store.list(`days/${daysSpec()}/`)) days.add(key);
  return mapParallel(dropped, AT_ONCE, async ({ key, etag, size, lastModified }): Promise<DropState> => {
    const drop = { key, size, droppedAt: lastModified };
    const reason = whyNoKey(key);
    if (reason !== undefined)
      return { state: 'refused', ...drop, quality: unusable(key, etag, size, reason) };
    const keys = cleanKeys(config, key, etag);
    const version = records.get(keys.quality);
    if (version === undefined) return { state: 'pending', ...drop };
    const quality = await readQuality(store, keys.quality, version);
    if (quality.status === 'refused') return { state: 'refused', ...drop, quality };
    const clean = keys.clean!;
    const ready = quality.table !== 'events' || days.has(daysKey(config, clean));
    return ready ? { state: 'done', ...drop, quality, clean } : { state: 'pending', ...drop, clean };
  });
}

/** What would be told of a drop if its key could be read at all. */
function unusable(key: string, etag: string, bytes: number, reason: string): RefusedQuality {
  const told = { dropId: dropId(key), key, revision: etag, etag, bytes };
  const refused = { reason, hint: 'drop the file again under another name' };
  return { ...told, source: null, table: null, sha256: null, status: 'refused', refused };
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

/** Splits the drops into those that count and copies of them. */
export function withoutCopies(drops: readonly DropState[]): { drops: DropState[]; copies: Copy[] } {
  const first = new Map<string, string>();
  const copies: Copy[] = [];
  const kept = drops.filter((drop) => {
    if (drop.state !== 'done') return true;
    // One file may feed two sources (an order list read as events and as items): only within a source is it a copy.
    const content = `${drop.quality.source}\n${drop.quality.sha256}`;
    const sameAs = first.get(content);
    if (sameAs === undefined) first.set(content, drop.key);
    else copies.push({ key: drop.key, sameAs });
    return sameAs === undefined;
  });
  return { drops: kept, copies };
}
