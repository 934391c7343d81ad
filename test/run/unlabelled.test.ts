import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/config/index.ts';
import { tooLittleHistory } from '../../lib/run/history.ts';
import { buildManifest, lastUnlabelledDay, taskGroups } from '../../lib/run/index.ts';
import { dropsOf, openShop } from '../e2e/nights.ts';
import { inboxConfig, inboxFile } from '../models/table/inbox.ts';

const input = inboxConfig();
const task = (input.tasks as Record<string, object>).intent!;
const { inbox, tickets } = input.sources as Record<string, object>;

describe('rows without a label', () => {
  it('change no model: nobody learns from them', () => {
    const { unlabelled: _, ...alone } = task as { unlabelled: unknown };
    const without = parseConfig({ ...input, sources: { tickets }, tasks: { intent: alone } });
    expect(taskGroups(parseConfig(input))).toEqual(taskGroups(without));
    const source = { name: 'inbox', source: parseConfig(input).sources.inbox! };
    expect(tooLittleHistory(parseConfig(input), [{ source, size: 9, through: false }])).toBeUndefined();
  });

  it('are read by nights of their days alone, and say which day a night is of', async () => {
    const shop = await openShop(input);
    for (const day of ['2026-06-01', '2026-06-08', '2026-06-10']) {
      await shop.store.put(`drop/inbox/${day}.csv`, inboxFile([`${day},ann,${day}T12:00:00Z,hello,phone`]));
    }
    await shop.ingest(() => {});
    const drops = await dropsOf(shop);
    const { config } = shop;
    const common = { config, groups: taskGroups(config), drops, champions: {}, snapshot: null };
    const named = (purpose: 'night' | 'backtest', asOf: string | null) =>
      buildManifest({ ...common, purpose, asOf }).inputs.unlabelled?.map(({ drop }) => drop);
    expect(named('night', '2026-06-10')).toEqual(['drop/inbox/2026-06-08.csv']);
    expect(named('night', '2026-06-11')).toEqual(['drop/inbox/2026-06-08.csv', 'drop/inbox/2026-06-10.csv']);
    expect(named('night', '2026-07-11')).toBeUndefined();
    expect(named('night', null)).toBeUndefined();
    expect(named('backtest', '2026-06-11')).toBeUndefined();
    expect(new Date(lastUnlabelledDay(config, drops)! * 86_400_000).toISOString()).toContain('2026-06-10');
    expect(lastUnlabelledDay({ tasks: {} }, drops)).toBeUndefined();
  });

  it('may be waited for by a night', () => {
    expect(parseConfig({ ...input, nightly: { expect: ['inbox'] } }).nightly.expect).toEqual(['inbox']);
    expect(() => parseConfig({ ...input, nightly: { expect: ['tickets'] } })).toThrow(
      'names of sources whose table is "events" or "unlabelled"',
    );
  });

  it.each<[string, object, string]>([
    [
      'a source that there is not',
      { tasks: { intent: { ...task, unlabelled: { source: 'mails' } } } },
      'tasks.intent.unlabelled.source: given "mails", expected the name of a source whose table is "unlabelled" (sources: tickets, inbox)',
    ],
    [
      'a source of labelled rows',
      { tasks: { intent: { ...task, unlabelled: { source: 'tickets' } } } },
      'tasks.intent.unlabelled.source: given "tickets", expected the name of a source whose table is "unlabelled"',
    ],
    [
      'an attribute that the rows lack',
      { sources: { tickets, inbox: { ...inbox, attributes: { texts: ['body'] } } } },
      'map the category device there, too, or name it in tasks.intent.exclude',
    ],
    [
      'rows without a time',
      { sources: { tickets, inbox: { ...inbox, columns: { id: 'id' } } } },
      'sources.inbox.columns.time',
    ],
  ])('are refused with %s', (_, changed, told) => {
    expect(() => parseConfig({ ...input, ...changed })).toThrow(told);
  });
});
