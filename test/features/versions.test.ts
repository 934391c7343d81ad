import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { NewestBy, SnapshotInfo } from '../../lib/features/index.ts';
import { ALL } from '../all.ts';
import { AS_OF, at, config, DAY, type Drop, expectSame, putAll } from './keyed.ts';
import { night } from './night.ts';
import { PURCHASE, putDrop, type RawEvent, RETURN, VIEW, withStore } from './shop.ts';

const SEED = 20261123;
/** Cases of each property. */
const CASES = ALL ? 60 : 30;
const NEWEST: NewestBy[] = [['drop'], ['version'], ['version', 'drop'], ['drop', 'version']];

/** The rule in its plainest form: read all lines, keep those of the newest version of each event that are not withdrawn. */
function newestLines(drops: readonly Drop[], asOf: number, newestBy: NewestBy): RawEvent[] {
  const known = drops.flatMap(({ name, droppedAt, source = 'shop', events }) =>
    events
      .filter((event) => event.time < asOf * DAY)
      .map((event) => ({ event, name, droppedAt, source, key: event.id && `${source} ${event.id}` })),
  );
  type Known = (typeof known)[number];
  const rank = ({ event, droppedAt }: Known) =>
    [...newestBy, 'drop' as const].map((term) =>
      term === 'drop' ? droppedAt : (event.version ?? Number.NEGATIVE_INFINITY),
    );
  const compare = (a: Known, b: Known) => {
    const [own, other] = [rank(a), rank(b)];
    const place = own.findIndex((value, i) => value !== other[i]);
    return place < 0 ? (a.name < b.name ? -1 : 1) : own[place]! - other[place]!;
  };
  return known
    .filter((line) => {
      if (line.event.withdrawn) return false;
      if (line.key === undefined) return true;
      const versions = known.filter(({ key }) => key === line.key).sort(compare);
      return versions.at(-1)!.name === line.name;
    })
    .map(({ event, key }) => (key === undefined ? event : { ...event, id: key }));
}

const event = fc.record({
  user: fc.constantFrom('ann', 'bob', 'cid', 'dora', 'éva'),
  day: fc.integer({ min: 0, max: 34 }),
  second: fc.integer({ min: 0, max: 3 }),
  type: fc.constantFrom(VIEW, PURCHASE, RETURN),
  item: fc.option(fc.constantFrom('tea', 'cup', 'lamp'), { nil: undefined }),
  amount: fc.integer({ min: 0, max: 900 }),
  session: fc.option(fc.constantFrom('s1', 's2'), { nil: undefined }),
  id: fc.option(fc.integer({ min: 0, max: 9 }).map(String), { nil: undefined, freq: 8 }),
  version: fc.option(fc.integer({ min: -2, max: 2 }), { nil: undefined }),
  withdrawn: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
});

