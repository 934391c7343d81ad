import type { Pseudonyms } from '../data/index.ts';
import type { ObjectStore } from '../runtime/index.ts';

/** What all steps of one export have in common, wherever they are done. */
export interface StepSettings {
  /** A folder for what is between two steps: they are on one machine. */
  readonly folder: string;
  /** In CSV, put an apostrophe before a text that a spreadsheet would take for a formula. */
  readonly guardFormulas: boolean;
}

/** What every step may use. */
export interface StepContext extends StepSettings {
  readonly store: ObjectStore;
  readonly pseudonyms: Pseudonyms;
}
