import type { AudienceReport } from './audience-types.ts';
import type { Measure } from './measure-types.ts';
import type { TaskReport } from './task-types.ts';

/**
 * What a report is made of: plain JSON, so that a run can keep it beside its manifest and the page can be made again
 * from it. Days are 'YYYY-MM-DD'; shares, rates and probabilities are between 0 and 1; a measure that is not defined
 * (AUROC of one class) is null, which is also what JSON makes of NaN.
 */

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

/** Loss at a step and how the step was made; any part may be missing where it was not measured. */
export interface TrainingPoint {
  readonly step: number;
  readonly train?: Measure | undefined;
  readonly valid?: Measure | undefined;
  /** Learning rate of the step, and mean norm of the gradient before clipping. */
  readonly rate?: Measure | undefined;
  readonly gradient?: Measure | undefined;
}

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
  /** What was found of the version that this run trained, before it could serve; absent where it trained none. */
  readonly gate?: GateReport | undefined;
}

/** How a new version did beside the one that served. */
export interface GateReport {
  readonly version: string;
  /** Null where nobody served. */
  readonly champion: string | null;
  /** Why it did not become champion; absent where it did. */
  readonly refused?: string | undefined;
  readonly checks: readonly { readonly task: string; readonly passed: boolean; readonly said: string }[];
  /** What could not be known, one sentence each. */
  readonly unknown: readonly string[];
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
  /** Absent where none are asked for. */
  readonly audiences?: readonly AudienceReport[] | undefined;
  /** Absent where profiles are not asked for. */
  readonly profiles?: ProfilesReport | undefined;
}
