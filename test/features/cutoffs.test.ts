import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AbsenceTask, EventTask } from '../../lib/config/index.ts';
import { happens, inPopulation, readShardDays } from '../../lib/features/index.ts';
import {
  arbitraryEvents,
  FIRST_DAY,
  PURCHASE,
  putDrop,
  type RawEvent,
  testConfig,
  withStore,
} from './shop.ts';

const config = testConfig();
const event: EventTask = { kind: 'event', event: 'purchase', horizonDays: 10 };
const known: EventTask = { ...event, population: 'known', knownDays: 7 };
const prospects: EventTask = { ...event, population: 'prospects', knownDays: 7 };
const absence: AbsenceTask = { kind: 'absence', event: 'purchase', horizonDays: 10, activeDays: 15 };

const dayOf = (e: RawEvent) => Math.floor(e.time / 86_400_000);

describe('outcomes and populations', () => {
  it('say what the raw events say, from the window [c, c + horizon) alone', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryEvents(), fc.integer({ min: 1, max: 39 }), async (events, step) => {
        await withStore(async (store) => {
          // given everything that ever happened
          const c = FIRST_DAY + step;
          const input = await putDrop(store, config, 'a', events);
          const query = { store, config, inputs: [input], shard: 0, shards: 1, before: FIRST_DAY + 99 };
          const users = await readShardDays(query);
          for (const { user, days, state, advance } of users) {
            // when the user is labelled at a cut-off
            advance(c);
            const bought = events.filter((e) => e.user === user && e.type === PURCHASE);
            const within = bought.filter((e) => dayOf(e) >= c && dayOf(e) < c + 10);
            const before = bought.filter((e) => dayOf(e) < c);
            // then outcome and populations follow from those events
            expect(happens(days, c, 10, PURCHASE)).toBe(within.length > 0);
            expect(inPopulation(event, state, c)).toBe(before.length > 0);
            expect(inPopulation(absence, state, c)).toBe(before.some((e) => dayOf(e) >= c - 15));
            const lately = events.some((e) => e.user === user && dayOf(e) < c && dayOf(e) >= c - 7);
            expect(inPopulation(known, state, c)).toBe(lately);
            expect(inPopulation(prospects, state, c)).toBe(lately && before.length === 0);
          }
        });
      }),
      { seed: 11, numRuns: 25 },
    );
  });
});
