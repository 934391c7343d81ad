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
  /** Duplicates that were dropped: rowsIn = clean + duplicates + quarantined. */
  readonly duplicates: number;
  /** Duplicates that the source's settings kept; they are part of `clean`. */
  readonly duplicatesKept: number;
  /** Clean rows that a newer version of their event has replaced; they do not count. */
  readonly replaced: number;
  readonly quarantined: number;
  /** Files refused whole; none of their rows are counted above. */
  readonly refused: number;
}

export interface QualityReport {
  readonly totals: QualityTotals;
  readonly reasons: readonly { readonly reason: string; readonly rows: number }[];
  readonly flags: readonly { readonly rule: string; readonly rows: number }[];
  /** Clean rows of each shop day by event type; days without rows may be left out. */
  readonly days: readonly { readonly day: string; readonly rows: Readonly<Record<string, number>> }[];
  readonly refused: readonly { readonly key: string; readonly reason: string }[];
}

/** (x, y) pairs in drawing order. */
export type Curve = readonly (readonly [x: number, y: number])[];

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

export interface Confusion {
  readonly tp: number;
  readonly fp: number;
  readonly tn: number;
  readonly fn: number;
  /** A user counts as predicted positive from this probability on. */
  readonly threshold: number;
}

export interface BinaryEvaluation {
  /** The as-of time whose outcome is compared; absent for labelled tables. Another day than the run's: validation. */
  readonly asOf?: string | undefined;
  readonly n: number;
  readonly baseRate: Measure;
  readonly auroc: Measure;
  readonly auprc: Measure;
  readonly logLoss: Measure;
  readonly brier: Measure;
  readonly ece: Measure;
  readonly lift10: Measure;
  readonly f1: Measure;
  readonly confusion: Confusion;
  /** (false positive rate, true positive rate). */
  readonly roc: Curve;
  /** (recall, precision). */
  readonly pr: Curve;
  readonly reliability: readonly ReliabilityBin[];
  readonly deciles: readonly DecileRow[];
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

interface TaskCommon {
  readonly name: string;
  /** One plain sentence of what is predicted, for whom. */
  readonly description: string;
  /** Length of the label window; absent for labelled tables. */
  readonly horizonDays?: number | undefined;
  readonly training: readonly TrainingPoint[];
  readonly pretraining: readonly TrainingPoint[];
  /** What was chosen on validation, one sentence each: branches kept, calibration, steps. */
  readonly selection: readonly string[];
}

/** What models that read more and more did on one held-out cut-off, everything fitted on what was known by then. */
export interface ComparisonReport {
  /** Absent where users were held out. */
  readonly asOf?: string | undefined;
  readonly rows: readonly {
    readonly name: string;
    /** Kinds of input: features, visits, texts. */
    readonly reads: readonly string[];
    /** This one was chosen. */
    readonly kept: boolean;
    readonly n: number;
    readonly auroc: Measure;
    readonly auprc: Measure;
    readonly logLoss: Measure;
  }[];
}

export interface BinaryTaskReport extends TaskCommon {
  readonly kind: 'event' | 'absence' | 'label';
  /** Absent on a live night without a validation cut-off to show. */
  readonly evaluation?: BinaryEvaluation | undefined;
  /** Where texts are read. */
  readonly comparison?: ComparisonReport | undefined;
  readonly scoreHistogram: readonly { readonly from: number; readonly to: number; readonly n: number }[];
  /** Share of the summed strength of reasons by named group. */
  readonly groups: readonly { readonly group: string; readonly share: number }[];
  /** Mean absolute gradient x input of each feature. */
  readonly features: readonly { readonly name: string; readonly group: string; readonly strength: number }[];
}

export interface NextEvaluation {
  readonly asOf?: string | undefined;
  readonly n: number;
  readonly recall: Measure;
  readonly ndcg: Measure;
  /** The same measures of the list of the most popular, as a yardstick. */
  readonly popular?: { readonly recall: Measure; readonly ndcg: Measure } | undefined;
}

export interface NextTaskReport extends TaskCommon {
  readonly kind: 'next';
  /** Length of each user's list. */
  readonly k: number;
  readonly evaluation?: NextEvaluation | undefined;
  /** The items or categories that stand in most users' lists; `label` is the shop's name for it. */
  readonly top: readonly {
    readonly item: string;
    readonly label?: string | undefined;
    readonly users: number;
  }[];
}

export type TaskReport = BinaryTaskReport | NextTaskReport;

export interface ExportReport {
  readonly path: string;
  readonly users: number;
  readonly files: readonly { readonly name: string; readonly bytes: number }[];
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
  readonly tasks: readonly TaskReport[];
  /** Absent for a backtest, which exports nothing. */
  readonly exports?: ExportReport | undefined;
}
