import { formatDay, parseDay } from '../../data/index.ts';
import { currentKey } from '../../run/index.ts';
import { type ObjectStore, readJson } from '../../runtime/index.ts';
import type { ProfileNight } from './night.ts';
import type { SegmentModel } from './segments.ts';

/** Days before the as-of day in which a last night is looked for: a shop that runs once a month finds it. */
const LOOK_BACK = 35;

/** Where an export keeps what its profiles are compared with. */
export const segmentsKey = (asOf: string, runId: string): string =>
  `exports/as_of=${asOf}/${runId}/segments.json`;

/**
 * The segments of the last night before a day that has some, as its pointer says: what counts is the day, so that a second
 * run of the same day takes up the same ones, and a backfill those of its own past.
 */
export async function formerSegments(store: ObjectStore, asOf: string): Promise<SegmentModel | undefined> {
  for (let back = 1; back <= LOOK_BACK; back++) {
    const day = formatDay(parseDay(asOf) - back);
    const current = await readJson<{ runId: string }>(store, currentKey(day));
    if (!current) continue;
    const night = await readJson<ProfileNight>(store, segmentsKey(day, current.runId));
    if (night?.format === 1 && night.model) return night.model;
  }
  return undefined;
}
