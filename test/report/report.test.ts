import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import {
  type BinaryEvaluation,
  type BinaryTaskReport,
  type ModelReport,
  type NextTaskReport,
  type RunReport,
  renderReport,
  type TaskReport,
} from '../../lib/report/index.ts';
import { sampleReport } from './sample.ts';

function textOf(page: string): string {
  const { document } = parseHTML(page);
  for (const style of document.querySelectorAll('style')) style.remove();
  return document.documentElement.textContent ?? '';
}

/** Words that only stand in a page when a number or a field was not there. */
const HOLES = /NaN|undefined|null|Infinity|\[object/;

const emptyTask: BinaryTaskReport = {
  name: 'purchase',
  kind: 'event',
  description: 'Will this user buy?',
  of: 'purchase',
  horizonDays: 30,
  ranked: 0,
  expected: [],
  scoreHistogram: [],
  groups: [],
  features: [],
};

const emptyNext: NextTaskReport = {
  name: 'preference',
  kind: 'next',
  description: 'What will this user buy?',
  of: 'item',
  k: 10,
  ranked: 0,
  top: [],
};

const modelOf = (tasks: readonly TaskReport[], changes: Partial<ModelReport> = {}): ModelReport => ({
  name: 'users-1',
  version: 'v',
  trainedHere: true,
  tasks,
  training: [],
  pretraining: [],
  selection: [],
  ...changes,
});

const emptyRun: RunReport = {
  title: 'Nothing yet',
  shop: 'shop',
  runId: 'r',
  createdAt: '2020-01-01',
  modelVersion: 'none',
  dataThrough: '2020-01-01',
  warnings: [],
  stages: [],
  quality: {
    totals: {
      files: 0,
      rowsIn: 0,
      clean: 0,
      duplicates: 0,
      duplicatesKept: 0,
      leftOut: 0,
      replaced: 0,
      quarantined: 0,
      refused: 0,
    },
    reasons: [],
    leftOut: [],
    flags: [],
    days: [],
    refused: [],
  },
  models: [],
  leftOut: [],
};

describe('a report of a whole run', () => {
  const page = renderReport(sampleReport());
  const { document } = parseHTML(page);

  it('holds every section, and the table of contents leads to each', () => {
    // when
    const targets = [...document.querySelectorAll('nav a')].map((link) => link.getAttribute('href') ?? '');

    // then
    expect(targets).toEqual(['#lists', '#model-1', '#model-2', '#quality', '#run']);
    for (const target of targets) expect(document.getElementById(target.slice(1))?.tagName).toBe('SECTION');
  });

  it('shows each chart with a name for screen readers and a sentence on how to read it', () => {
    // given
    const figures = [...document.querySelectorAll('figure')];

    // when
    const titles = (part: string) =>
      [...document.querySelectorAll(`#model-1 ${part} figure h4`)].map((title) => title.textContent);

    // then: three of each task in sight, the others behind a fold, and how the model was made once
    const three = ['Cumulative gain', 'Reliability', 'What moves the scores'];
    expect(titles('> .grid')).toEqual([...three, ...three]);
    const folded = ['Lift by decile', 'ROC curve', 'Precision and recall', 'Right and wrong'];
    const more = [...folded, 'Score distribution', 'Reasons by group'];
    const made = ['Training', 'Steps of training', 'Pretraining', 'What was chosen, and by what'];
    expect(titles('details')).toEqual([...more, ...more, ...made]);
    for (const each of figures) {
      if (each.querySelector('svg'))
        expect(each.querySelector('figcaption p')?.textContent).toMatch(
          /^(Bars?|Dots|Lines?|Thick line|Each bar)\b/,
        );
      for (const svg of each.querySelectorAll('svg')) {
        expect(svg.getAttribute('role')).toBe('img');
        expect(svg.getAttribute('aria-label')?.length).toBeGreaterThan(5);
        expect(svg.getAttribute('viewBox')).toMatch(/^0 0 330 \d+$/);
      }
    }
    expect(document.querySelectorAll('svg').length).toBeGreaterThan(15);
  });

  it('needs no network, no script and no font of others', () => {
    expect(page).not.toMatch(/https?:|\/\/[a-z]|@import|@font-face|url\(/i);
    expect(document.querySelectorAll('script, img, iframe, object, embed, form')).toHaveLength(0);
    expect([...document.querySelectorAll('link')].map((link) => link.getAttribute('href'))).toEqual([
      'data:,',
    ]);
    expect(page).toContain("default-src 'none'");
  });

  it('is small, whole and the same each time', () => {
    expect(page.length).toBeLessThan(300_000);
    expect(textOf(page)).not.toMatch(HOLES);
    expect(page).not.toMatch(/="[^"]*NaN/);
    expect(renderReport(sampleReport())).toBe(page);
  });

  it('tells that rows are conserved, and says so loudly when they are not', () => {
    // given
    const sample = sampleReport();
    const { quality } = sample;
    const lost = { ...sample, quality: { ...quality, totals: { ...quality.totals, clean: 400_000 } } };

    // then
    expect(textOf(page)).toContain('541,909 rows in = 401,561 clean + 5,268 duplicates dropped + 135,080');
    expect(textOf(renderReport(lost))).toContain('Rows do not add up.');
  });

  it('names the longest stretch of days without rows', () => {
    expect(textOf(page)).toContain('2010-12-24 to 2011-01-03, 11 days');
  });
});

describe('hostile names', () => {
  it('stay text wherever they stand', () => {
    // given
    const evil = `"><script>alert(1)</script><img src=x onerror='alert(2)'>\u202e\u0000</svg></style>&amp;`;
    const replace = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(replace);
      if (typeof value !== 'object' || value === null) return value;
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => {
          const structural = ['kind', 'asOf', 'day', 'by', 'days', 'why'].includes(key);
          return [key, typeof inner === 'string' && !structural ? evil : replaceText(inner)];
        }),
      );
    };
    const replaceText = (inner: unknown): unknown => (typeof inner === 'string' ? inner : replace(inner));
    const sample = sampleReport();
    const hostile: RunReport = {
      ...Object.assign({}, sample, replace(sample)),
      warnings: [evil],
      quality: { ...sample.quality, days: [{ day: '2011-01-01', rows: { [evil]: 3, __proto__: 1 } }] },
    };

    // when
    const page = renderReport(hostile);
    const { document } = parseHTML(page);

    // then
    expect(document.querySelectorAll('script, img, [onerror]')).toHaveLength(0);
    expect(page).not.toMatch(/<script|<img|\u202e/);
    expect(page).not.toContain('\0');
    expect(document.querySelector('h1')?.textContent).toContain('<script>alert(1)</script>');
    expect(document.querySelectorAll('main > section')).toHaveLength(sample.models.length + 3);
    expect(document.querySelectorAll('#model-1 figure')).toHaveLength(22);
  });
});

