import type { ObjectStore } from '../runtime/index.ts';
import type { TickArgs } from './tick-types.ts';

/** A drop that is not through after so long waits for a message that will not come. */
export const STALE_MS = 30 * 60_000;
/** Longer than all deliveries of a message that was sent again: until then the last one may still be at work. */
export const AGAIN_MS = 6 * 3_600_000;
/** Messages of one call, so that a change of the mapping, which makes every drop pending, does not hold up the night. */
const AT_ONCE = 2000;

/** When this process sent the message of an object again: calls come every few minutes. */
const sent = new WeakMap<ObjectStore, Map<string, number>>();

/** Tells of objects whether their messages were sent again within the last hours. */
export function sentLately(store: ObjectStore, now: Date): (key: string) => boolean {
  const times = sent.get(store);
  return (key) => now.getTime() - (times?.get(key) ?? Number.NEGATIVE_INFINITY) < AGAIN_MS;
}

/**
 * Sends the messages of stale objects again, some thousands in a call, and none twice within hours.
 * @param whole are these all that are stale? Then others need not be remembered
 */
export async function resendStale(args: TickArgs, stale: readonly string[], whole = true): Promise<void> {
  const { store, now, resend, log } = args;
  if (!resend) return;
  const before = sent.get(store);
  const times = new Map(stale.map((key) => [key, before?.get(key) ?? Number.NEGATIVE_INFINITY]));
  const lately = sentLately(store, now);
  for (const [key, time] of whole ? [] : (before ?? [])) if (lately(key)) times.set(key, time);
  const due = stale.filter((key) => now.getTime() - times.get(key)! >= AGAIN_MS).slice(0, AT_ONCE);
  if (due.length === 0) return;
  // Noted first: a call that ends in the middle must not make the next one begin at the same object.
  for (const key of due) times.set(key, now.getTime());
  sent.set(store, times);
  await resend(due);
  log?.(JSON.stringify({ resent: due.length, first: due[0] }));
}
