import { describe, expect, it } from 'vitest';
import { eventCode, parseDay } from '../../../../lib/data/index.ts';
import { VisitList } from '../../../../lib/features/visit-list.ts';
import type { VisitVocabulary } from '../../../../lib/models/candidates/material.ts';
import {
  hideVisit,
  predictedFields,
  sharedIds,
  sharedVocabulary,
  VISIT_FIELDS,
  VisitEncoder,
  VocabularyCounter,
  visitTableSize,
} from '../../../../lib/models/candidates/network/visits/visit-ids.ts';
import { vocabulary } from './small.ts';

const NAMES = ['hat', 'tea', 'cup', 'rare'];
const itemText = (id: number) => NAMES[id]!;

interface Visit {
  readonly day: string;
  readonly hour: number;
  readonly type: 'view' | 'purchase' | 'return';
  readonly money?: number;
  readonly lines: number;
  readonly items: readonly string[];
}

function listOf(visits: readonly Visit[], limit = 64): VisitList {
  const list = new VisitList(limit);
  for (const { day, hour, type, money = 0, lines, items } of visits) {
    const at = list.push();
    list.day[at] = parseDay(day);
    list.time[at] = parseDay(day) * 86_400_000 + hour * 3_600_000;
    list.hour[at] = hour;
    list.type[at] = eventCode(type);
    list.money[at] = money;
    list.lines[at] = lines;
    list.itemCount[at] = items.length;
    items.forEach((item, i) => {
      list.items[at * 8 + i] = NAMES.indexOf(item);
    });
  }
  return list;
}

/** First ids of type, gap, spend, lines, age, hour, weekday and items: every value of a field, and one that hides it. */
const [TYPE, GAP, SPEND, LINES, AGE, HOUR, WEEKDAY, ITEM] = [1, 11, 20, 37, 46, 54, 62, 69] as const;

const visits: Visit[] = [
  { day: '2024-02-29', hour: 0, type: 'view', lines: 1, items: ['hat'] },
  {
    day: '2024-03-04',
    hour: 23,
    type: 'purchase',
    money: 500,
    lines: 9,
    items: ['tea', 'cup', 'hat', 'tea', 'tea'],
  },
  { day: '2024-03-04', hour: 12, type: 'return', money: -2001, lines: 2, items: [] },
];

describe('tokens', () => {
  it('name type, gap, spend, lines, age, part of the day, weekday and four items of each visit', () => {
    // given
    const encoder = new VisitEncoder(vocabulary, 4, itemText);
    const out = new Int32Array(5 * VISIT_FIELDS).fill(-1);
    // when: asked on 2024-03-05
    const count = encoder.encode(listOf(visits), parseDay('2024-03-05'), out, VISIT_FIELDS);
    // then: the place before is left alone, the one behind the last visit is empty
    expect(count).toBe(3);
    const rows = Array.from({ length: 5 }, (_, i) => [
      ...out.subarray(i * VISIT_FIELDS, (i + 1) * VISIT_FIELDS),
    ]);
    expect(rows[0]).toEqual(Array(VISIT_FIELDS).fill(-1));
    // A Thursday at midnight, five days ago (bucket 3: 4 to 7), an item beyond the vocabulary.
    expect(rows[1]).toEqual([TYPE, GAP, SPEND, LINES + 1, AGE + 3, HOUR, WEEKDAY + 3, ITEM, 0, 0, 0]);
    // A Monday, four days later; 5.00 is within the second edge; eight lines and more share the fifth bucket.
    expect(rows[2]).toEqual([
      ...[TYPE + 5, GAP + 3, SPEND + 2, LINES + 4, AGE + 1, HOUR + 7, WEEKDAY],
      ...[ITEM + 1, ITEM + 2, ITEM, ITEM + 1],
    ]);
    // The same day; money beyond the last edge, whatever its sign.
    expect(rows[3]).toEqual([TYPE + 6, GAP, SPEND + 4, LINES + 2, AGE + 1, HOUR + 4, WEEKDAY, 0, 0, 0, 0]);
    expect(rows[4]).toEqual(Array(VISIT_FIELDS).fill(0));
    expect(visitTableSize(vocabulary)).toBe(ITEM + 2 + 2);
  });

  it('are the last visits where there is not room for all, each with its gap to the one before', () => {
    const encoder = new VisitEncoder(vocabulary, 4, itemText);
    const out = new Int32Array(2 * VISIT_FIELDS);
    const count = encoder.encode(listOf(visits), parseDay('2024-03-05'), out, 0, 2);
    expect(count).toBe(2);
    expect(out[0]).toBe(TYPE + 5);
    expect(out[1]).toBe(GAP + 3);
    expect(out[VISIT_FIELDS]).toBe(TYPE + 6);
  });

  it('of a user without visits are empty', () => {
    const out = new Int32Array(2 * VISIT_FIELDS).fill(9);
    const count = new VisitEncoder(vocabulary, 2, itemText).encode(listOf([]), 19_000, out, 0);
    expect(count).toBe(0);
    expect([...out]).toEqual(Array(2 * VISIT_FIELDS).fill(0));
  });

  it('stay below the size of the table, and hide all but when they are asked for', () => {
    // given
    const out = new Int32Array(3 * VISIT_FIELDS);
    new VisitEncoder(vocabulary, 3, itemText).encode(listOf(visits), parseDay('2034-03-05'), out, 0);
    expect(Math.max(...out)).toBeLessThan(visitTableSize(vocabulary));
    const before = [...out];
    // when
    hideVisit(out, VISIT_FIELDS, vocabulary);
    // then
    const hidden = [...out.subarray(VISIT_FIELDS, 2 * VISIT_FIELDS)];
    const shown = before.slice(VISIT_FIELDS, 2 * VISIT_FIELDS);
    expect(hidden).toEqual([
      TYPE + 9,
      GAP + 8,
      SPEND + 16,
      LINES + 8,
      ...shown.slice(4, 7),
      ITEM + 3,
      0,
      0,
      0,
    ]);
    expect([...out.subarray(0, VISIT_FIELDS)]).toEqual(before.slice(0, VISIT_FIELDS));
    expect(out.at(-1)).toBe(before.at(-1));
    // and what is asked of a hidden visit never is the id that hides it
    for (const { slot, first, size } of predictedFields(vocabulary)) {
      expect(hidden[slot]).toBe(first + size);
      if (shown[slot] !== 0) expect(shown[slot]! - first).toBeLessThan(size);
    }
  });
});

