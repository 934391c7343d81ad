import { expect } from 'vitest';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import type { NightResult } from './night.ts';
import { FIRST_DAY, PURCHASE, type PutDrop, putDrop, type RawEvent, testConfig } from './shop.ts';

/** A small shop whose events have keys. */

export const DAY = 86_400_000;
export const config = testConfig({ historyDays: 20, tokens: 6, lateDays: 5 });
export const AS_OF = FIRST_DAY + 30;

export const at = (day: number, second = 9) => (FIRST_DAY + day) * DAY + second * 1000;
export const bought = (id: string, more: Partial<RawEvent> = {}): RawEvent => ({
  user: 'ann',
  time: at(10),
  type: PURCHASE,
  item: 'tea',
  amount: 100,
  id,
  ...more,
});

export interface Drop {
  readonly name: string;
  readonly droppedAt: number;
  readonly source?: string;
  readonly events: readonly RawEvent[];
}

export async function putAll(store: ObjectStore, drops: readonly Drop[], prefix = ''): Promise<PutDrop[]> {
  const inputs: PutDrop[] = [];
  for (const { name, events, ...options } of drops) {
    const { droppedAt, source = 'shop' } = options;
    // Clean names an event by its source and key.
    const named = events.map((event) =>
      event.id === undefined ? event : { ...event, id: `${source} ${event.id}` },
    );
    inputs.push(await putDrop(store, config, prefix + name, named, { droppedAt, source, batches: 4 }));
  }
  return inputs;
}

export function expectSame(own: NightResult, plain: NightResult): void {
  expect([...own.vectors.keys()]).toEqual([...plain.vectors.keys()]);
  expect(own.vectors).toEqual(plain.vectors);
  expect(own.bytes.equals(plain.bytes)).toBe(true);
}