describe('the models that were tried', () => {
  const measures = { task: 'purchase', n: 1200, auroc: 0.7123, auprc: null, logLoss: 0.51234 };
  const comparison = {
    days: ['2011-04-28', '2011-06-12'],
    rows: [
      { name: 'network', reads: ['features'], kept: false, tasks: [measures] },
      {
        name: 'network + texts',
        reads: ['features', 'texts'],
        kept: true,
        tasks: [{ ...measures, auroc: 0.7321 }],
      },
    ],
  };

  it('stand in a table of their own, with the cut-off and the one that was kept', () => {
    // when
    const page = renderReport({ ...emptyRun, models: [modelOf([emptyTask], { comparison })] });
    const { document } = parseHTML(page);
    const heading = [...document.querySelectorAll('h4')].find(
      (h) => h.textContent === 'The models that were tried',
    );
    // then
    expect(heading?.nextElementSibling?.textContent).toContain('the users of 2011-04-28, 2011-06-12');
    const rows = [...(heading?.parentElement?.querySelectorAll('tbody tr') ?? [])].map((row) =>
      [...row.querySelectorAll('th, td')].map((cell) => cell.textContent),
    );
    expect(rows).toEqual([
      ['network', 'features', '0.7123', '0.5123'],
      ['network + texts (kept)', 'features, texts', '0.7321', '0.5123'],
    ]);
  });

  it('say what each cost, where this run trained them', () => {
    const [first, second] = comparison.rows;
    const costs = { fitSeconds: 12.34, rowsPerSecond: 45_678.9, bytes: 123_456 };
    const rows = [{ ...first!, costs }, second!];
    const page = renderReport({
      ...emptyRun,
      models: [modelOf([emptyTask], { comparison: { ...comparison, rows } })],
    });
    expect(textOf(page)).toContain('Rows a second');
    const { document } = parseHTML(page);
    const heading = [...document.querySelectorAll('h4')].find(
      (h) => h.textContent === 'The models that were tried',
    );
    const cells = [...(heading?.parentElement?.querySelectorAll('tbody tr') ?? [])].map((row) =>
      [...row.querySelectorAll('td')].slice(-3).map((cell) => cell.textContent?.replace(/\s/g, ' ')),
    );
    expect(cells).toEqual([
      ['12.3', '45,679', '123.5 kB'],
      ['–', '–', '–'],
    ]);
  });

  it('are not spoken of where a model of an earlier version tells none', () => {
    expect(textOf(renderReport({ ...emptyRun, models: [modelOf([emptyTask])] }))).not.toContain(
      'The models that were tried',
    );
  });
});

