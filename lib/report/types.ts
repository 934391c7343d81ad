import type { ClassAssessment, LabelsAssessment, NumbersAssessment } from '../engine/metrics/index.ts';

/**
 * What a report is made of: plain JSON, so that a run can keep it beside its manifest and the page can be made again
 * from it. Days are 'YYYY-MM-DD'; shares, rates and probabilities are between 0 and 1; a measure that is not defined
 * (AUROC of one class) is null, which is also what JSON makes of NaN.
 */

/** A measure, or null where it is not defined. */
export type Measure = number | null;

export interface StageReport {
  readonly name: string;
  readonly rowsIn: number;
  readonly rowsOut: number;
  readonly quarantined: number;
  readonly seconds: number;
}

export interface QualityTotals {
  readonly files: number;
  /** Rows counted by the independent pass over the bytes. */
  readonly rowsIn: number;
  readonly clean: number;
  /** Duplicates that were dropped: rowsIn = clean + duplicates + leftOut + quarantined. */
  readonly duplicates: number;
  /** Duplicates that the source's settings kept; they are part of `clean`. */
  readonly duplicatesKept: number;
  /** Rows that a condition of `where` left out, as configured. */
  readonly leftOut: number;
  /** Clean rows that a newer version of their event has replaced; they do not count. */
  readonly replaced: number;
  /** Ids that links make another user's, and how many such users; linked ids that are nobody else's, by why. Absent without links. */
  readonly identities?: {
    readonly joined: number;
    readonly users: number;
    readonly refused: Readonly<Record<string, number>>;
  };
  readonly quarantined: number;
  /** Files refused whole; none of their rows are counted above. */
  readonly refused: number;
}

export interface QualityReport {
  readonly totals: QualityTotals;
  readonly reasons: readonly { readonly reason: string; readonly rows: number }[];
  readonly leftOut: readonly { readonly condition: string; readonly rows: number }[];
  readonly flags: readonly { readonly rule: string; readonly rows: number }[];
  /** Clean rows of each shop day by event type; days without rows may be left out. */
  readonly days: readonly { readonly day: string; readonly rows: Readonly<Record<string, number>> }[];
  readonly refused: readonly { readonly key: string; readonly reason: string }[];
}

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

/** Loss at a step and how the step was made; any part may be missing where it was not measured. */
export interface TrainingPoint {
  readonly step: number;
  readonly train?: Measure | undefined;
  readonly valid?: Measure | undefined;
  /** Learning rate of the step, and mean norm of the gradient before clipping. */
  readonly rate?: Measure | undefined;
  readonly gradient?: Measure | undefined;
}

/** Why there is no outcome to compare with: the window is not over, or a backtest was asked about other tasks. */
export type NoOutcome =
  | { readonly why: 'open'; readonly closes: string }
  | { readonly why: 'not asked'; readonly asked: readonly string[] };

interface TaskCommon {
  readonly name: string;
  /** One plain sentence of what is predicted, for whom. */
  readonly description: string;
  /** Length of the label window; absent for labelled tables. */
  readonly horizonDays?: number | undefined;
  /** Absent where the outcome was compared. */
  readonly noOutcome?: NoOutcome | undefined;
}

