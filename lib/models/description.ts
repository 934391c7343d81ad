import type { Task, ValueTask } from '../config/index.ts';
import type { EventType } from '../data/index.ts';
import type { ForecastErrors } from '../engine/forecast/index.ts';
import type {
  BinaryAssessment,
  ListAssessment,
  NumericAssessment,
  Validation,
} from '../engine/metrics/index.ts';
import type { CurvePoint } from '../engine/train/index.ts';
import type { Comparison } from './candidates/index.ts';
import type { EffectTask } from './effects.ts';
import type { LabelValidation } from './label-answers.ts';
import type { LeftOut, Scarce, TaskStrengths } from './shared/index.ts';

/** What a list model did on a window that its fit was kept from. */
export interface ListValidation extends Validation<ListAssessment> {
  /** The same of one list for everybody: what was most popular on that day. */
  readonly popular: { readonly recall: number | null; readonly ndcg: number | null };
}

/** What a value model did on windows that its fit was kept from, and the share of them that its intervals held. */
export type ValueValidation = Validation<NumericAssessment & { readonly coverage: number | null }>;

/** How far expected units were off, beside yardsticks; null where a measure is not defined. */
export interface DemandAssessment {
  /** Items at a day. */
  readonly n: number;
  /** Units of all of them together. */
  readonly real: number;
  readonly expected: number;
  readonly mae: number | null;
  readonly wape: number | null;
  /** Share of the intervals that hold what came; 0.8 is what they are made for. */
  readonly coverage: number | null;
  /** The last week repeated. */
  readonly naive: ForecastErrors;
  /** The mean of the last four weeks. */
  readonly average: ForecastErrors;
}

interface AnsweredTask {
  readonly name: string;
  /** One plain sentence of what is predicted, for whom. */
  readonly question: string;
}

/** A task that a model answers by a chance, and what moves it. */
export interface ChanceTask extends AnsweredTask {
  readonly answers: 'chance';
  readonly kind: Exclude<Task['kind'], 'next' | 'value' | 'demand' | 'uplift'>;
  /** The event's type, or the label that counts. */
  readonly of: string;
  /** Absent where those are asked who have had the event before. */
  readonly asks?: 'known' | 'prospects' | 'where';
  readonly validation?: Validation<BinaryAssessment>;
  /** In words. */
  readonly strengths: TaskStrengths;
}

/** What an audience's rule would have picked on a past day that its fit was kept from. */
export interface AudienceValidation {
  readonly by: 'day' | 'users';
  readonly day: string;
  readonly rule: { readonly top: number } | { readonly above: number };
  /** Whom the rule picks, a sample where users were sampled, and how many of them took the value within the horizon. */
  readonly picked: { readonly users: number; readonly done: number };
  /** The same of all users whom the model knows: what chance picks. */
  readonly all: { readonly users: number; readonly done: number };
}

/** What a model knows of an audience. */
export interface DescribedAudience {
  readonly name: string;
  readonly value: string;
  /** Why there is none. */
  readonly why?: string;
  readonly validation?: AudienceValidation;
}

/** A task that a model answers by a list of items or categories. */
export interface ListedTask extends AnsweredTask {
  readonly answers: 'list';
  /** 'item', or the attribute whose values are listed. */
  readonly of: string;
  /** Length of a list. */
  readonly k: number;
  readonly validation?: ListValidation;
  /** Types that the model reads beside the task's event. */
  readonly others: readonly EventType[];
  /** Attributes of items that the model reads. */
  readonly attributes: readonly string[];
  /** In words: the rules of the lists, and those that stood when the validation was measured. */
  readonly rules: readonly string[];
  readonly validatedBy: readonly string[];
  readonly audiences: readonly DescribedAudience[];
}

/** A task that a model answers by an amount. */
export interface AmountTask extends AnsweredTask {
  readonly answers: 'value';
  readonly of: ValueTask['of'];
  readonly currency?: string;
  readonly validation?: ValueValidation;
  readonly strengths: TaskStrengths;
}

/** A task that a model answers by a class, labels or a number of each row. */
export interface LabelledTask extends AnsweredTask {
  readonly answers: 'labels';
  readonly told: LabelValidation;
  readonly strengths: TaskStrengths;
}

/** A task that a model answers by units for each item. */
export interface ForecastTask extends AnsweredTask {
  readonly answers: 'forecast';
  /** 'item', or the attribute whose values are forecast. */
  readonly of: string;
  /** Of the largest items of earlier days, by weights and intervals that knew nothing later. */
  readonly validation?: Validation<DemandAssessment>;
}

/** What a model's manifest tells of it, for the report and the curves. */
export interface ModelDescription {
  /** The day as of which it was trained; absent for labelled tables. */
  readonly trainedBefore?: string;
  readonly tasks: readonly (
    | ChanceTask
    | ListedTask
    | AmountTask
    | ForecastTask
    | EffectTask
    | LabelledTask
  )[];
  readonly leftOut: readonly LeftOut[];
  /** Tasks that there was little data for when it was trained; absent where there were none. */
  readonly scarce?: readonly Scarce[];
  readonly curve: readonly CurvePoint[];
  readonly pretraining: readonly CurvePoint[];
  /** How it came about, one sentence each. */
  readonly selection: readonly string[];
  readonly comparison?: Comparison;
}
