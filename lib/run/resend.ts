import type { ObjectStore } from '../runtime/index.ts';
import type { TickArgs } from './tick-types.ts';

/** A drop that is not through after so long waits for a message that will not come. */
export const STALE_MS = 30 * 60_000;

/** When this process sent the message of an object again: calls come every few minutes, a large drop takes longer. */
const sent = new WeakMap<ObjectStore, Map<string, number>>();

/** Sends the messages of stale objects again, each at most once in the time that makes an object stale. */
export async function resendStale(args: TickArgs, stale: readonly string[]): Promise<void> {
  const { store, now, resend, log } = args;
  if (!resend) return;
  const before = sent.get(store);
  const times = new Map(stale.map((key) => [key, before?.get(key) ?? Number.NEGATIVE_INFINITY]));
  const due = stale.filter((key) => now.getTime() - times.get(key)! >= STALE_MS);
  if (due.length === 0) return;
  await resend(due);
  log?.(JSON.stringify({ resent: due.length, first: due[0] }));
  for (const key of due) times.set(key, now.getTime());
  sent.set(store, times);
}
