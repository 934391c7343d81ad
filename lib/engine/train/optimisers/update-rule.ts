import type { RowGradient } from './row-gradient.ts';

/** What one update of one tensor needs beside its gradient. */
export interface Update {
  /** Learning rate of this step and tensor: schedule and group multiplier already in it. */
  lr: number;
  /** Weight decay of this tensor; 0 for none. */
  decay: number;
  /** Number of this update, from 1. */
  time: number;
  /** Factor on the gradient: what clipping leaves of it. */
  gradientScale: number;
}

/** A tensor under training. */
export interface Target {
  value: Float32Array;
  shape: readonly number[];
  /** What the optimiser keeps for it, by slot name; zero before the first update. */
  state: Readonly<Record<string, Float32Array>>;
}

/** An update rule. It changes value and state in place, and depends on nothing else. */
export interface UpdateRule {
  /** Names and lengths of what it keeps for a tensor of this shape. */
  slots(shape: readonly number[]): Readonly<Record<string, number>>;
  update(target: Target, gradient: Float32Array, update: Update): void;
  /** The same on the rows of a table that occurred in the batch; absent where a rule needs the whole gradient. */
  updateRows?(target: Target, gradient: RowGradient, update: Update): void;
}