describe('what to do with the lists', () => {
  const { document } = parseHTML(renderReport(sampleReport()));
  const advice = (place: number) => document.querySelectorAll('#lists .advice')[place]!;
  const cells = (place: number) =>
    [...advice(place).querySelectorAll('tbody tr')].map((row) =>
      [...row.querySelectorAll('th, td')].map((cell) => cell.textContent),
    );
  const number = (text: string | null | undefined) => Number(text?.replace(/[,\s%]/g, ''));

  it('is said for each task: how many to write to, and how many of them are what the list is about', () => {
    const text = advice(0).querySelector('.intro')?.textContent;
    expect(text).toContain(
      '3,370 customers are ranked by the chance to buy from 2011-09-10 to 2011-12-08 (90 days).',
    );
    expect(text).toMatch(/Of the first tenth, 337 customers, \d+ bought, \d\.\d times as many/);
    expect(document.querySelector('#lists')?.textContent).toContain('winback: nobody had an event "review"');
  });

  it('has a table of reach whose shares, precision, takers and money fit together', () => {
    const rows = cells(0);
    expect(rows.map(([share]) => share)).toEqual([
      '1\u00a0%',
      '5\u00a0%',
      '10\u00a0%',
      '20\u00a0%',
      '30\u00a0%',
      '50\u00a0%',
      'all',
    ]);
    for (const [, users, takers, precision, , money] of rows) {
      expect(number(precision) / 100).toBeCloseTo(number(takers) / number(users), 2);
      expect(number(money) / number(takers)).toBeCloseTo(458.3, 0);
    }
    expect(rows.at(-1)?.slice(1, 5)).toEqual(['3,370', expect.any(String), expect.any(String), '100\u00a0%']);
    const text = document.querySelector('#lists > .intro')?.textContent;
    expect(text).toContain('458 (11,906 orders with a price, 2010-12-01 to 2011-09-09)');
  });

  it('speaks of customers lost where the task is about those who stay away', () => {
    const text = advice(1).textContent ?? '';
    expect(text).toContain('customers are ranked by the chance to stay away');
    expect([...advice(1).querySelectorAll('thead th')].map((th) => th.textContent)).toEqual([
      ...['First', 'Customers', 'Customers lost', 'Precision', 'Caught', 'At stake'],
    ]);
    const model = document.querySelector('#model-1')?.textContent ?? '';
    expect(model).not.toMatch(/\bdid it\b/);
    expect(model).toContain('were lost');
  });

  it('counts rows where users count at several days', () => {
    const sample = sampleReport();
    const [model] = sample.models;
    const heads = (days: readonly [string, string]) => {
      const tasks = model!.tasks.map((task) =>
        task.kind === 'event' || task.kind === 'absence' || task.kind === 'label'
          ? { ...task, validation: { ...task.validation!, days } }
          : task,
      );
      const page = parseHTML(renderReport({ ...sample, models: [{ ...model!, tasks }] })).document;
      const rows = [...page.querySelectorAll('thead tr')].map(({ textContent }) => textContent ?? '');
      return rows.find((row) => row.includes('Measured on'));
    };
    expect(heads(['2011-06-12', '2011-06-12'])).toMatch(/^Task\s*Measured on\s*Users/);
    expect(heads(['2011-03-14', '2011-06-12'])).toMatch(/^Task\s*Measured on\s*Rows/);
  });

  it('applies validated rates to the list of a night whose outcome is not known', () => {
    // given
    const sample = sampleReport();
    const [model] = sample.models;
    const [task] = model!.tasks;
    const live = {
      ...task!,
      evaluation: undefined,
      ranked: 1000,
      noOutcome: { why: 'open' as const, closes: '2011-12-09' },
    };
    // when
    const page = parseHTML(renderReport({ ...sample, models: [{ ...model!, tasks: [live] }] })).document;
    const rows = [...page.querySelectorAll('#lists tbody tr')].map((row) =>
      [...row.querySelectorAll('th, td')].map((cell) => cell.textContent),
    );
    // then
    expect(rows[2]?.[1]).toBe('100');
    expect(number(rows[2]?.[2])).toBeCloseTo(number(rows[2]?.[3]), 0);
    const text = page.querySelector('#lists .advice')?.textContent;
    expect(text).toContain('Write to the first tenth, 100 customers (purchase_decile = 1): about');
    expect(text).toContain(
      'scored as of 2011-06-12 by a model that knew nothing later, and the 90 days behind it',
    );
    expect(text).toContain('a validation, not a test');
    expect(text).toContain('is known once the window is over, on 2011-12-09');
  });
});

/** Nobody was compared. */
const nothing: BinaryEvaluation = {
  n: 0,
  positives: 0,
  auroc: null,
  auprc: null,
  logLoss: null,
  brier: null,
  ece: null,
  lift10: null,
  f1: null,
  intervals: { auroc: null, logLoss: null, lift10: null },
  confusion: { tp: 0, fp: 0, tn: 0, fn: 0, threshold: 0.5 },
  roc: [],
  pr: [],
  reach: [],
  reliability: [],
  deciles: [],
};

