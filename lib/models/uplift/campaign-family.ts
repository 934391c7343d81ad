import type { FamilyOverUsers } from '../family.ts';
import { campaignOutcomes, openCampaignScorer } from './campaign-score.ts';
import { checkCampaigns, trainCampaigns } from './campaign-train.ts';
import { type UpliftModelManifest, upliftManifest } from './manifest.ts';
import { describeUplift } from './words.ts';

/** What a treatment of campaigns changes for the shop's users, as of a day. Each task has a model of its own. */
export const upliftFamily: FamilyOverUsers<UpliftModelManifest> = {
  over: 'users',
  manifest: upliftManifest,
  check: checkCampaigns,
  train: trainCampaigns,
  open: openCampaignScorer,
  outcomes: campaignOutcomes,
  describe: describeUplift,
};
