import { Field, TimestampMillisecond, Utf8 } from 'apache-arrow';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeArrow, recordBatch } from '../../lib/data/index.ts';
import { textOf } from '../../lib/features/columns.ts';
import { Links } from '../../lib/features/identities/links.ts';
import { resolve, timelineOf } from '../../lib/features/identities/resolve.ts';
import {
  dayFile,
  featureNames,
  featureVector,
  type MovedParts,
  openIdentities,
  planFold,
  readShardDays,
  type SnapshotInfo,
  SnapshotWriter,
  snapshotInfo,
  snapshotKey,
} from '../../lib/features/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import {
  arbitraryEvents,
  FIRST_DAY,
  type PutDrop,
  putDrop,
  type RawEvent,
  testConfig,
  withStore,
} from './shop.ts';

const SEED = 20261130;
const DAY = 86_400_000;
const config = testConfig({ historyDays: 20, tokens: 4 });
const SHARDS = 4;
const HORIZON = 7;
const END = FIRST_DAY + 40;
const IDS = ['ann', 'bob', 'cid', 'dora', 'éva'];

interface Linked {
  readonly from: string;
  readonly to: string;
  readonly day: number;
}

const arbitraryLinks = fc.array(
  fc.record({
    from: fc.constantFrom(...IDS),
    to: fc.constantFrom(...IDS, 'zoe'),
    day: fc.integer({ min: 0, max: 39 }).map((day) => FIRST_DAY + day),
  }),
  { maxLength: 6 },
);

/** By the definition alone: an id that comes back to itself is itself; else all of its links must end at one id. */
function rootOf(links: readonly Linked[], id: string, day: number): string {
  const of = (one: string) => links.filter((link) => link.from === one && link.to !== one && link.day < day);
  const reached = new Set<string>();
  const walk = (one: string): void => {
    for (const { to } of of(one)) {
      if (reached.has(to)) continue;
      reached.add(to);
      walk(to);
    }
  };
  walk(id);
  if (reached.has(id) || reached.size === 0) return id;
  const ends = new Set(of(id).map(({ to }) => rootOf(links, to, day)));
  return ends.size === 1 ? [...ends][0]! : id;
}

async function putLinks(store: ObjectStore, name: string, links: readonly Linked[]) {
  const fields = [
    new Field('user', new Utf8(), false),
    new Field('anonymous', new Utf8(), false),
    new Field('time', new TimestampMillisecond('UTC'), false),
  ];
  const key = `clean/identities/${name}/r1.arrow`;
  const rows = links.length;
  const text = (values: string[]) => textOf(values, rows);
  const time = {
    type: new TimestampMillisecond('UTC'),
    length: rows,
    nullCount: 0,
    data: BigInt64Array.from(links, ({ day }) => BigInt(day * DAY + 1000)),
  };
  const columns = [text(links.map(({ to }) => to)), text(links.map(({ from }) => from)), time];
  await store.put(key, encodeArrow(fields, [recordBatch(fields, columns, rows)]));
  return { key, dropId: name, revision: 'r1' };
}

type IdentityFile = Awaited<ReturnType<typeof putLinks>>;

function openMoved(
  store: ObjectStore,
  drops: readonly IdentityFile[],
  inputs: readonly PutDrop[],
  before: number,
  snapshot?: SnapshotInfo,
): Promise<MovedParts> {
  const common = { store, config, inputs: inputs.map(dayFile), shards: SHARDS, before };
  return openIdentities(
    store,
    {
      drops,
      timeZone: 'UTC',
      before,
      horizon: HORIZON,
      shards: SHARDS,
      rows: inputs.map(({ key }) => key).join(),
      ...(snapshot
        ? {
            snapshot: {
              day: snapshot.day,
              asOf: snapshot.asOf,
              held: new Set(snapshot.held.map(({ dropId }) => dropId)),
              stale: [],
            },
          }
        : {}),
    },
    (shard) => readShardDays({ ...common, shard }),
    0.5,
  );
}

/** What a night writes: the states of every user as of its snapshot's day and as of the day, and the snapshots put for later. */
async function night(
  store: ObjectStore,
  args: {
    runId: string;
    asOf: number;
    inputs: readonly PutDrop[];
    links?: readonly IdentityFile[];
    previous?: SnapshotInfo[];
  },
): Promise<{ bytes: Buffer; info: SnapshotInfo; resumed: boolean }> {
  const { runId, asOf, inputs, links, previous = [] } = args;
  const listed = [...inputs, ...(links ?? [])];
  const plan = planFold({ config, asOf, shards: SHARDS, inputs: listed, previous });
  const { snapshot } = plan;
  const moved = links && (await openMoved(store, links, inputs, asOf, snapshot));
  const parts: Uint8Array[] = [];
  for (let shard = 0; shard < SHARDS; shard++) {
    const read = await readShardDays({
      store,
      config,
      inputs: (snapshot ? plan.inputs : inputs).map(dayFile),
      shard,
      shards: SHARDS,
      before: asOf,
      moved,
      view: asOf,
      ...(snapshot ? { from: snapshot.day, snapshot: snapshotKey(config, snapshot.runId, shard) } : {}),
    });
    const early = new SnapshotWriter(config, read.items, plan.snapshotDay);
    const late = new SnapshotWriter(config, read.items, asOf);
    for (const { user, hash, state, advance } of read) {
      advance(plan.snapshotDay);
      early.add(user, hash, state);
      advance(asOf);
      late.add(user, hash, state);
    }
    await store.put(snapshotKey(config, runId, shard), early.encode());
    parts.push(early.encode(), late.encode());
  }
  const info = snapshotInfo({ config, runId, asOf, shards: SHARDS, inputs: listed });
  return { bytes: Buffer.concat(parts), info, resumed: snapshot !== undefined };
}

