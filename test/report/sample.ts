import { formatDay, parseDay } from '../../lib/data/index.ts';
import type {
  BinaryEvaluation,
  BinaryMeasures,
  BinaryTaskReport,
  ModelReport,
  NextTaskReport,
  RunReport,
} from '../../lib/report/index.ts';

/** mulberry32: a small seeded generator, enough for made-up reports. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

interface Scored {
  readonly score: number;
  readonly label: 0 | 1;
}

/** Users whose outcome is drawn near their score, so that the curves look like those of a fair model. */
export function scoredUsers(n: number, random: () => number, centre: number): Scored[] {
  return Array.from({ length: n }, () => {
    const noise = (random() + random() + random() - 1.5) * 2.2;
    const score = 1 / (1 + Math.exp(-(centre + noise)));
    const truth = Math.min(1, Math.max(0, score * 0.92 + 0.02));
    return { score, label: random() < truth ? 1 : 0 };
  });
}

/** Measures and curves of made-up users, by their definitions. */
export function evaluate(users: readonly Scored[]): BinaryEvaluation {
  const sorted = [...users].sort((a, b) => b.score - a.score);
  const n = sorted.length;
  const positives = sorted.filter((user) => user.label === 1).length;
  const roc: [number, number][] = [[0, 0]];
  const pr: [number, number][] = [];
  let [tp, fp, auroc, auprc] = [0, 0, 0, 0];
  for (const { label } of sorted) {
    if (label === 1) tp++;
    else fp++;
    if (label === 0) auroc += tp / positives / (n - positives);
    if (label === 1) auprc += tp / (tp + fp) / positives;
    roc.push([fp / (n - positives), tp / positives]);
    pr.push([tp / positives, tp / (tp + fp)]);
  }
  const tenths = Array.from({ length: 10 }, (_, i) =>
    sorted.slice(Math.floor((i * n) / 10), Math.floor(((i + 1) * n) / 10)),
  );
  let found = 0;
  const deciles = tenths.map((tenth, i) => {
    const hits = tenth.filter((user) => user.label === 1).length;
    found += hits;
    const rate = hits / tenth.length;
    return {
      decile: i + 1,
      n: tenth.length,
      positives: hits,
      rate,
      lift: rate / (positives / n),
      cumulativeGain: found / positives,
    };
  });
  const mean = (value: (user: Scored) => number) => users.reduce((sum, user) => sum + value(user), 0) / n;
  const reliability = [...tenths].reverse().map((tenth, i) => ({
    meanProbability: tenth.reduce((sum, user) => sum + user.score, 0) / tenth.length,
    observedRate: deciles[9 - i]!.rate,
    n: tenth.length,
  }));
  const yes = sorted.filter((user) => user.score >= 0.5);
  const hit = yes.filter((user) => user.label === 1).length;
  const shares = [0.01, 0.05, 0.1, 0.2, 0.3, 0.5];
  return {
    n,
    positives,
    intervals: {
      auroc: [auroc - 0.01, auroc + 0.01],
      logLoss: [0.5, 0.7],
      lift10: [deciles[0]!.lift - 0.1, deciles[0]!.lift + 0.1],
    },
    reach: shares.map((share) => {
      const top = sorted.slice(0, Math.ceil(share * n));
      return { share, n: top.length, positives: top.filter((user) => user.label === 1).length };
    }),
    auroc,
    auprc,
    logLoss: mean(({ score, label }) => -Math.log(label === 1 ? score : 1 - score)),
    brier: mean(({ score, label }) => (score - label) ** 2),
    ece: reliability.reduce(
      (sum, bin) => sum + (Math.abs(bin.meanProbability - bin.observedRate) * bin.n) / n,
      0,
    ),
    lift10: deciles[0]!.lift,
    f1: (2 * hit) / (yes.length + positives),
    confusion: {
      tp: hit,
      fp: yes.length - hit,
      fn: positives - hit,
      tn: n - yes.length - (positives - hit),
      threshold: 0.5,
    },
    roc,
    pr,
    reliability,
    deciles,
  };
}

