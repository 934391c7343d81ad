import type { ClassAssessment, LabelsAssessment, NumbersAssessment } from '../engine/metrics/index.ts';
import type {
  BinaryEvaluation,
  BinaryMeasures,
  DemandMeasures,
  ListMeasures,
  LongTailReport,
  Popular,
  ReachRow,
  UpliftMeasures,
  Validation,
  ValueMeasures,
} from './measure-types.ts';

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

/** A kind of reason why entries stand in lists, with an example. */
export interface ListReasonRow {
  readonly reason: string;
  /** Entries of all lists with it. */
  readonly places: number;
  readonly item: string;
  readonly label?: string | undefined;
  readonly words: string;
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
  /** Why entries stand in lists; absent where nobody asked for it. */
  readonly reasons?: readonly ListReasonRow[] | undefined;
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
