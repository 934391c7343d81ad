import { type CleanedQuality, cleanKeys, parseQuality, type RefusedQuality } from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { daysKey } from '../features/index.ts';
import { getText, type ObjectStore } from '../runtime/index.ts';

interface Drop {
  readonly key: string;
  readonly size: number;
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

/** Every drop in ascending order of keys. */
export async function listDrops(store: ObjectStore, config: Config): Promise<DropState[]> {
  const drops: DropState[] = [];
  for await (const { key, etag, size } of store.list('drop/')) {
    const keys = cleanKeys(config, key, etag);
    const text = await getText(store, keys.quality);
    const quality = text === undefined ? undefined : parseQuality(text, keys.quality);
    if (!quality) drops.push({ state: 'pending', key, size });
    else if (quality.status === 'refused') drops.push({ state: 'refused', key, size, quality });
    else {
      const clean = keys.clean!;
      const ready = quality.table !== 'events' || (await store.head(daysKey(config, clean))) !== undefined;
      drops.push(
        ready ? { state: 'done', key, size, quality, clean } : { state: 'pending', key, size, clean },
      );
    }
  }
  return drops;
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
