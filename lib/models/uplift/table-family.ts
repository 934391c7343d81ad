import type { FamilyOverRows } from '../family.ts';
import { type UpliftModelManifest, upliftManifest } from './manifest.ts';
import { checkTrialTable } from './table-check.ts';
import { scoreTrialTable, trialTableOutcomes } from './table-score.ts';
import { trainTrialTable } from './table-train.ts';
import { describeUplift } from './words.ts';

/** What a treatment changed for the rows of a labelled table: the file of a trial. Each task has a model of its own. */
export const upliftTableFamily: FamilyOverRows<UpliftModelManifest> = {
  over: 'rows',
  manifest: upliftManifest,
  check: checkTrialTable,
  train: trainTrialTable,
  score: scoreTrialTable,
  outcomes: trialTableOutcomes,
  describe: describeUplift,
};
