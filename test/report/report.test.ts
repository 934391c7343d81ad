import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import {
  type BinaryTaskReport,
  type NextTaskReport,
  type RunReport,
  renderReport,
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
  horizonDays: 30,
  scoreHistogram: [],
  training: [],
  pretraining: [],
  groups: [],
  features: [],
  selection: [],
};

const emptyNext: NextTaskReport = {
  name: 'preference',
  kind: 'next',
  description: 'What will this user buy?',
  k: 10,
  top: [],
  training: [],
  pretraining: [],
  selection: [],
};

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
      replaced: 0,
      quarantined: 0,
      refused: 0,
    },
    reasons: [],
    flags: [],
    days: [],
    refused: [],
  },
  tasks: [],
};

describe('a report of a whole run', () => {
  const page = renderReport(sampleReport());
  const { document } = parseHTML(page);

  it('holds every section, and the table of contents leads to each', () => {
    // when
    const targets = [...document.querySelectorAll('nav a')].map((link) => link.getAttribute('href') ?? '');

    // then
    expect(targets).toEqual(['#task-1', '#task-2', '#task-3', '#quality', '#stages', '#exports']);
    for (const target of targets) expect(document.getElementById(target.slice(1))?.tagName).toBe('SECTION');
  });

  it('shows each chart with a name for screen readers and a sentence on how to read it', () => {
    // given
    const figures = [...document.querySelectorAll('figure')];

    // when
    const titles = [...document.querySelectorAll('#task-1 figure h4')].map((title) => title.textContent);

    // then
    expect(titles).toEqual([
      'ROC curve',
      'Precision and recall',
      'Reliability',
      'Cumulative gain',
      'Lift by decile',
      'Right and wrong',
      'Score distribution',
      'What moves the scores',
      'Strongest features',
      'Training',
      'Steps of training',
      'Pretraining',
      'Chosen on validation',
    ]);
    for (const each of figures) {
      expect(each.querySelector('figcaption p')?.textContent?.length).toBeGreaterThan(40);
      for (const svg of each.querySelectorAll('svg')) {
        expect(svg.getAttribute('role')).toBe('img');
        expect(svg.getAttribute('aria-label')?.length).toBeGreaterThan(5);
        expect(svg.getAttribute('viewBox')).toMatch(/^0 0 330 \d+$/);
      }
    }
    expect(document.querySelectorAll('svg').length).toBeGreaterThan(20);
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
          const structural = ['kind', 'asOf', 'day'].includes(key);
          return [key, typeof inner === 'string' && !structural ? evil : replaceText(inner)];
        }),
      );
    };
    const replaceText = (inner: unknown): unknown => (typeof inner === 'string' ? inner : replace(inner));
    const sample = sampleReport();
    const hostile: RunReport = {
      ...Object.assign({}, sample, replace(sample)),
      warnings: [evil],
      tasks: sample.tasks.map((task) => Object.assign({}, task, replace(task), { selection: [evil] })),
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
    expect(document.querySelectorAll('main > section')).toHaveLength(sample.tasks.length + 3);
    expect(document.querySelectorAll('#task-1 figure')).toHaveLength(13);
  });
});

describe('what visits and texts add', () => {
  const measures = { n: 1200, auroc: 0.7123, auprc: null, logLoss: 0.51234 };
  const comparison = {
    asOf: '2011-06-12',
    rows: [
      { name: 'linear + MLP', reads: ['features'], kept: false, ...measures },
      { name: 'linear + MLP + text', reads: ['features', 'texts'], kept: true, ...measures, auroc: 0.7321 },
    ],
  };

  it('stands in a table of its own, with the cut-off and the one that was chosen', () => {
    // when
    const { document } = parseHTML(renderReport({ ...emptyRun, tasks: [{ ...emptyTask, comparison }] }));
    const heading = [...document.querySelectorAll('h3')].find(
      (h) => h.textContent === 'What visits and texts add',
    );
    const card = [...document.querySelectorAll('.card')].find((c) =>
      c.textContent?.includes('Models by what they read'),
    );
    // then
    expect(heading?.nextElementSibling?.textContent).toMatch(/validation cut-off 2011-06-12.*1,200 users/);
    const rows = [...(card?.querySelectorAll('tbody tr') ?? [])].map((row) =>
      [...row.querySelectorAll('td')].map((cell) => cell.textContent),
    );
    expect(rows).toEqual([
      ['features', 'linear + MLP', '0.7123', '–', '0.5123'],
      ['features, texts (chosen)', 'linear + MLP + text', '0.7321', '–', '0.5123'],
    ]);
  });

  it('is not spoken of where no texts are read', () => {
    expect(textOf(renderReport({ ...emptyRun, tasks: [emptyTask] }))).not.toContain(
      'What visits and texts add',
    );
  });
});

