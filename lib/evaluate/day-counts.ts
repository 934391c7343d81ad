import { formatDay } from '../data/index.ts';
import { eachUser } from '../learn/index.ts';
import type { RunManifest } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';

/** Events of each shop day by event type, over the drops that a run lists. */
export async function dayCounts(
  store: ObjectStore,
  manifest: RunManifest,
  types: readonly string[],
): Promise<{ day: string; rows: Record<string, number> }[]> {
  const counts = new Map<number, Float64Array>();
  for await (const { user } of eachUser(store, manifest, Number.POSITIVE_INFINITY)) {
    for (const { day, entries, start, end } of user.days) {
      let own = counts.get(day);
      if (!own) counts.set(day, (own = new Float64Array(types.length)));
      for (let i = start; i < end; i++) own[entries.type[i]!]! += entries.lines[i]!;
    }
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([day, own]) => ({
      day: formatDay(day),
      rows: Object.fromEntries(types.flatMap((name, i) => (own[i]! > 0 ? [[name, own[i]!]] : []))),
    }));
}
