import { describe, expect, it } from 'vitest';
import {
  type DayInput,
  decodeSnapshot,
  planFold,
  readShardDays,
  SnapshotWriter,
  snapshotInfo,
  VISIT_ITEMS,
} from '../../lib/features/index.ts';
import { FIRST_DAY, PURCHASE, putDrop, RETURN, testConfig, VIEW, withStore } from './shop.ts';

const config = testConfig({ tokens: 4 });
const DAY = 86_400_000;
const at = (day: number, second = 0) => (FIRST_DAY + day) * DAY + second * 1000;

describe('visits', () => {
  it('are visits by time, type and key, with the main items first, the last ones only', async () => {
    await withStore(async (store) => {
      // given a visit of eleven items and some later ones, two of them at the same instant
      const many = Array.from({ length: 11 }, (_, i) => ({
        user: 'ann',
        time: at(0, 9),
        type: PURCHASE,
        item: `item ${String(i).padStart(2, '0')}`,
        amount: 100,
      }));
      const events = [
        { user: 'ann', time: at(0, 1), type: VIEW, item: 'gone' },
        ...many,
        many[10]!,
        { user: 'ann', time: at(1, 5), type: RETURN, item: 'item 00', quantity: -1, amount: -100 },
        { user: 'ann', time: at(1, 5), type: VIEW, item: 'tea', session: 'web' },
        { user: 'ann', time: at(1, 8), type: VIEW, item: 'tea', session: 'web' },
        { user: 'ann', time: at(1, 7), type: VIEW },
      ];
      const input = await putDrop(store, config, 'a', events);
      // when the user is folded
      const users = await readShardDays({
        store,
        config,
        inputs: [input],
        shard: 0,
        shards: 1,
        before: FIRST_DAY + 2,
      });
      const [ann] = users;
      ann?.advance(FIRST_DAY + 2);
      const visits = ann!.state.visits;
      const rows = Array.from({ length: visits.length }, (_, i) => visits.start + i);
      // then the oldest of five visits has left, and the rest stand in order
      expect(rows.map((i) => visits.type[i])).toEqual([PURCHASE, VIEW, RETURN, VIEW]);
      expect(rows.map((i) => visits.time[i])).toEqual([at(0, 9), at(1, 5), at(1, 5), at(1, 7)]);
      expect(rows.map((i) => visits.lines[i])).toEqual([12, 2, 1, 1]);
      expect(rows.map((i) => visits.money[i])).toEqual([1200, 0, -100, 0]);
      expect(rows.map((i) => visits.distinctItems[i])).toEqual([11, 1, 1, 0]);
      const names = Array.from(
        visits.items.subarray(rows[0]! * VISIT_ITEMS, rows[0]! * VISIT_ITEMS + visits.itemCount[rows[0]!]!),
        (id) => users.items.text(id),
      );
      expect(names).toEqual(['item 10', ...many.slice(0, 7).map(({ item }) => item)]);
    });
  });
});

describe('a snapshot', () => {
  it('is read back to the bit and refuses other settings', async () => {
    await withStore(async (store) => {
      // given states of three users, one without items
      const events = ['ann', 'bob', 'éva'].flatMap((user, i) => [
        { user, time: at(i), type: VIEW },
        ...Array.from({ length: 40 * i }, (_, n) => ({
          user,
          time: at(i + n, n),
          type: n % 3 === 0 ? RETURN : PURCHASE,
          item: `ü${n % 7}`,
          quantity: 0.3,
          amount: 333 * n,
        })),
      ]);
      const input = await putDrop(store, config, 'a', events);
      const query = { store, config, inputs: [input], shard: 0, shards: 1, before: FIRST_DAY + 200 };
      const users = await readShardDays(query);
      const writer = new SnapshotWriter(config, users.items, FIRST_DAY + 200);
      for (const { user, hash, state, advance } of users) {
        advance(FIRST_DAY + 200);
        writer.add(user, hash, state);
      }
      const bytes = writer.encode();
      await store.put('states.arrow', bytes);
      // when they are loaded, without a day to add, and written again
      const from = FIRST_DAY + 200;
      const again = await readShardDays({ ...query, inputs: [], from, snapshot: 'states.arrow' });
      const second = new SnapshotWriter(config, again.items, from);
      for (const { user, hash, state, days } of again) {
        expect(days).toEqual([]);
        second.add(user, hash, state);
      }
      // then the bytes are the same
      expect(Buffer.from(second.encode()).equals(bytes)).toBe(true);
      expect(second.rows).toBe(3);
      const other = testConfig({ tokens: 5 });
      expect(() => decodeSnapshot(bytes, other, again.items, 'states.arrow')).toThrow(/fold from scratch/);
    });
  });
});

describe('planning a fold', () => {
  const input = (dropId: string, minDay?: number, maxDay?: number, revision = 'r1'): DayInput => ({
    dropId,
    revision,
    key: `days/${dropId}`,
    ...(minDay === undefined || maxDay === undefined ? {} : { minDay, maxDay }),
  });
  const held = [input('a', 1, 50), input('b', 40, 99), input('empty')];
  const previous = [snapshotInfo({ config, runId: 'r', asOf: 103, shards: 4, inputs: held })];
  const plan = (inputs: DayInput[], more: object = {}) =>
    planFold({ config, asOf: 110, shards: 4, inputs, previous, ...more });

  it('goes on from a snapshot and skips files that end before it', () => {
    const result = plan([...held, input('c', 100, 104)]);
    expect(result.from).toBe(100);
    expect(result.snapshotDay).toBe(107);
    expect(result.inputs.map(({ dropId }) => dropId)).toEqual(['c']);
  });

  it('starts from scratch when what was held has changed, or something older has come', () => {
    const scratch = (inputs: DayInput[], more: object = {}) => {
      const result = plan(inputs, more);
      expect(result.snapshot).toBeUndefined();
      return result.inputs.map(({ dropId }) => dropId);
    };
    expect(scratch([input('a', 1, 50, 'r2'), held[1]!, held[2]!])).toEqual(['a', 'b']);
    expect(scratch([held[0]!, held[2]!])).toEqual(['a']);
    expect(scratch([...held, input('late', 99, 104)])).toEqual(['a', 'b', 'late']);
    expect(scratch(held, { shards: 8 })).toEqual(['a', 'b']);
    expect(scratch(held, { config: testConfig({ tokens: 5 }) })).toEqual(['a', 'b']);
    expect(scratch(held, { asOf: 102 })).toEqual(['a', 'b']);
    expect(scratch(held, { previous: [] })).toEqual(['a', 'b']);
  });

  it('takes the latest snapshot that serves and reads nothing at or after the as-of day', () => {
    const later = snapshotInfo({ config, runId: 'later', asOf: 108, shards: 4, inputs: held });
    const inputs = [...held, input('future', 110, 111)];
    const result = plan(inputs, { previous: [...previous, later] });
    expect(result.snapshot?.runId).toBe('later');
    expect(result.inputs).toEqual([]);
  });
});