describe('thin and missing input', () => {
  const degenerate: Record<string, RunReport> = {
    'no tasks, no rows': emptyRun,
    'a task without anything': { ...emptyRun, asOf: '2020-01-01', models: [modelOf([emptyTask])] },
    'a list without anything': {
      ...emptyRun,
      models: [modelOf([emptyNext])],
    },
    'one user': {
      ...emptyRun,
      asOf: '2020-01-01',
      models: [
        modelOf(
          [
            {
              ...emptyTask,
              scoreHistogram: [{ from: 0, to: 0.05, n: 1 }],
              ranked: 1,
              expected: [{ share: 0.1, n: 1, positives: 0.03 }],
              evaluation: {
                ...nothing,
                n: 1,
                positives: 1,
                auprc: 1,
                logLoss: 0.2,
                confusion: { tp: 0, fp: 0, tn: 0, fn: 1, threshold: 0.5 },
                pr: [[1, 1]],
                reach: [{ share: 0.1, n: 1, positives: 1 }],
                reliability: [{ meanProbability: 0.3, observedRate: 1, n: 1 }],
                deciles: [{ decile: 1, n: 1, positives: 1, rate: 1, lift: 1, cumulativeGain: 1 }],
              },
            },
          ],
          {
            training: [{ step: 1, train: 0.7, rate: 0.01, gradient: Number.NaN }],
            pretraining: [{ step: 0, train: Number.NaN, valid: null }],
          },
        ),
      ],
    },
    'a list of users that nothing could be measured on': {
      ...emptyRun,
      asOf: '2020-01-01',
      orders: { count: 1, mean: 3, from: '2019-12-01', to: '2019-12-01' },
      models: [
        modelOf([
          {
            ...emptyTask,
            kind: 'absence',
            ranked: 7,
            scoreHistogram: [{ from: 0.4, to: 0.6, n: 7 }],
            expected: [{ share: 0.1, n: 1, positives: 0.5 }],
          },
        ]),
      ],
    },
    'all zeros': {
      ...emptyRun,
      asOf: '2020-01-01',
      stages: [{ name: 'clean', rowsIn: 0, rowsOut: 0, quarantined: 0, seconds: 0 }],
      exports: { path: 'p', users: 0, files: [] },
      models: [
        modelOf(
          [
            {
              ...emptyTask,
              groups: [{ group: 'recency', share: 0 }],
              features: [{ name: 'f', group: '', strength: 0 }],
              scoreHistogram: [{ from: 0, to: 1, n: 0 }],
              evaluation: {
                ...nothing,
                auroc: Number.NaN,
                logLoss: Number.NaN,
                reach: [{ share: 0.1, n: 0, positives: 0 }],
                roc: [[Number.NaN, Number.NaN]],
                reliability: [{ meanProbability: 0, observedRate: 0, n: 0 }],
                deciles: [
                  {
                    decile: 1,
                    n: 0,
                    positives: 0,
                    rate: Number.NaN,
                    lift: Number.NaN,
                    cumulativeGain: Number.NaN,
                  },
                ],
              },
            },
          ],
          { training: [{ step: 0, train: 0, valid: 0, rate: 0, gradient: 0 }] },
        ),
      ],
    },
  };

  for (const [name, report] of Object.entries(degenerate)) {
    it(`is shown without holes: ${name}`, () => {
      // when
      const page = renderReport(report);

      // then
      expect(textOf(page)).not.toMatch(HOLES);
      expect(page).not.toMatch(/="[^"]*(NaN|undefined|Infinity)/);
      expect(parseHTML(page).document.querySelectorAll('section')).toHaveLength(3 + report.models.length);
    });
  }

  it('survives the way through JSON, where NaN becomes null', () => {
    // given
    const read: RunReport = JSON.parse(JSON.stringify(degenerate['all zeros']));

    // then
    expect(textOf(renderReport(read))).not.toMatch(HOLES);
  });

  it('says when the outcome is not known yet, and what a backtest was not asked about', () => {
    // given
    const open = { ...emptyTask, noOutcome: { why: 'open', closes: '2020-01-31' } } as const;
    const other = {
      ...emptyTask,
      name: 'churn',
      noOutcome: { why: 'not asked', asked: ['purchase'] },
    } as const;

    // when
    const text = textOf(renderReport({ ...emptyRun, asOf: '2020-01-01', models: [modelOf([open, other])] }));

    // then
    expect(text).toContain('is known once the window is over, on 2020-01-31');
    expect(text).toContain('Not measured: the history is too short');
    expect(text).toContain(
      'Not compared: this backtest was asked about purchase alone. For churn run it with --task churn.',
    );
  });
});
