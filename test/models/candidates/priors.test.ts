import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/config/index.ts';
import {
  CDNOW_IN_DAYS,
  fitBgNbd,
  probabilityOfTransaction,
} from '../../../lib/engine/customer-base/index.ts';
import { fitDrift } from '../../../lib/engine/metrics/index.ts';
import type { Amount, Candidate, Material } from '../../../lib/models/candidates/candidate.ts';
import type { Choice } from '../../../lib/models/candidates/choose.ts';
import { CANDIDATES } from '../../../lib/models/candidates/index.ts';
import { answeredAlone, unjudged } from '../../../lib/models/candidates/scarce.ts';

const priors = CANDIDATES.find(({ name }) => name === 'customer base with priors')!;
const HORIZON = 30;
const NAMES = ['purchase.active_days', 'purchase.recency', 'purchase.gap_mean'];

/** Days with a purchase, days since the last, and the mean gap, of three customers; the first is seen on two days. */
const ROWS = [
  [2, 3, 10],
  [3, 7, 8],
  [1, 40, 0],
  [1, 5, 0],
];
const USERS = [0.1, 0.1, 0.2, 0.3];

function material(data: readonly Amount[] | undefined): Material {
  return {
    config: parseConfig({
      shop: { timeZone: 'UTC' },
      sources: {},
      tasks: {
        buys: { kind: 'event', event: 'purchase', horizonDays: HORIZON },
        gone: { kind: 'absence', event: 'purchase', horizonDays: HORIZON, activeDays: 90 },
      },
    }),
    heads: [
      { task: 'buys', bins: 1, inverted: false },
      { task: 'gone', bins: 1, inverted: true },
    ],
    features: Float32Array.from(ROWS.flat()),
    width: NAMES.length,
    names: NAMES.map((name) => ({ name, group: 'gaps' })),
    labels: new Float32Array(8),
    outcomes: new Float32Array(8),
    unit: Float32Array.from(USERS),
    used: Int32Array.of(0, 1, 2, 3),
    weights: new Float32Array(8).fill(1),
    inputs: new Float32Array(0),
    transform: { kept: [], log: [], low: [], high: [], mean: [], deviation: [] },
    steps: 1,
    piecewise: false,
    ...(data ? { data } : {}),
    progress: () => {},
  };
}

describe('the customer base with priors', () => {
  it('answers what there is little data for, by one history of each customer', async () => {
    // given: the second row of the first customer is the later one
    const given = material(['few', 'enough']);
    // when
    const logits = await (await priors.fit(given)).logits(given.used);
    // then
    const fit = fitBgNbd(
      { frequency: [2, 0, 0], recency: [16, 0, 0], age: [23, 40, 5] },
      { around: CDNOW_IN_DAYS, deviation: 1 },
    );
    ROWS.forEach(([days, since, gap], i) => {
      const x = days! - 1;
      const p = probabilityOfTransaction(fit, x, gap! * x, gap! * x + since!, HORIZON);
      expect(1 / (1 + Math.exp(-logits[2 * i]!))).toBeCloseTo(p, 4);
      expect(logits[2 * i + 1]).toBeNaN();
    });
  });

  it('is not tried where there is enough, or no such question', () => {
    expect(priors.applies(material(['few', 'enough']), [])).toBe(true);
    expect(priors.applies(material(['enough', 'enough']), [])).toBe(false);
    expect(priors.applies(material(undefined), [])).toBe(false);
  });

  it('answers alone what the others have too little for', async () => {
    const given = material(['too few', 'too few']);
    for (const one of CANDIDATES.filter(({ name }) => /^(logistic regression|boosted trees)$/.test(name))) {
      const fitted = await one.fit(given);
      expect((await fitted.logits(given.used)).every(Number.isNaN)).toBe(true);
    }
  });
});

describe('a choice with a task that has too little data', () => {
  const [a, b] = CANDIDATES.filter(({ family }) => family === 'logistic') as [Candidate, Candidate];
  const choice: Choice = {
    members: [a, b],
    tasks: [
      { weights: [0.5, 0.25], slope: 0.9, intercept: 0.1 },
      { weights: [0, 0.7], slope: 1, intercept: 0 },
    ],
    kept: 'blend',
    losses: [],
    corrections: [fitDrift([]), fitDrift([])],
    unanswered: [[], []],
    forms: [],
  };

  it('leaves that task to the priors, and the others as they were', () => {
    const { members, tasks, kept } = answeredAlone(choice, priors, [false, true]);
    expect(members).toEqual([a, b, priors]);
    expect(tasks.map(({ weights }) => weights)).toEqual([
      [0.5, 0.25, 0],
      [0, 0, 1],
    ]);
    expect(kept).toBe('blend');
  });

  it('has no member that nothing is left to', () => {
    const { members, tasks, kept } = answeredAlone(choice, priors, [true, false]);
    expect(members).toEqual([b, priors]);
    expect(tasks.map(({ weights }) => weights)).toEqual([
      [0, 1],
      [0.7, 0],
    ]);
    expect(kept).toBe('blend');
    expect(unjudged(priors, 2).tasks.map(({ weights }) => weights)).toEqual([[1], [1]]);
  });
});