export interface BinaryTaskReport extends TaskCommon {
  readonly kind: 'event' | 'absence' | 'label';
  /** Of event and absence: the event's type. Of labels: the value that counts. */
  readonly of: string;
  /** Absent where those are asked who have had the event before. */
  readonly asks?: 'known' | 'prospects' | 'where' | undefined;
  /** What then happened to those scored by this run; absent while it is not known. */
  readonly evaluation?: BinaryEvaluation | undefined;
  /** Absent where the history was too short to hold anything out. */
  readonly validation?: Validation<BinaryMeasures> | undefined;
  /** Users who are ranked by this run; `expected`: how many of each share are positive by their own probabilities. */
  readonly ranked: number;
  readonly expected: readonly ReachRow[];
  readonly scoreHistogram: readonly { readonly from: number; readonly to: number; readonly n: number }[];
  /** Share of the summed strength of reasons by named group. */
  readonly groups: readonly { readonly group: string; readonly share: number }[];
  /** Mean absolute gradient x input of each feature. */
  readonly features: readonly { readonly name: string; readonly group: string; readonly strength: number }[];
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

export interface NextTaskReport extends TaskCommon {
  readonly kind: 'next';
  /** 'item', or the attribute whose values are listed. */
  readonly of: string;
  /** Length of each user's list. */
  readonly k: number;
  readonly evaluation?: ListMeasures | undefined;
  readonly validation?: (Validation<ListMeasures> & { readonly popular: Popular }) | undefined;
  /** In words, what lists may not name whatever the ranker says; absent without rules. */
  readonly rules?: readonly string[] | undefined;
  /** The rules that stood when the validation was measured, where they were others. */
  readonly validatedBy?: readonly string[] | undefined;
  /** Absent where the run's item table has been deleted. */
  readonly longTail?: LongTailReport | undefined;
  /** Users who have a list. */
  readonly ranked: number;
  /** The items or categories that stand in most users' lists; `label` is the shop's name for it. */
  readonly top: readonly {
    readonly item: string;
    readonly label?: string | undefined;
    readonly users: number;
  }[];
}

export interface ValueTaskReport extends TaskCommon, Pick<BinaryTaskReport, 'groups' | 'features'> {
  readonly kind: 'value';
  readonly of: 'money' | 'orders' | 'units';
  /** ISO 4217; absent where the shop names none, or it is about no money. */
  readonly currency?: string | undefined;
  readonly evaluation?: ValueMeasures | undefined;
  readonly validation?: Validation<ValueMeasures> | undefined;
  /** Users who have a value, and what they are expected to come to together. */
  readonly ranked: number;
  readonly expected: number;
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

export interface DemandTaskReport extends TaskCommon {
  readonly kind: 'demand';
  /** 'item', or the attribute whose values are forecast. */
  readonly of: string;
  /** Of the items that had sold most. */
  readonly evaluation?: DemandMeasures | undefined;
  readonly validation?: Validation<DemandMeasures> | undefined;
  /** Items that are forecast. */
  readonly ranked: number;
  /** Units of all of them together; `real`: as they came, where that is known. */
  readonly expected: number;
  readonly real?: number | undefined;
  /** Items whose stock is known, and how many of them are more likely than not to run out; absent without stock. */
  readonly stock?: { readonly known: number; readonly short: number } | undefined;
  /** Items of which most is expected, with an interval of 80 %. */
  readonly top: readonly {
    readonly item: string;
    readonly label?: string | undefined;
    readonly units: number;
    readonly low: number;
    readonly high: number;
    readonly stockout?: number | undefined;
    readonly real?: number | undefined;
  }[];
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

export interface UpliftTaskReport extends TaskCommon, Pick<BinaryTaskReport, 'groups' | 'features'> {
  readonly kind: 'uplift';
  readonly of: 'chance' | 'amount';
  /** What is counted, in words. */
  readonly outcome: string;
  /** ISO 4217; absent where it is about no money. */
  readonly currency?: string | undefined;
  /** Names of the arms. */
  readonly treated: readonly string[];
  readonly control: readonly string[];
  /** The effect above which somebody is persuadable. */
  readonly least: number;
  /** Who was not learnt from, and how well the features tell who was treated: sentences. */
  readonly leftOut: readonly string[];
  readonly balance: string;
  readonly evaluation?: UpliftMeasures | undefined;
  readonly validation?: Validation<UpliftMeasures> | undefined;
  /** Users or rows who have an expected effect, and the sum of these. */
  readonly ranked: number;
  readonly expected: number;
  readonly persuadable: { readonly n: number; readonly expected: number };
}

/** A task over a labelled table whose answer is one of several classes. */
export interface ClassTaskReport extends LabelledCommon {
  readonly kind: 'one-of';
  readonly evaluation?: ClassAssessment | undefined;
  readonly validation?: Validation<ClassAssessment> | undefined;
}

/** The same with any number of labels. */
export interface LabelsTaskReport extends LabelledCommon {
  readonly kind: 'any-of';
  readonly evaluation?: LabelsAssessment | undefined;
  readonly validation?: Validation<LabelsAssessment> | undefined;
}

/** The same with a number. */
export interface NumberTaskReport extends LabelledCommon {
  readonly kind: 'number';
  readonly evaluation?: NumbersAssessment | undefined;
  readonly validation?: Validation<NumbersAssessment> | undefined;
}

interface LabelledCommon extends TaskCommon, Pick<BinaryTaskReport, 'of' | 'groups' | 'features'> {
  /** Rows that are scored. */
  readonly ranked: number;
}

export type LabelledTaskReport = ClassTaskReport | LabelsTaskReport | NumberTaskReport;

export type TaskReport =
  | BinaryTaskReport
  | NextTaskReport
  | ValueTaskReport
  | DemandTaskReport
  | UpliftTaskReport
  | LabelledTaskReport;

/** What the models that were tried did on held-out rows, everything fitted on what was known by then. */
export interface ComparisonReport {
  /** Cut-offs that were held out; none where users or rows were. */
  readonly days: readonly string[];
  readonly rows: readonly {
    readonly name: string;
    /** Kinds of input: features, visits, texts. */
    readonly reads: readonly string[];
    /** This one was chosen. */
    readonly kept: boolean;
    /** Of all its fits together, and of scoring with one of them; absent where another run trained, and for a blend. */
    readonly costs?:
      | { readonly fitSeconds: number; readonly rowsPerSecond: number; readonly bytes: number }
      | undefined;
    readonly tasks: readonly {
      readonly task: string;
      readonly n: number;
      readonly auroc: Measure;
      readonly auprc: Measure;
      readonly logLoss: Measure;
    }[];
  }[];
}

/** One model and the tasks that it answers. */
export interface ModelReport {
  readonly name: string;
  readonly version: string;
  /** The day as of which it was trained; absent for labelled tables. */
  readonly trainedBefore?: string | undefined;
  /** This run trained it; otherwise it serves since an earlier one. */
  readonly trainedHere: boolean;
  readonly tasks: readonly TaskReport[];
  readonly training: readonly TrainingPoint[];
  readonly pretraining: readonly TrainingPoint[];
  /** What was chosen on validation, one sentence each. */
  readonly selection: readonly string[];
  /** Absent for lists and for models of earlier versions. */
  readonly comparison?: ComparisonReport | undefined;
}

export interface ExportReport {
  readonly path: string;
  readonly users: number;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
}

/** What an order of the shop was worth. */
export interface OrdersReport {
  readonly count: number;
  /** In major units. */
  readonly mean: number;
  readonly from: string;
  readonly to: string;
  /** ISO 4217; absent where the shop names none. */
  readonly currency?: string | undefined;
}

/** A yes-or-no task for one group of users. */
export interface GroupMeasures {
  readonly group: string;
  readonly n: number;
  readonly baseRate: number;
  readonly meanProbability: number;
  readonly auroc: Measure;
  /** Share of the group that is among the tenth of all with the highest scores. */
  readonly chosen: number;
}

/** What a task was worth for each group by one attribute. */
export interface GroupReport {
  readonly attribute: string;
  readonly task: string;
  /** Of the gap between mean probability and base rate, from which on a group is warned of. */
  readonly bound: number;
  readonly groups: readonly GroupMeasures[];
}

/** Who the users of a run are. */
export interface ProfilesReport {
  readonly users: number;
  /** Users who bought. */
  readonly buyers: number;
  /** Users by lifecycle, in the order in which they are shown. */
  readonly lifecycle: readonly { readonly name: string; readonly users: number }[];
  /** How well segments are told apart; absent without segments. */
  readonly silhouette?: Measure | undefined;
  /** Segments of the buyers, each with the user at its centre; none where there are too few. */
  readonly segments: readonly {
    readonly segment: number;
    readonly users: number;
    readonly description: string;
    readonly recencyDays: number;
    readonly purchaseDays: number;
    /** In major units. */
    readonly money: number;
  }[];
  /** ISO 4217; absent where the shop names none. */
  readonly currency?: string | undefined;
}

/** One run or backtest. */
export interface RunReport {
  readonly title: string;
  readonly shop: string;
  readonly runId: string;
  /** Absent for labelled tables, which have no time. */
  readonly asOf?: string | undefined;
  /** When the run ended, as it is to be printed. */
  readonly createdAt: string;
  readonly modelVersion: string;
  /** The last day of which rows were read. */
  readonly dataThrough: string;
  /** For example 'products: static attributes, not point-in-time'. */
  readonly warnings: readonly string[];
  readonly stages: readonly StageReport[];
  readonly quality: QualityReport;
  readonly models: readonly ModelReport[];
  /** Users who have neither a score nor a list, as no task asks them; is there a task that asks who meets a condition? */
  readonly unasked?:
    | { readonly users: number; readonly of: number; readonly conditions?: boolean | undefined }
    | undefined;
  /** By the attributes that `fairness` names; empty where no outcome is known. */
  readonly groups?: readonly GroupReport[] | undefined;
  /** Tasks that could not be trained yet. */
  readonly leftOut: readonly { readonly task: string; readonly why: string }[];
  /** Absent where no price is known. */
  readonly orders?: OrdersReport | undefined;
  /** Absent for a backtest, which exports nothing. */
  readonly exports?: ExportReport | undefined;
  /** Absent where profiles are not asked for. */
  readonly profiles?: ProfilesReport | undefined;
}
