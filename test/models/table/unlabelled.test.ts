import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../../bin/workspace.ts';
import { ALL } from '../../all.ts';
import { dropsOf, type Night, night, openShop, SLOW } from '../../e2e/nights.ts';
import { type Answers, exported, inboxConfig, inboxFile, tickets } from './inbox.ts';

const AS_OF = '2026-06-10';

const MONDAY = [
  'm1,ann,2026-06-08T09:00:00Z,where is my parcel,phone',
  'm2,bob,2026-06-08T10:00:00Z,please refund the order,desktop',
  // before the first day, 7 June, by the shop's clock
  'm3,ann,2026-06-06T22:59:59Z,open a new account,phone',
  // within it
  'm4,cid,2026-06-06T23:00:00Z,hello there,phone',
  // the same line once more, a message without a time, one without an id
  'm1,ann,2026-06-08T09:00:00Z,where is my parcel,phone',
  'm5,ann,,hello there,phone',
  ',ann,2026-06-08T09:00:00Z,hello there,phone',
];
const TUESDAY = [
  'm6,ann,2026-06-09T08:00:00Z,I want my money back,phone',
  // nobody has signed in
  'm7,,2026-06-09T22:59:59Z,parcel late again,desktop',
  // the as-of day has begun
  'm8,bob,2026-06-09T23:00:00Z,refund me,desktop',
  // a message of Monday that was sent once more, later
  'm2,bob,2026-06-09T10:00:00Z,courier lost the parcel,desktop',
];

async function openInbox(answers?: Answers): Promise<Workspace> {
  const shop = await openShop(inboxConfig(answers));
  await shop.store.put('drop/tickets/table.csv', tickets());
  await shop.store.put('drop/inbox/2026-06-08.csv', inboxFile(MONDAY));
  await shop.store.put('drop/inbox/2026-06-09.csv', inboxFile(TUESDAY));
  return shop;
}

const unlabelledOnly = ({ exports }: Night) =>
  Object.fromEntries(Object.entries(exports).filter(([name]) => name.startsWith('unlabelled')));

