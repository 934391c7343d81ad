import type { UpliftTask } from '../config/index.ts';
import type { UpliftAssessment, Validation } from '../engine/metrics/index.ts';
import type { TaskStrengths } from './shared/index.ts';

/** What a treatment is expected to change, one place per user or row; NaN and null where none is told. */
export interface UpliftScores {
  /** Expected outcome when treated less that without: the order of users. */
  readonly uplift: Float64Array;
  /** Expected outcome without, and with the treatment; chances lie between 0 and 1. */
  readonly control: Float64Array;
  readonly treated: Float64Array;
  /** As of yes-or-no tasks, in parts of the uplift. */
  readonly reasons: (string | null)[];
}

/** Expected effects beside what then happened to those whom chance had put into an arm. */
export interface UpliftOutcomes {
  readonly kind: 'uplift';
  readonly ids: string[];
  readonly uplifts: number[];
  /** 1 treated, 0 control. */
  readonly treated: number[];
  readonly outcomes: number[];
  /** The uplift above which a row is persuadable. */
  readonly least: number;
}

/** What a model of effects did on rows that its fit was kept from. */
export type UpliftValidation = Validation<UpliftAssessment>;

/** A task that a model answers by what a treatment changes. */
export interface EffectTask {
  readonly answers: 'uplift';
  readonly name: string;
  /** One plain sentence of what is predicted, for whom. */
  readonly question: string;
  readonly of: UpliftTask['of'];
  /** In words: what is counted, such as 'a purchase' or 'spend'. */
  readonly outcome: string;
  readonly currency?: string;
  readonly treated: readonly string[];
  readonly control: readonly string[];
  readonly least: number;
  /** Rows that were not learnt from, in words. */
  readonly leftOut: readonly string[];
  /** How well the features tell who was treated, in a sentence. */
  readonly balance: string;
  readonly validation?: UpliftValidation;
  readonly strengths: TaskStrengths;
}
