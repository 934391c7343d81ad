import type { Pseudonyms } from '../data/index.ts';
import type { ObjectStore } from '../runtime/index.ts';

/** What every step may use. Steps of one export share the folder: they are on one machine. */
export interface StepContext {
  readonly store: ObjectStore;
  readonly pseudonyms: Pseudonyms;
  /** A folder for what is between two steps. */
  readonly folder: string;
}
