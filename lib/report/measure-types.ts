/** A measure, or null where it is not defined. */
export type Measure = number | null;

/** (x, y) pairs in drawing order. */
export type Curve = readonly (readonly [x: number, y: number])[];

/** A 95 % interval; null where the measure is not defined. */
export type Interval = readonly [low: number, high: number] | null;

export interface ReliabilityBin {
  readonly meanProbability: number;
  readonly observedRate: number;
  readonly n: number;
}

export interface DecileRow {
  /** 1 holds the highest scores. */
  readonly decile: number;
  readonly n: number;
  readonly positives: number;
  readonly rate: number;
  readonly lift: number;
  /** Share of all positives in this decile and those above it. */
  readonly cumulativeGain: number;
}

/** What is found among the users with the highest scores. */
export interface ReachRow {
  /** Share of all users, from the highest score down. */
  readonly share: number;
  readonly n: number;
  readonly positives: number;
}

export interface Confusion {
  readonly tp: number;
  readonly fp: number;
  readonly tn: number;
  readonly fn: number;
  /** A user counts as predicted positive from this probability on. */
  readonly threshold: number;
}

/** What a yes-or-no task's scores were worth on users whose outcome is known. */
export interface BinaryMeasures {
  readonly n: number;
  readonly positives: number;
  readonly auroc: Measure;
  readonly auprc: Measure;
  readonly logLoss: Measure;
  readonly brier: Measure;
  readonly ece: Measure;
  readonly lift10: Measure;
  readonly intervals: { readonly auroc: Interval; readonly logLoss: Interval; readonly lift10: Interval };
  readonly reach: readonly ReachRow[];
  readonly reliability: readonly ReliabilityBin[];
  readonly deciles: readonly DecileRow[];
}

/** The same of a run's own scores, with what only the page needs. */
export interface BinaryEvaluation extends BinaryMeasures {
  readonly f1: Measure;
  readonly confusion: Confusion;
  /** (false positive rate, true positive rate). */
  readonly roc: Curve;
  /** (recall, precision). */
  readonly pr: Curve;
}

/** What lists were worth for users who then took something. */
export interface ListMeasures {
  readonly n: number;
  readonly recall: Measure;
  readonly ndcg: Measure;
  readonly intervals: { readonly recall: Interval; readonly ndcg: Interval };
}

/** What the expected values of a task were worth. */
export interface ValueMeasures {
  readonly n: number;
  readonly meanTruth: Measure;
  readonly meanPrediction: Measure;
  readonly mae: Measure;
  readonly rmse: Measure;
  readonly spearman: Measure;
  /** Share of the whole that came from the tenth with the highest values. */
  readonly topShare10: Measure;
  readonly intervals: { readonly mae: Interval; readonly spearman: Interval; readonly topShare10: Interval };
  /** Share of users within their interval; null where none was told. */
  readonly coverage: Measure;
  readonly deciles: readonly {
    /** 1 holds the highest values. */
    readonly decile: number;
    readonly n: number;
    readonly meanPrediction: number;
    readonly meanTruth: number;
  }[];
}

/** Measures on data that the fit was kept from. It was chosen by that data, too. */
export interface Validation<M> {
  /** Held out: rows (a user at a day) of later days, of a part of the users, or of a labelled table. */
  readonly by: 'day' | 'users' | 'rows';
  /** First and last day as of which they were scored; null where no day was held out. */
  readonly days: readonly [first: string, last: string] | null;
  readonly assessment: M;
}

/** The measures of one list of the most popular for everybody, as a yardstick. */
export interface Popular {
  readonly recall: Measure;
  readonly ndcg: Measure;
}

/** How far the lists of a run reach into the catalogue: the items that somebody had to do with before the as-of day. */
export interface LongTailReport {
  /** Of the catalogue. */
  readonly catalogue: number;
  /** Share of it that stands in at least one list. */
  readonly coverage: Measure;
  /** Gini coefficient of places over the catalogue: 1 where one item has all. */
  readonly gini: Measure;
  /** Mean over places of -log2 of an item's share of all users' items, in bits. */
  readonly novelty: Measure;
  /** Share of places of items whose first event is at most so many days back, or is yet to come. */
  readonly fresh: Measure;
  readonly freshDays: number;
}

/** How far expected units were off; docs/metrics.md has the formulas. */
export interface DemandMeasures {
  /** Items, or items at several days. */
  readonly n: number;
  /** Units of all of them together, as they came and as they were expected. */
  readonly real: number;
  readonly expected: number;
  readonly mae: Measure;
  readonly wape: Measure;
  /** Share of the 80 % intervals that hold what came. */
  readonly coverage: Measure;
  /** Yardsticks: the last week repeated, and the mean of the last four weeks. */
  readonly naive: { readonly mae: Measure; readonly wape: Measure };
  readonly average: { readonly mae: Measure; readonly wape: Measure };
}

/** What expected effects of a treatment were worth; docs/metrics.md has the formulas. */
export interface UpliftMeasures {
  readonly n: number;
  readonly treated: number;
  readonly control: number;
  /** Mean outcome of either arm, their difference, and the mean of what was expected. */
  readonly meanTreated: Measure;
  readonly meanControl: Measure;
  readonly effect: Measure;
  readonly meanPrediction: Measure;
  readonly qini: Measure;
  readonly auuc: Measure;
  readonly intervals: { readonly effect: Interval; readonly qini: Interval; readonly auuc: Interval };
  /** Those who were expected to gain more than `least`. */
  readonly chosen: {
    readonly least: number;
    readonly n: number;
    readonly effect: Measure;
    readonly interval: Interval;
  };
  readonly deciles: readonly {
    /** 1 holds the highest expected effects. */
    readonly decile: number;
    readonly n: number;
    readonly meanTreated: Measure;
    readonly meanControl: Measure;
    readonly meanPrediction: number;
    readonly effect: Measure;
    readonly interval: Interval;
  }[];
  /** The Qini curve: share of rows, gain a treated row. */
  readonly curve: Curve;
}