describe('thin and missing input', () => {
  const degenerate: Record<string, RunReport> = {
    'no tasks, no rows': emptyRun,
    'a task without anything': { ...emptyRun, asOf: '2020-01-01', tasks: [emptyTask] },
    'a list without anything': {
      ...emptyRun,
      tasks: [emptyNext],
    },
    'one user': {
      ...emptyRun,
      asOf: '2020-01-01',
      tasks: [
        {
          ...emptyTask,
          scoreHistogram: [{ from: 0, to: 0.05, n: 1 }],
          training: [{ step: 1, train: 0.7, rate: 0.01, gradient: Number.NaN }],
          pretraining: [{ step: 0, train: Number.NaN, valid: null }],
          evaluation: {
            asOf: '2020-01-01',
            n: 1,
            baseRate: 1,
            auroc: null,
            auprc: 1,
            logLoss: 0.2,
            brier: 0.1,
            ece: 0.1,
            lift10: 1,
            f1: null,
            confusion: { tp: 0, fp: 0, tn: 0, fn: 1, threshold: 0.5 },
            roc: [],
            pr: [[1, 1]],
            reliability: [{ meanProbability: 0.3, observedRate: 1, n: 1 }],
            deciles: [{ decile: 1, n: 1, positives: 1, rate: 1, lift: 1, cumulativeGain: 1 }],
          },
        },
      ],
    },
    'all zeros': {
      ...emptyRun,
      asOf: '2020-01-01',
      stages: [{ name: 'clean', rowsIn: 0, rowsOut: 0, quarantined: 0, seconds: 0 }],
      exports: { path: 'p', users: 0, files: [] },
      tasks: [
        {
          ...emptyTask,
          groups: [{ group: 'recency', share: 0 }],
          features: [{ name: 'f', group: '', strength: 0 }],
          scoreHistogram: [{ from: 0, to: 1, n: 0 }],
          training: [{ step: 0, train: 0, valid: 0, rate: 0, gradient: 0 }],
          evaluation: {
            n: 0,
            baseRate: Number.NaN,
            auroc: Number.NaN,
            auprc: Number.NaN,
            logLoss: Number.NaN,
            brier: Number.NaN,
            ece: 0,
            lift10: Number.NaN,
            f1: 0,
            confusion: { tp: 0, fp: 0, tn: 0, fn: 0, threshold: 0.5 },
            roc: [[Number.NaN, Number.NaN]],
            pr: [],
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
    },
  };

  for (const [name, report] of Object.entries(degenerate)) {
    it(`is shown without holes: ${name}`, () => {
      // when
      const page = renderReport(report);

      // then
      expect(textOf(page)).not.toMatch(HOLES);
      expect(page).not.toMatch(/="[^"]*(NaN|undefined|Infinity)/);
      expect(parseHTML(page).document.querySelectorAll('section')).toHaveLength(
        3 + Math.max(1, report.tasks.length),
      );
    });
  }

  it('survives the way through JSON, where NaN becomes null', () => {
    // given
    const read: RunReport = JSON.parse(JSON.stringify(degenerate['all zeros']));

    // then
    expect(textOf(renderReport(read))).not.toMatch(HOLES);
  });

  it('says when the outcome is not known yet, and from which cut-off the measures are', () => {
    // given
    const sample = sampleReport();
    const [task] = sample.tasks;

    // when
    const without = textOf(renderReport({ ...emptyRun, asOf: '2020-01-01', tasks: [emptyTask] }));
    const validated = textOf(renderReport({ ...sample, asOf: '2011-12-09', tasks: [task!] }));

    // then
    expect(without).toContain('No outcome yet: the label window closes on 2020-01-31.');
    expect(validated).toContain(
      'closes on 2012-03-08. The measures shown are from the validation cut-off 2011-09-10',
    );
  });
});