describe('vocabulary', () => {
  it('holds what was seen more than once, the most frequent first, and quantiles of what was spent', () => {
    // given
    const counter = new VocabularyCounter();
    // when
    counter.add(listOf([...visits, { ...visits[1]!, money: 100, items: ['cup', 'cup', 'rare'] }]), itemText);
    const { items, spendEdges } = counter.finish();
    // then: five items of a visit are four
    expect(items).toEqual(['cup', 'hat', 'tea']);
    expect(spendEdges).toHaveLength(14);
    expect(spendEdges).toEqual([...spendEdges].sort((a, b) => a - b));
    expect(new Set(spendEdges)).toEqual(new Set([100, 500, 2001]));
  });

  it('does not depend on the order in which users come', () => {
    const count = (order: readonly Visit[]) => {
      const counter = new VocabularyCounter();
      for (const visit of order) counter.add(listOf([visit]), itemText);
      return counter.finish();
    };
    expect(count([...visits].reverse())).toEqual(count(visits));
  });

  it('of a shop without money and items still has edges and a table', () => {
    const { items, spendEdges } = new VocabularyCounter().finish();
    expect(items).toEqual([]);
    expect(spendEdges).toHaveLength(14);
    expect(visitTableSize({ items, spendEdges })).toBe(ITEM + 2);
  });
});

describe('ids that mean the same in every shop', () => {
  it('tell an item by its class of popularity, whichever way they are made', () => {
    // given: a vocabulary of four items, most popular first
    const own = { items: ['cup', 'tea', 'hat', 'rare'], spendEdges: [100, 500, 2000] };
    const encoded = (of: VisitVocabulary) => {
      const out = new Int32Array(3 * VISIT_FIELDS);
      new VisitEncoder(of, 3, itemText).encode(listOf(visits), parseDay('2024-03-05'), out, 0);
      return out;
    };
    // when
    const shared = encoded(sharedVocabulary(own));
    // then: cup is of class 0, tea and hat of class 1; what is no item stays
    expect([...shared.subarray(VISIT_FIELDS + 7, 2 * VISIT_FIELDS)]).toEqual([
      ITEM + 2,
      ITEM + 1,
      ITEM + 2,
      ITEM + 2,
    ]);
    expect(sharedIds(encoded(own))).toEqual(shared);
    expect(shared.filter((_, i) => i % VISIT_FIELDS < 7)).toEqual(
      encoded(own).filter((_, i) => i % VISIT_FIELDS < 7),
    );
  });

  it('have one table, however many items a shop has', () => {
    const many = { items: Array.from({ length: 1000 }, (_, i) => `item ${i}`), spendEdges: [1] };
    const sizes = [vocabulary, many, { items: [], spendEdges: [] }].map((one) =>
      visitTableSize(sharedVocabulary(one)),
    );
    expect(sizes).toEqual([ITEM + 12, ITEM + 12, ITEM + 12]);
    const rare = new Int32Array(VISIT_FIELDS);
    new VisitEncoder(sharedVocabulary(many), 1, () => 'item 999').encode(
      listOf([visits[0]!]),
      parseDay('2024-03-05'),
      rare,
      0,
    );
    expect(rare[7]).toBe(ITEM + 10);
  });
});
