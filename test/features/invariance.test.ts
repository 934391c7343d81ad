import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SnapshotInfo } from '../../lib/features/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { night } from './night.ts';
import {
  arbitraryEvents,
  FIRST_DAY,
  type PutDrop,
  putDrop,
  type RawEvent,
  testConfig,
  withStore,
} from './shop.ts';

const SEED = 20261122;
const config = testConfig({ historyDays: 20, tokens: 4 });
const { lateDays } = config.features;

/** Splits events over drops; equal lines stay together because they choose by their content. */
function split(events: RawEvent[], count: number, salt: number): RawEvent[][] {
  const parts: RawEvent[][] = Array.from({ length: count }, () => []);
  for (const event of events) {
    let h = salt;
    for (const char of JSON.stringify(event)) h = (Math.imul(h, 31) + char.charCodeAt(0)) | 0;
    parts[Math.abs(h) % count]!.push(event);
  }
  return parts;
}

async function putAll(
  store: ObjectStore,
  drops: RawEvent[][],
  prefix: string,
  options: { droppedAt?: number } = {},
): Promise<PutDrop[]> {
  const inputs: PutDrop[] = [];
  for (const [i, events] of drops.entries())
    inputs.push(await putDrop(store, config, `${prefix}${i}`, events, options));
  return inputs;
}

describe('the same events end in the same bytes', () => {
  it('whatever drops they come in, in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryEvents(),
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 0, max: 99 }),
        async (events, count, salt) => {
          await withStore(async (store) => {
            // given one drop of everything, and the same events shuffled and split
            const asOf = FIRST_DAY + 40;
            const whole = await putAll(store, [events], 'a');
            const parts = await putAll(store, split([...events].reverse(), count, salt), 'b');
            // when both are folded
            const one = await night(store, config, { runId: 'one', asOf, inputs: whole });
            const other = await night(store, config, { runId: 'other', asOf, inputs: parts.reverse() });
            // then states and features agree to the bit
            expect(other.bytes.equals(one.bytes)).toBe(true);
            expect(other.vectors).toEqual(one.vectors);
          });
        },
      ),
      { seed: SEED, numRuns: 25 },
    );
  });

  it('when events with an identity are delivered again in another drop', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryEvents({ keyed: true }),
        fc.integer({ min: 2, max: 5 }),
        async (events, every) => {
          await withStore(async (store) => {
            // given a second drop that repeats some of the events
            const asOf = FIRST_DAY + 40;
            const again = events.filter((_, i) => i % every !== 0);
            const once = await putAll(store, [events], 'a', { droppedAt: 1 });
            const twice = await putAll(store, [again, events, again.slice(0, 3)], 'b', { droppedAt: 1 });
            // when both are folded
            const one = await night(store, config, { runId: 'one', asOf, inputs: once });
            const other = await night(store, config, { runId: 'other', asOf, inputs: twice });
            // then nothing counts twice
            expect(other.bytes.equals(one.bytes)).toBe(true);
            expect(other.vectors).toEqual(one.vectors);
          });
        },
      ),
      { seed: SEED, numRuns: 25 },
    );
  });

  it('when nights go on from snapshots, over random as-of days and late drops', async () => {
    await fc.assert(
      fc.asyncProperty(
        arbitraryEvents(),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 5 }),
        fc.integer({ min: 0, max: lateDays }),
        async (events, steps, late) => {
          await withStore(async (store) => {
            // given a drop per day, of which the last ones before each night are not there yet
            const days = new Map<number, RawEvent[]>();
            for (const event of events) {
              const day = Math.floor(event.time / 86_400_000);
              days.set(day, [...(days.get(day) ?? []), event]);
            }
            const inputs = new Map<number, PutDrop>();
            for (const [day, list] of days) inputs.set(day, await putDrop(store, config, `d${day}`, list));
            let asOf = FIRST_DAY + 3;
            let previous: SnapshotInfo[] = [];
            for (const [i, step] of steps.entries()) {
              asOf += step;
              const there = [...inputs.entries()]
                .filter(([day]) => day < asOf - late)
                .map(([, input]) => input);
              // when the night is folded from scratch and from the earlier nights' snapshots
              const scratch = await night(store, config, { runId: `s${i}`, asOf, inputs: there });
              const goesOn = await night(store, config, { runId: `i${i}`, asOf, inputs: there, previous });
              // then the snapshot served, and both agree to the bit
              expect(goesOn.fromSnapshot).toBe(i > 0);
              expect(goesOn.bytes.equals(scratch.bytes)).toBe(true);
              expect(goesOn.vectors).toEqual(scratch.vectors);
              previous = [...previous, goesOn.info];
            }
          });
        },
      ),
      { seed: SEED, numRuns: 12 },
    );
  });

  it('whatever number of shards reads them', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryEvents(), fc.constantFrom(2, 4, 16), async (events, shards) => {
        await withStore(async (store) => {
          // given drops of one and of four batches
          const asOf = FIRST_DAY + 40;
          const parts = split(events, 2, 5);
          const inputs = [
            await putDrop(store, config, 'a', parts[0]!, { batches: 4 }),
            await putDrop(store, config, 'b', parts[1]!),
          ];
          // when they are read as one shard and as many
          const one = await night(store, config, { runId: 'one', asOf, inputs });
          const many = await night(store, config, { runId: 'many', asOf, inputs, shards });
          // then every user is there once, in the same order, with the same features
          expect([...many.vectors]).toEqual([...one.vectors]);
        });
      }),
      { seed: SEED, numRuns: 15 },
    );
  });
});

describe('the future', () => {
  it('changes no state and no feature before it', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryEvents(), arbitraryEvents(), async (past, future) => {
        await withStore(async (store) => {
          // given events of days from the as-of day on
          const asOf = FIRST_DAY + 40;
          const later = future.map((event) => ({ ...event, time: event.time + 40 * 86_400_000 }));
          const without = await putAll(store, [past], 'a');
          const planted = await putAll(store, [[...past, ...later], later], 'b');
          // when both are folded up to the as-of day
          const one = await night(store, config, { runId: 'one', asOf, inputs: without });
          const other = await night(store, config, { runId: 'other', asOf, inputs: planted });
          // then there is no difference
          expect(other.bytes.equals(one.bytes)).toBe(true);
          expect(other.vectors).toEqual(one.vectors);
        });
      }),
      { seed: SEED, numRuns: 15 },
    );
  });
});
