import type { RawScore } from './model.ts';
import type { LabelKind, Numbers } from './table.ts';

export type LossName = 'logistic' | 'squared' | 'softmax' | 'quantile' | 'tweedie' | 'gamma';

/** What boosting asks of a loss: per row and output a gradient and a hessian of the loss by the raw score. */
export interface Loss {
  /** Raw scores per row: 1, or one per class. */
  readonly outputs: number;
  readonly raw: RawScore;
  readonly labels: LabelKind;
  /** The constant raw scores that fit the labels best. */
  base(labels: Numbers, weights: Numbers | undefined): Float64Array;
  /** 'kernel': by the kernel `logistic`, which reads scores in the space. */
  readonly gradients: GradientRule | 'kernel';
  /** The largest size of a gradient for a weight of 1; undefined when it must be looked for. */
  readonly gradientBound: number | undefined;
  /** The largest hessian for a weight of 1; undefined likewise. */
  readonly hessianBound: number | undefined;
  /** What a leaf of these rows adds, where that is not the step of second order. */
  readonly leaf?: LeafRule;
  /** The mean loss (weighted) over the rows `from` on, for early stopping. */
  mean(labels: Numbers, weights: Numbers | undefined, scores: readonly Float64Array[], from: number): number;
}

export type LeafRule = (
  call: Pick<GradientCall, 'labels' | 'weights' | 'rows'> & { readonly scores: Float64Array },
) => number;

/** Writes gradient and hessian of one output for rows, times their weights. */
export type GradientRule = (call: GradientCall) => void;

export interface GradientCall {
  readonly labels: Numbers;
  readonly weights: Numbers | undefined;
  /** Per output, one score per row. */
  readonly scores: readonly Float64Array[];
  readonly output: number;
  readonly rows: Int32Array;
  readonly gradients: Float64Array;
  readonly hessians: Float64Array;
}