const relabelled = (events: readonly RawEvent[], links: readonly Linked[], day: number): RawEvent[] =>
  events.map((event) => ({ ...event, user: rootOf(links, event.user, day) }));

describe('whose an id is', () => {
  const linksOf = (...all: [from: string, to: string, day: number][]) => {
    const links = new Links();
    for (const [from, to, day] of all) links.add(from, to, day);
    const told = (id: string, day: number) => {
      const { root, why } = resolve(links, links.number(id)!, day);
      return why ? `${links.ids[root]} (${why})` : links.ids[root]!;
    };
    return { links, told };
  };

  it('is known from the day after the link', () => {
    const { told } = linksOf(['device', 'customer', 10]);
    expect([10, 11].map((day) => told('device', day))).toEqual(['device', 'customer']);
  });

  it('a device of two customers is the first one’s until the second is known, and nobody’s from then on', () => {
    const { links, told } = linksOf(['device', 'a', 10], ['device', 'b', 20], ['device', 'c', 30]);
    expect([11, 20, 21, 99].map((day) => told('device', day))).toEqual([
      'a',
      'a',
      'device (several users)',
      'device (several users)',
    ]);
    expect(timelineOf(links, links.number('device')!).map(({ since }) => since)).toEqual([11, 21]);
  });

  it('chains end at their last id; two ways to one customer are one', () => {
    const { told } = linksOf(['a', 'b', 1], ['b', 'c', 5], ['a', 'd', 7], ['d', 'c', 7]);
    expect([2, 6, 8].map((day) => told('a', day))).toEqual(['b', 'c', 'c']);
  });

  it('ids on a circle are themselves, and what leads there ends where it meets the circle', () => {
    const { told } = linksOf(['a', 'b', 1], ['b', 'c', 2], ['c', 'a', 3], ['x', 'b', 1]);
    expect(['a', 'b', 'c', 'x'].map((id) => told(id, 3))).toEqual(['c', 'c', 'c', 'c']);
    expect(['a', 'b', 'c', 'x'].map((id) => told(id, 4))).toEqual([
      'a (circle)',
      'b (circle)',
      'c (circle)',
      'b',
    ]);
  });

  it('a chain of more than 32 links is not followed', () => {
    const chain = Array.from({ length: 40 }, (_, i): [string, string, number] => [`${i}`, `${i + 1}`, 1]);
    const { told } = linksOf(...chain);
    expect(told('8', 2)).toBe('40');
    expect(told('7', 2)).toBe('7 (long chain)');
  });

  it('as the definition says, whatever is linked', () => {
    fc.assert(
      fc.property(
        arbitraryLinks,
        fc.constantFrom(...IDS),
        fc.integer({ min: 0, max: 41 }),
        (all, id, after) => {
          const links = new Links();
          for (const { from, to, day } of all) links.add(from, to, day);
          const number = links.number(id);
          if (number === undefined) return;
          const root = rootOf(all, id, FIRST_DAY + after);
          expect(links.ids[resolve(links, number, FIRST_DAY + after).root]).toBe(root);
          const segment = timelineOf(links, number).findLast(({ since }) => since <= FIRST_DAY + after);
          expect(links.ids[segment?.root ?? number]).toBe(root);
        },
      ),
      { seed: SEED, numRuns: 300 },
    );
  });
});

