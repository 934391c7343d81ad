import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AbsenceTask, EventTask } from '../../lib/config/index.ts';
import { DataError } from '../../lib/data/index.ts';
import {
  happens,
  inPopulation,
  nextItems,
  readShardDays,
  taskLabel,
  usableCutoffs,
} from '../../lib/features/index.ts';
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
const absence: AbsenceTask = { kind: 'absence', event: 'purchase', horizonDays: 10, activeDays: 15 };

const dayOf = (e: RawEvent) => Math.floor(e.time / 86_400_000);

describe('usable cut-offs', () => {
  it('have closed label windows and some history, newest first', () => {
    const given = { firstDay: 100, asOf: 200, horizonDays: 30, everyDays: 14, max: 99 };
    expect(usableCutoffs(given)).toEqual([170, 156, 142, 128, 114]);
    expect(usableCutoffs({ ...given, max: 2 })).toEqual([170, 156]);
    expect(usableCutoffs({ ...given, horizonDays: 99 })).toEqual([101]);
    expect(usableCutoffs({ ...given, horizonDays: 100 })).toEqual([]);
    expect(() => usableCutoffs({ ...given, everyDays: 0 })).toThrow(DataError);
  });
});

describe('labels and populations', () => {
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
            // then label, population and next items follow from those events
            expect(happens(days, c, 10, PURCHASE)).toBe(within.length > 0);
            expect(taskLabel(event, days, c)).toBe(within.length > 0 ? 1 : 0);
            expect(taskLabel(absence, days, c)).toBe(within.length > 0 ? 0 : 1);
            expect(inPopulation(event, state, c)).toBe(before.length > 0);
            expect(inPopulation(absence, state, c)).toBe(before.some((e) => dayOf(e) >= c - 15));
            const names = nextItems(days, c, 10, PURCHASE).map((id) => users.items.text(id));
            const named = within.flatMap(({ item }) => item ?? []);
            expect(names.sort()).toEqual([...new Set(named)].sort());
          }
        });
      }),
      { seed: 11, numRuns: 25 },
    );
  });
});
