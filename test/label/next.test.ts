import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import { parseConfig } from '../../lib/config/index.ts';
import { labelFile, type NextRows, nextToLabel } from '../../lib/label/index.ts';
import { dropsOf, night, openShop, SLOW } from '../e2e/nights.ts';
import { inboxConfig, inboxFile, parsed, tickets } from '../models/table/inbox.ts';

const SENT = '2026-06-09T10:00:00Z';
const MESSAGES = [
  // a text that a labelled row has, with both devices
  `a1,ann,${SENT},where is my parcel,phone`,
  // one that is in doubt, ten times
  ...Array.from({ length: 10 }, (_, i) => `b${i},bob,${SENT},my account and my parcel and my money,phone`),
  `c1,,${SENT},"=2+3, ""money"" or account",desktop`,
  `d1,cid,${SENT},account of the courier,desktop`,
  `e1,,${SENT},"money, ""money"" or account",desktop`,
  `f1,cid,${SENT},,desktop`,
];

describe('rows for a person to label', () => {
  let shop: Workspace;
  let next: NextRows;

  beforeAll(async () => {
    shop = await openShop(inboxConfig());
    await shop.store.put('drop/tickets/table.csv', tickets());
    await shop.store.put('drop/inbox/all.csv', inboxFile(MESSAGES));
    await expect(nextToLabel({ store: shop.store, tasks: ['intent'], count: 5 })).rejects.toThrow(
      'nightjar run',
    );
    await night(shop, '2026-06-10');
    next = await nextToLabel({ store: shop.store, tasks: ['intent'], count: 5 });
  }, SLOW);

  it('are no copies of one another, nor of what is labelled', () => {
    const ids = next.rows.map(({ id }) => id);
    expect(ids.filter((id) => id.startsWith('b'))).toEqual(['b0']);
    expect(ids.filter((id) => !id.startsWith('b')).sort()).toEqual(['d1', 'e1']);
    expect([next.answered, next.repeated]).toEqual([15, 10]);
  });

  it('are none that a file could not bring back: a text like a formula, none at all', () => {
    expect(next.unsuited).toBe(2);
  });

  it('come as a file that the labelled table reads once it is filled in', { timeout: SLOW }, async () => {
    const { text, label, warnings } = labelFile(
      next,
      shop.config,
      next.rows.map(() => null),
    );
    expect([label, warnings]).toEqual(['one_of', []]);
    const records = await parsed(text);
    expect(Object.keys(records[0]!)).toEqual([
      ...['body', 'device', 'one_of'],
      ...['row_id', 'model_answer', 'model_probability', 'model_doubt'],
    ]);
    expect(records.find(({ row_id }) => row_id === 'e1')!.body).toBe('money, "money" or account');
    // when: a person fills in all but one
    const filled = text.replace(/,(phone|desktop),,/g, ',$1,other,').replace(',other,', ',,');
    await shop.store.put('drop/tickets/more.csv', filled);
    await shop.ingest(() => {});
    const more = (await dropsOf(shop)).find(({ key }) => key.endsWith('more.csv'));
    expect(more!.quality).toMatchObject({ rowsIn: 3, clean: 2, quarantined: { 'no label': 1 } });
  });

  it('say what the source reads by an expression, and that only csv can be filled in', () => {
    const input = inboxConfig();
    const { tickets: source } = input.sources as Record<string, object>;
    const config = (changed: object) =>
      parseConfig({ ...input, sources: { ...input.sources, tickets: { ...source, ...changed } } });
    const { text, warnings } = labelFile(
      next,
      config({
        columns: { label: '"What they want"', user: 'who', split: 'part' },
        attributes: { texts: { body: 'lower(words)' }, categories: ['device'] },
        csv: { delimiter: ';' },
      }),
      ['ann', null, 'cid'],
    );
    expect(text.split('\n')[0]).toBe(
      '\ufeffbody;device;What they want;who;part;row_id;model_answer;model_probability;model_doubt',
    );
    expect(text.split('\n')[1]).toContain(';;ann;train;');
    expect(warnings).toEqual([expect.stringContaining('lower(words)')]);
    expect(() => labelFile(next, config({ format: 'jsonl' }), [])).toThrow('what a person fills in is csv');
  });

  it('are of a task that answers such rows', async () => {
    const ask = (tasks: string[], task?: string) => nextToLabel({ store: shop.store, tasks, task, count: 1 });
    await expect(ask([])).rejects.toThrow('no task answers rows without a label');
    await expect(ask(['intent', 'mood'])).rejects.toThrow('--task with one of intent, mood');
    await expect(ask(['intent'], 'mood')).rejects.toThrow('"mood" is no task');
  });
});