describe('users with linked ids', () => {
  it('have the states that they would have, had every event named them', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryEvents(), arbitraryLinks, async (events, links) => {
        await withStore(async (store) => {
          // given the events by themselves with links, and the same under the ids that the links say
          const own = [await putDrop(store, config, 'own', events)];
          const named = [await putDrop(store, config, 'named', relabelled(events, links, END))];
          // when a night folds both
          const files = [await putLinks(store, 'links', links)];
          const joined = await night(store, { runId: 'joined', asOf: END, inputs: own, links: files });
          const told = await night(store, { runId: 'told', asOf: END, inputs: named });
          // then
          expect(joined.bytes.equals(told.bytes)).toBe(true);
        });
      }),
      { seed: SEED, numRuns: 25 },
    );
  });

  it('go on from a snapshot that knew fewer links, to the bit', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryEvents(), arbitraryLinks, arbitraryLinks, async (events, early, late) => {
        await withStore(async (store) => {
          // given a night in the middle, and later links and events
          const middle = FIRST_DAY + 25;
          const until = middle - config.features.lateDays;
          const before = events.filter(({ time }) => time < until * DAY);
          const after = events.filter(({ time }) => time >= until * DAY);
          const first = [await putDrop(store, config, 'first', before)];
          const links = [await putLinks(store, 'early', early)];
          const { info } = await night(store, { runId: 'one', asOf: middle, inputs: first, links });
          // when
          const all = {
            asOf: END,
            inputs: [...first, await putDrop(store, config, 'second', after)],
            links: [...links, await putLinks(store, 'late', late)],
          };
          const resumed = await night(store, { ...all, runId: 'two', previous: [info] });
          const anew = await night(store, { ...all, runId: 'three' });
          // then
          expect(resumed.resumed).toBe(true);
          expect(resumed.bytes.equals(anew.bytes)).toBe(true);
        });
      }),
      { seed: SEED, numRuns: 25 },
    );
  });

  it('are seen by training as of every cut-off with the links known by then, and no event counts twice', async () => {
    await fc.assert(
      fc.asyncProperty(arbitraryEvents(), arbitraryLinks, async (events, links) => {
        await withStore(async (store) => {
          const cutoffs = [8, 16, 24, 32].map((day) => FIRST_DAY + day);
          const inputs = [await putDrop(store, config, 'own', events)];
          const moved = await openMoved(store, [await putLinks(store, 'links', links)], inputs, END);
          const dayOf = ({ time }: RawEvent) => Math.floor(time / DAY);
          const tell = (user: string, of: readonly { day: number; lines: number }[]) =>
            of.map(({ day, lines }) => `${user} ${day} ${lines}`);
          const length = featureNames(config).length;
          const found: string[][] = cutoffs.map(() => []);
          const windows: string[][] = cutoffs.map(() => []);
          const counted: string[] = [];
          for (let shard = 0; shard < SHARDS; shard++) {
            const common = { store, config, inputs: inputs.map(dayFile), shard, shards: SHARDS, before: END };
            const read = await readShardDays({ ...common, moved });
            for (const user of read) {
              const linesOf = (days: typeof user.days) =>
                days.map(({ day, entries, start, end }) => {
                  let lines = 0;
                  for (let i = start; i < end; i++) lines += entries.lines[i]!;
                  return { day, lines };
                });
              counted.push(...tell(user.user, linesOf(user.days)));
              for (const [i, cutoff] of cutoffs.entries()) {
                user.advance(cutoff);
                if (rootOf(links, user.user, cutoff) === user.user) {
                  const inside = linesOf(user.outcomes).filter(
                    ({ day }) => day >= cutoff && day < cutoff + HORIZON,
                  );
                  windows[i]!.push(...tell(user.user, inside));
                } else expect(user.state.day).toBe(Number.NEGATIVE_INFINITY);
                if (user.state.day === Number.NEGATIVE_INFINITY) continue;
                const vector = new Float32Array(length);
                featureVector(user.state, cutoff, config, vector);
                found[i]!.push(`${user.user} ${vector.join()}`);
              }
            }
          }
          // then: each event counts once, for whom its id was when the day was over
          const sums = (of: readonly { user: string; day: number }[]) => {
            const lines = new Map<string, number>();
            for (const { user, day } of of)
              lines.set(`${user} ${day}`, (lines.get(`${user} ${day}`) ?? 0) + 1);
            return [...lines].map(([key, count]) => `${key} ${count}`).sort();
          };
          expect(counted.sort()).toEqual(
            sums(
              events.map((event) => ({
                user: rootOf(links, event.user, dayOf(event) + 1),
                day: dayOf(event),
              })),
            ),
          );
          for (const [i, cutoff] of cutoffs.entries()) {
            // features are those of the ids that were known by then
            const named = await putDrop(store, config, `at${i}`, relabelled(events, links, cutoff));
            const told: string[] = [];
            for (let shard = 0; shard < SHARDS; shard++) {
              const common = { store, config, shard, shards: SHARDS, before: END };
              for (const user of await readShardDays({ ...common, inputs: [dayFile(named)] })) {
                user.advance(cutoff);
                if (user.state.day === Number.NEGATIVE_INFINITY) continue;
                const vector = new Float32Array(length);
                featureVector(user.state, cutoff, config, vector);
                told.push(`${user.user} ${vector.join()}`);
              }
            }
            expect(found[i]!.sort()).toEqual(told.sort());
            // a window holds what the id, or whoever it had turned out to be by that day, did
            const ids = [...new Set(events.map(({ user }) => user).concat(links.map(({ to }) => to)))];
            const asked = ids.filter((id) => rootOf(links, id, cutoff) === id);
            const inside = asked.flatMap((id) =>
              events
                .filter((event) => dayOf(event) >= cutoff && dayOf(event) < cutoff + HORIZON)
                .filter((event) => {
                  const end = dayOf(event) + 1;
                  return rootOf(links, event.user, end) === rootOf(links, id, end);
                })
                .map((event) => ({ user: id, day: dayOf(event) })),
            );
            expect(windows[i]!.sort()).toEqual(sums(inside));
          }
        });
      }),
      { seed: SEED, numRuns: 25 },
    );
  });
});