describe('messages that nobody has labelled', () => {
  let shop: Workspace;
  let first: Night;

  beforeAll(async () => {
    shop = await openInbox();
    first = await night(shop, AS_OF);
  }, SLOW);

  it('takes every row in as clean, duplicate or quarantined', async () => {
    const drops = await dropsOf(shop);
    const told = drops.flatMap((drop) =>
      drop.state === 'done' && drop.quality.table === 'unlabelled' ? drop.quality : [],
    );
    expect(
      told.map(({ rowsIn, clean, duplicates, quarantinedRows }) => [
        rowsIn,
        clean,
        duplicates.dropped,
        quarantinedRows,
      ]),
    ).toEqual([
      [7, 4, 1, 2],
      [4, 4, 0, 0],
    ]);
  });

  it('answers those of the days before the as-of day, each id once', async () => {
    const rows = await exported(shop, first, 'unlabelled-intent');
    expect(
      rows.map(({ id, user_id, time, day, intent_class }) => [id, user_id, time, day, intent_class]),
    ).toEqual([
      ['m1', 'ann', '2026-06-08T09:00:00.000Z', '2026-06-08', 'delivery'],
      ['m2', 'bob', '2026-06-09T10:00:00.000Z', '2026-06-09', 'delivery'],
      ['m4', 'cid', '2026-06-06T23:00:00.000Z', '2026-06-07', 'other'],
      ['m6', 'ann', '2026-06-09T08:00:00.000Z', '2026-06-09', 'refund'],
      ['m7', null, '2026-06-09T22:59:59.000Z', '2026-06-09', 'delivery'],
    ]);
    for (const row of rows) {
      const all: { name: string; value: number }[] = JSON.parse(row.intent_probabilities!);
      expect(all.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(1, 2);
      expect(all[0]!.name).toBe(row.intent_class);
      expect(all[0]!.value).toBeCloseTo(Number(row.intent_probability), 3);
    }
  });

  it('says of each user what the last message is about, and what the others were', async () => {
    const rows = await exported(shop, first, 'unlabelled-intent');
    const users = await exported(shop, first, 'unlabelled-users-intent');
    expect(
      users.map(({ user_id, intent_rows, intent_last_id, intent_last_class }) => [
        user_id,
        intent_rows,
        intent_last_id,
        intent_last_class,
      ]),
    ).toEqual([
      ['ann', '2', 'm6', 'refund'],
      ['bob', '1', 'm2', 'delivery'],
      ['cid', '1', 'm4', 'other'],
    ]);
    const chance = (id: string, name: string): number =>
      (
        JSON.parse(rows.find((row) => row.id === id)!.intent_probabilities!) as {
          name: string;
          value: number;
        }[]
      ).find((one) => one.name === name)!.value;
    const [ann] = users;
    const of = (column: string, name: string) =>
      (JSON.parse(ann![column]!) as { name: string; value: number }[]).find((one) => one.name === name)!
        .value;
    expect(of('intent_highest', 'delivery')).toBe(chance('m1', 'delivery'));
    expect(of('intent_mean', 'refund')).toBeCloseTo((chance('m1', 'refund') + chance('m6', 'refund')) / 2, 3);
  });

  it('writes the same bytes for shuffled and redelivered files, whatever comes later', {
    timeout: SLOW,
  }, async () => {
    // when: Monday in another order, Tuesday once more under another name, and messages of days to come
    await shop.store.put('drop/inbox/2026-06-08.csv', inboxFile(MONDAY.toReversed()));
    await shop.store.put('drop/inbox/2026-06-09-again.csv', inboxFile(TUESDAY));
    await shop.store.put(
      'drop/inbox/2026-06-11.csv',
      inboxFile([
        'm2,bob,2026-06-10T10:00:00Z,hello there,desktop',
        'm9,ann,2026-06-10T00:00:00+01:00,refund me refund me,phone',
      ]),
    );
    const second = await night(shop, AS_OF);
    // then
    expect(Object.keys(unlabelledOnly(first))).toHaveLength(4);
    expect(unlabelledOnly(second)).toEqual(unlabelledOnly(first));
    expect(second.models).toEqual(first.models);
  });

  it('scores a night without messages', { timeout: SLOW }, async () => {
    const later = await night(shop, '2026-07-10');
    expect(await exported(shop, later, 'unlabelled-intent')).toEqual([]);
    expect(await exported(shop, later, 'unlabelled-users-intent')).toEqual([]);
  });
});

describe.runIf(ALL).each<Answers>(['yes-no', 'any-of', 'number'])(
  "messages whose answers are '%s'",
  (answers) => {
    it('are told by row and by user', { timeout: SLOW }, async () => {
      const shop = await openInbox(answers);
      const told = await night(shop, AS_OF);
      const rows = await exported(shop, told, 'unlabelled-intent');
      const ann = (await exported(shop, told, 'unlabelled-users-intent'))[0]!;
      const of = (column: string) =>
        ['m1', 'm6'].map((id) => Number(rows.find((row) => row.id === id)![column]));
      if (answers === 'any-of') {
        const labels = (text: string | null | undefined) =>
          (JSON.parse(text!) as { name: string }[]).map(({ name }) => name);
        expect(labels(rows[0]!.intent_labels).sort()).toEqual(['delivery', 'mobile']);
        expect(labels(ann.intent_last_labels).sort()).toEqual(['mobile', 'refund']);
        expect(labels(ann.intent_highest)).toHaveLength(4);
        return;
      }
      const [m1, m6] = of(answers === 'number' ? 'intent_number' : 'intent_probability') as [number, number];
      expect(Number(ann.intent_mean)).toBeCloseTo((m1 + m6) / 2, 12);
      expect(Number(ann.intent_highest)).toBe(Math.max(m1, m6));
      if (answers === 'number') expect(Number(ann.intent_lowest)).toBe(Math.min(m1, m6));
      else expect(rows.map((row) => Number(row.intent_rank)).sort()).toEqual([1, 2, 3, 4, 5]);
    });
  },
);