/** The same users as a validation would hold them. */
function validation(users: readonly Scored[]): NonNullable<BinaryTaskReport['validation']> {
  const { n, positives, auroc, auprc, logLoss, brier, ece, lift10, ...rest } = evaluate(users);
  const { intervals, reach, deciles, reliability } = rest;
  const measures = { n, positives, auroc, auprc, logLoss, brier, ece, lift10 };
  const assessment: BinaryMeasures = { ...measures, intervals, reach, deciles, reliability };
  return { by: 'day', days: ['2011-06-12', '2011-06-12'], assessment };
}

function binaryTask(
  name: string,
  kind: 'event' | 'absence',
  users: readonly Scored[],
  random: () => number,
): BinaryTaskReport {
  const groups = ['recency', 'frequency', 'money', 'timing', 'behaviour sequence', 'variety', 'returns'];
  const weights = groups.map((_, i) => (random() + 0.5) / (i + 1));
  const whole = weights.reduce((a, b) => a + b, 0);
  return {
    name,
    kind,
    description:
      kind === 'event'
        ? 'Will this user buy something within 90 days? Asked of everyone who has bought before.'
        : 'Will this user stay away for 90 days? Asked of everyone who bought within the last 180 days.',
    horizonDays: 90,
    of: 'purchase',
    evaluation: evaluate(users),
    validation: validation(users),
    ranked: users.length,
    expected: [0.01, 0.05, 0.1, 0.2, 0.3, 0.5].map((share) => ({
      share,
      n: Math.ceil(share * users.length),
      positives: 0.7 * share * users.length,
    })),
    scoreHistogram: Array.from({ length: 20 }, (_, i) => ({
      from: i / 20,
      to: (i + 1) / 20,
      n: users.filter((user) => Math.min(19, Math.floor(user.score * 20)) === i).length,
    })),
    groups: groups.map((group, i) => ({ group, share: weights[i]! / whole })),
    features: Array.from({ length: 40 }, (_, i) => ({
      name: `${['days since last', 'purchases decayed over', 'spend decayed over', 'active days with'][i % 4]} ${['purchase', '7 days', '30 days', '90 days'][(i >> 2) % 4]}${i > 15 ? ` (${i})` : ''}`,
      group: groups[i % 4]!,
      strength: (0.42 * (0.8 + 0.2 * random())) / (1 + i * 0.35),
    })),
  };
}

/** A model of the tasks over users. */
function usersModel(tasks: readonly BinaryTaskReport[], random: () => number): ModelReport {
  return {
    name: 'users-3f9a0c11',
    version: '7d8a5753afcd',
    trainedBefore: '2011-09-10',
    trainedHere: true,
    tasks,
    training: Array.from({ length: 600 }, (_, i) => ({
      step: i + 1,
      train: 0.55 + 0.2 * Math.exp(-i / 120) - i * 0.00005 + (random() - 0.5) * 0.02,
      ...(i % 25 === 24 && { valid: 0.585 + 0.14 * Math.exp(-i / 90) + Math.max(0, i - 350) * 0.00008 }),
      rate: 0.002 * Math.min(1, (i + 1) / 50, (600 - i) / 550),
      gradient: 0.4 + 2 * Math.exp(-i / 60),
    })),
    pretraining: Array.from({ length: 300 }, (_, i) => ({
      step: i + 1,
      train: 4.1 + 3.2 * Math.exp(-i / 70) + (random() - 0.5) * 0.1,
    })),
    selection: [
      'Branches kept: linear, MLP and behaviour sequence, mixed 0.3 : 0.4 : 0.3.',
      'Calibration: Platt scaling on the two latest closed cut-offs.',
      'Steps: 350, by early stopping on the cut-off 2011-06-12.',
    ],
  };
}

function nextTask(random: () => number): NextTaskReport {
  const names = ['White hanging heart T-light holder', 'Regency cakestand 3 tier', 'Jumbo bag red retrospot'];
  return {
    name: 'preference',
    kind: 'next',
    description:
      'Which products will this user buy within 30 days? A list of 20 for everyone who has bought before.',
    horizonDays: 30,
    k: 20,
    of: 'item',
    evaluation: {
      n: 1388,
      recall: 0.268,
      ndcg: 0.354,
      intervals: { recall: [0.25, 0.29], ndcg: [0.33, 0.38] },
    },
    validation: {
      by: 'day',
      days: ['2011-08-11', '2011-08-11'],
      assessment: {
        n: 1288,
        recall: 0.258,
        ndcg: 0.344,
        intervals: { recall: [0.24, 0.28], ndcg: [0.32, 0.37] },
      },
      popular: { recall: 0.121, ndcg: 0.17 },
    },
    ranked: 3370,
    top: Array.from({ length: 25 }, (_, i) => ({
      item: `85${123 + i}A`,
      label: `${names[i % 3]}${i > 2 ? ` no. ${i}` : ''}`,
      users: Math.round((2400 * (0.9 + 0.1 * random())) / (1 + i * 0.3)),
    })),
  };
}

