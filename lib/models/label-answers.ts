import type {
  ClassAssessment,
  LabelsAssessment,
  NumbersAssessment,
  Validation,
} from '../engine/metrics/index.ts';

/** What is said of the rows of a labelled table whose labels are no yes or no. */

/** Chances of classes, one of which is a row's, or of labels, of which a row may have any; one place per row. */
export interface ClassScores {
  /** Exactly one of them is a row's: its chances sum to 1. */
  readonly exclusive: boolean;
  readonly classes: readonly string[];
  /** (rows, classes), row-major. */
  readonly probabilities: Float64Array;
  /** Of the most probable one, as of yes-or-no tasks: parts of its score, less their mean over the classes where one alone is right. */
  readonly reasons: (string | null)[];
}

/** Expected numbers, one place per row. */
export interface NumberScores {
  readonly number: Float64Array;
  /** The ends of an interval that holds 80 %. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  /** As of yes-or-no tasks, in deviations of the training rows' numbers. */
  readonly reasons: (string | null)[];
}

/** Chances of classes or labels of test rows beside those they have. */
export interface ClassOutcomes {
  readonly kind: 'one-of' | 'any-of';
  /** Row numbers. */
  readonly ids: string[];
  readonly classes: readonly string[];
  /** The classes or labels of each row; they need not be among those. */
  readonly truth: readonly (readonly string[])[];
  /** (rows, classes), row-major. */
  readonly probabilities: Float64Array;
  /** Shares of the training rows that have each. */
  readonly shares: readonly number[];
}

/** Expected numbers of test rows beside theirs. */
export interface NumberOutcomes {
  readonly kind: 'number';
  readonly ids: string[];
  readonly truth: number[];
  readonly numbers: number[];
  readonly low: number[];
  readonly high: number[];
  /** Of the training rows. */
  readonly usual: { readonly mean: number; readonly median: number };
}

/** What a model did on training rows that its fit was kept from. */
export type LabelValidation =
  | { readonly form: 'one-of'; readonly validation?: Validation<ClassAssessment> }
  | { readonly form: 'any-of'; readonly validation?: Validation<LabelsAssessment> }
  | { readonly form: 'number'; readonly validation?: Validation<NumbersAssessment> };
