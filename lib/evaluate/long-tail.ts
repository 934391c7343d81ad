import { longTail } from '../engine/metrics/index.ts';
import { type ListedTask, readCatalogue } from '../models/index.ts';
import type { LongTailReport } from '../report/index.ts';
import type { ObjectStore } from '../runtime/index.ts';

/** An item is new as long as its first event is at most so many days back. */
const FRESH_DAYS = 14;

/**
 * How far a task's lists reach into the catalogue.
 * @param items in how many lists each item stands
 * @returns undefined where the run's item table is not there any more
 */
export async function longTailReport(
  store: ObjectStore,
  runId: string,
  { name, others, attributes }: Pick<ListedTask, 'name' | 'others' | 'attributes'>,
  items: ReadonlyMap<string, number> = new Map(),
): Promise<LongTailReport | undefined> {
  const catalogue = await readCatalogue(store, runId, name, { others, attributes: attributes.length > 0 });
  if (!catalogue) return undefined;
  const { units, pairs, usersOf, ageOf } = catalogue;
  let places = 0;
  let fresh = 0;
  const listed = [...items].map(([item, count]) => {
    places += count;
    if ((ageOf(item) ?? 0) <= FRESH_DAYS) fresh += count;
    // What nobody had counts like what one user had.
    return { places: count, share: Math.max(usersOf(item) ?? 0, 1) / Math.max(pairs, 1) };
  });
  return {
    catalogue: units,
    ...longTail(listed, units),
    fresh: places > 0 ? fresh / places : null,
    freshDays: FRESH_DAYS,
  };
}
