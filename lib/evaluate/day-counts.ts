import { decodeArrow, formatDay } from '../data/index.ts';
import type { RunManifest } from '../run/index.ts';
import type { ObjectStore } from '../runtime/index.ts';

/** Clean rows of each shop day by event type, over the events that a run lists. */
export async function dayCounts(
  store: ObjectStore,
  manifest: RunManifest,
  types: readonly string[],
): Promise<{ day: string; rows: Record<string, number> }[]> {
  const counts = new Map<number, Float64Array>();
  for (const { clean } of manifest.inputs.events) {
    for (const batch of decodeArrow(await (await store.get(clean)).bytes(), clean).batches) {
      const day = batch.getChild('day');
      const type = batch.getChild('type');
      for (let row = 0; row < batch.numRows; row++) {
        const at: number = day?.get(row);
        let own = counts.get(at);
        if (!own) counts.set(at, (own = new Float64Array(types.length)));
        own[type?.get(row)]! += 1;
      }
    }
  }
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([day, own]) => ({
      day: formatDay(day),
      rows: Object.fromEntries(types.flatMap((name, i) => (own[i]! > 0 ? [[name, own[i]!]] : []))),
    }));
}