/** Drops whose events share identities, times and versions often; some repeat an identity within (`duplicates: 'keep'`). */
const drops = fc
  .array(
    fc.record({
      droppedAt: fc.integer({ min: 0, max: 3 }),
      source: fc.constantFrom('shop', 'shop', 'till'),
      events: fc.array(event, { minLength: 0, maxLength: 14 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((list) =>
    list.map(
      ({ events, ...drop }, i): Drop => ({
        name: `drop${(i * 7) % 10}`,
        ...drop,
        events: events.map(({ day, second, item, session, id, version, withdrawn, ...rest }) => ({
          ...rest,
          withdrawn: withdrawn && id !== undefined,
          time: at(day, second),
          ...(item === undefined ? {} : { item }),
          ...(session === undefined ? {} : { session }),
          ...(id === undefined ? {} : { id }),
          ...(version === undefined ? {} : { version }),
        })),
      }),
    ),
  );

describe('an event that several drops tell of', () => {
  it('is what its newest version says: states and features as if only those lines had ever come', async () => {
    await fc.assert(
      fc.asyncProperty(
        drops,
        fc.constantFrom(...NEWEST),
        fc.constantFrom(1, 4),
        fc.constantFrom(1, 100_000),
        async (list, newestBy, shards, times) => {
          await withStore(async (store) => {
            // given: decided at once, and in parts as millions of lines are
            const inputs = await putAll(store, list);
            const lines = newestLines(list, AS_OF, newestBy);
            const single = [await putDrop(store, config, 'plain', lines)];
            // when
            const common = { asOf: AS_OF, shards };
            const own = await night(store, config, { ...common, runId: 'own', inputs, newestBy, times });
            const plain = await night(store, config, { ...common, runId: 'plain', inputs: single });
            // then
            expectSame(own, plain);
            const known = list
              .flatMap(({ events }) => events)
              .filter(({ time, withdrawn }) => time < AS_OF * DAY && !withdrawn);
            const replaced = Object.values(own.replaced).reduce((sum, n) => sum + n, 0);
            expect(replaced).toBe(known.length - lines.length);
          });
        },
      ),
      { seed: SEED, numRuns: CASES },
    );
  });

  it('is the same on from a snapshot, with versions on both sides of its day and later', async () => {
    let stale = 0;
    let served = 0;
    await fc.assert(
      fc.asyncProperty(
        drops,
        drops,
        fc.constantFrom(...NEWEST),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (first, second, newestBy, nights, late) => {
          await withStore(async (store) => {
            // given a night with some drops, and later ones: without days that the snapshot holds, but for what they withdraw
            const shards = 4;
            const day = AS_OF - config.features.lateDays;
            const later = second.map((drop, i) => ({
              ...drop,
              name: `later${i}`,
              droppedAt: late ? drop.droppedAt : drop.droppedAt + 4,
              events: drop.events.filter(({ time, withdrawn }) => withdrawn || time >= day * DAY),
            }));
            const before = await putAll(store, first);
            const inputs = [...before, ...(await putAll(store, later))];
            const common = { newestBy, shards };
            const { info } = await night(store, config, {
              ...common,
              runId: 'first',
              asOf: AS_OF,
              inputs: before,
            });
            // when a later night is folded from scratch, and on from the first
            const asOf = AS_OF + nights;
            const scratch = await night(store, config, { ...common, runId: 'scratch', asOf, inputs });
            const previous: SnapshotInfo[] = [info];
            const own = await night(store, config, { ...common, runId: 'own', asOf, inputs, previous });
            // then both agree to the bit, and the snapshot served where it could
            expect(own.fromSnapshot).toBe(true);
            expectSame(own, scratch);
            stale += own.stale.length;
            served += shards - own.stale.length;
          });
        },
      ),
      { seed: SEED, numRuns: CASES },
    );
    // Else the test would say nothing of one side.
    expect(stale).toBeGreaterThan(CASES / 3);
    expect(served).toBeGreaterThan(CASES);
  });

  it('does not depend on the order, the names or the grouping in which lines of one version come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 30 }), fc.nat(1000), async (list, salt) => {
        await withStore(async (store) => {
          // given each line of a log once, and in several drops of any time
          const lines = list.map(
            ({ day, second, item, user, type, amount }, i): RawEvent => ({
              ...{ user, type, amount },
              time: at(day, second),
              id: `line ${i}`,
              ...(item === undefined ? {} : { item }),
            }),
          );
          const some = (part: number) => lines.filter((_, i) => (i * 31 + salt) % 4 !== part);
          const again = [0, 1, 2, 3].map((part) => ({
            name: `again${(part + salt) % 7}`,
            droppedAt: (part * salt) % 3,
            events: some(part),
          }));
          const once = [{ name: 'once', droppedAt: 9, events: lines }];
          // when both are folded
          const common = { asOf: AS_OF, newestBy: ['version', 'drop'] } as const;
          const one = await night(store, config, {
            ...common,
            runId: 'one',
            inputs: await putAll(store, once),
          });
          const other = await night(store, config, {
            ...common,
            runId: 'two',
            inputs: await putAll(store, again),
          });
          // then there is no difference
          expectSame(other, one);
        });
      }),
      { seed: SEED, numRuns: CASES / 2 },
    );
  });
});
