import type { TextData } from '../texts/feeds.ts';

export type TypedNumbers = Float32Array | Int32Array;

/** What rows have beside their features, as far as a network reads it. Row numbers are places in all of it. */
export interface BranchRows {
  /** Ids of their last visits, (count, length, VISIT_FIELDS). */
  readonly visits?: Int32Array;
  readonly texts?: TextData;
}
