import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../lib/config/index.ts';

const treated = ['mail'];
const parse =
  (task: Record<string, unknown>, sources: Record<string, unknown> = {}) =>
  () =>
    parseConfig({
      shop: { timeZone: 'UTC' },
      sources: {
        mails: {
          format: 'csv',
          table: 'labels',
          columns: { label: 'visit' },
          attributes: { numbers: ['spend'], categories: ['segment'] },
        },
        ...sources,
      },
      tasks: { mailed: { kind: 'uplift', treated, ...task } },
    });
const treatments = {
  sent: {
    format: 'csv',
    table: 'treatments',
    columns: { user: 'user', campaign: 'campaign', arm: 'arm', time: 'at' },
  },
};

/** What is wrong, the task, and the line that tells it. */
const cases: [string, Record<string, unknown>, string][] = [
  ['neither source', {}, 'tasks.mailed: given nothing, expected either source (a labelled table'],
  [
    'both sources',
    { source: 'mails', arm: 'segment', campaigns: ['spring'], horizonDays: 7 },
    'tasks.mailed: given nothing, expected either source (a labelled table',
  ],
  [
    'a table without an arm',
    { source: 'mails' },
    'tasks.mailed.arm: given nothing, expected a category attribute of source "mails": "segment"',
  ],
  [
    'an arm that is a number',
    { source: 'mails', arm: 'spend' },
    'tasks.mailed.arm: given "spend", expected a category attribute of source "mails": "segment"',
  ],
  [
    'an arm on both sides',
    { source: 'mails', arm: 'segment', control: ['mail'] },
    'tasks.mailed.control: given ["mail"], expected other arms than those of treated',
  ],
  [
    'an outcome that there is not',
    { source: 'mails', arm: 'segment', outcome: 'money' },
    'tasks.mailed.outcome: given "money", expected a number or category attribute of source "mails"',
  ],
  [
    'a positive value of an amount',
    { source: 'mails', arm: 'segment', of: 'amount', outcome: 'spend', positive: '1' },
    'tasks.mailed.positive: given "1", expected no such setting where of is \'amount\'',
  ],
  [
    'a horizon of a table',
    { source: 'mails', arm: 'segment', horizonDays: 7 },
    'tasks.mailed.horizonDays: given 7, expected no such setting of a task by source',
  ],
  [
    'a source that is no labelled table',
    { source: 'sent', arm: 'segment' },
    'tasks.mailed.source: given "sent", expected the name of a source whose table is "labels"',
  ],
  [
    'campaigns without a horizon',
    { campaigns: ['spring'] },
    'tasks.mailed.horizonDays: given nothing, expected a whole number of days',
  ],
  [
    'campaigns with attributes to leave out',
    { campaigns: ['spring'], horizonDays: 7, exclude: ['spend'] },
    'tasks.mailed.exclude: given ["spend"], expected no such setting of a task by campaigns',
  ],
];

describe('tasks of the effect of a treatment', () => {
  it('are of a table or of campaigns', () => {
    const table = { source: 'mails', arm: 'segment', of: 'amount', outcome: 'spend' };
    expect(parse(table)().tasks.mailed).toMatchObject({ ...table, control: ['control'], least: 0 });
    const campaigns = { campaigns: ['spring'], horizonDays: 7 };
    expect(parse(campaigns, treatments)().tasks.mailed).toMatchObject({ ...campaigns, of: 'chance' });
  });

  it.each(cases)('are refused with %s', (_, task, line) => {
    expect(parse(task, treatments)).toThrow(line);
  });

  it('need treatments where they are of campaigns', () => {
    expect(parse({ campaigns: ['spring'], horizonDays: 7 })).toThrow(
      'tasks.mailed.campaigns: given ["spring"], expected a source whose table is "treatments" beside it',
    );
  });
});
