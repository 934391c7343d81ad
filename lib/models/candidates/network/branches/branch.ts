import type { Feeds } from '../../../../engine/host/index.ts';
import type { Value } from '../../../../engine/onnx/index.ts';
import type { Layers } from '../layers.ts';
import type { BranchRows, TypedNumbers } from './rows.ts';

/** What a branch builds on. */
export interface Reading {
  readonly layers: Layers;
  /** The row's inputs, (rows, kept). */
  readonly z: Value;
  readonly kept: number;
  /** Outputs of all heads. */
  readonly outputs: number;
  /** What is known of a row by the branches before: inputs first. A branch adds what it has read. */
  readonly known: Known[];
  /** Dropout mask of this name; undefined where nothing is dropped. */
  mask(name: string): Value | undefined;
  /** A value that the graph before has made; undefined where it is an input. */
  made(name: string): Value | undefined;
  /** Squares of these weights are part of the loss. */
  penalise(weight: Value): void;
}

/** Something known of a row, (rows, width). */
export interface Known {
  readonly name: string;
  readonly value: Value;
  readonly width: number;
}

/**
 * A part of a network: what it reads, and what it adds to the logits. Parameters and inputs of the graph begin with its
 * name, so names of a branch never change: fitted models carry them.
 */
export interface Branch {
  readonly name: string;
  /**
   * The column of the reasons that holds its part, in words. Undefined for a branch over the inputs: its part is told by
   * the groups of the features.
   */
  readonly group?: string;
  /** Where it is an ensemble: its logits are (rows, members, outputs). */
  readonly members?: number;
  /** Parameters whose last axis are the outputs. */
  readonly perOutput: readonly string[];
  /** Embedding tables: their gradients come row by row. */
  readonly tables: readonly string[];
  /** Dropout masks that it asks for, by the name of their input, with the shape behind the batch. */
  readonly masks: readonly { readonly name: string; readonly shape: readonly number[] }[];
  /**
   * Adds the branch to a graph.
   * @returns (rows, outputs), or (rows, members, outputs); a branch with its own input and one over the inputs both start
   * at zero, all but the linear one
   */
  logits(reading: Reading): Value;
  /** Sizes of its inputs that training fixes, by axis. */
  sizes(batch: number): Readonly<Record<string, number>>;
  /**
   * What it reads of some rows, beside the inputs.
   * @param at row numbers
   * @param fixed sizes are those of `sizes`
   */
  feeds(rows: BranchRows, at: Int32Array, fixed: boolean): Feeds;
  /** All that it reads of all rows: part of the name under which a fit is kept. */
  content(rows: BranchRows): TypedNumbers[];
  /** The branch as it scores, where that differs: sizes may be left open. */
  open(): Branch;
}