/** A run as a shop of the size of online-retail gives it. */
export function sampleReport(seed = 11): RunReport {
  const random = seeded(seed);
  const first = parseDay('2010-12-01');
  const days = Array.from({ length: 283 }, (_, i) => ({ day: formatDay(first + i), at: i }))
    .filter(({ at }) => at % 7 !== 3 && (at < 23 || at > 33))
    .map(({ day, at }) => ({
      day,
      rows: {
        purchase: Math.round(900 + 700 * random() + at * 2),
        ...(at % 2 === 0 && { return: Math.round(10 + 40 * random()) }),
      },
    }));
  return {
    title: 'Scores',
    shop: 'online-retail',
    runId: '7c1e0f4b9a2d',
    asOf: '2011-09-10',
    createdAt: '2011-09-10 04:12 Europe/London',
    modelVersion: 'm-20110910-3f9a',
    dataThrough: '2011-09-09',
    warnings: [
      'products: static attributes, not point-in-time',
      '2 drops expected for 2011-09-09 had not arrived when the run began',
    ],
    stages: [
      { name: 'clean', rowsIn: 541909, rowsOut: 401561, quarantined: 135080, seconds: 21.4 },
      { name: 'features', rowsIn: 401561, rowsOut: 18211, quarantined: 0, seconds: 9.8 },
      { name: 'finetune', rowsIn: 30114, rowsOut: 30114, quarantined: 0, seconds: 141.2 },
      { name: 'score', rowsIn: 3370, rowsOut: 3370, quarantined: 0, seconds: 6.1 },
      { name: 'export', rowsIn: 3370, rowsOut: 3370, quarantined: 0, seconds: 0.9 },
    ],
    quality: {
      totals: {
        files: 305,
        rowsIn: 541909,
        clean: 401561,
        duplicates: 5268,
        duplicatesKept: 212,
        leftOut: 0,
        replaced: 640,
        quarantined: 135080,
        refused: 2,
      },
      reasons: [
        { reason: 'user: missing', rows: 134980 },
        { reason: 'time: later than the drop allows', rows: 82 },
        { reason: 'price: not a number', rows: 18 },
      ],
      leftOut: [],
      flags: [
        { rule: 'absurd-amount', rows: 311 },
        { rule: 'bot-like-day', rows: 1204 },
      ],
      days,
      refused: [
        {
          key: 'drop/online-retail/2011-03-02.csv.gz',
          reason: 'the gz stream ends before its end mark: truncated',
        },
        { key: 'drop/online-retail/2011-05-17.csv', reason: 'not UTF-8: byte 0xE9 at offset 18,211' },
      ],
    },
    models: [
      usersModel(
        [
          binaryTask('purchase', 'event', scoredUsers(3370, random, 0.3), random),
          binaryTask('churn', 'absence', scoredUsers(2611, random, -1.1), random),
        ],
        random,
      ),
      {
        name: 'next-preference-b0acb1a4',
        version: '5341ba3dce23',
        trainedBefore: '2011-09-10',
        trainedHere: false,
        tasks: [nextTask(random)],
        training: [],
        pretraining: [],
        selection: ['Candidates: own history, then what is bought with it, then the most popular.'],
      },
    ],
    leftOut: [{ task: 'winback', why: 'nobody had an event "review" before 2011-09-10' }],
    orders: { count: 11906, mean: 458.3, from: '2010-12-01', to: '2011-09-09' },
    exports: {
      path: 'exports/as_of=2011-09-10/7c1e0f4b9a2d/',
      users: 3370,
      files: [
        { name: 'scores.parquet', bytes: 412881 },
        { name: 'scores.csv.gz', bytes: 290114 },
        { name: 'manifest.json', bytes: 1893 },
      ],
    },
  };
}
