import { shardName } from '../data/index.ts';

/** Where the objects of a run stand. The presence of some of them says that a stage is done. */

export const manifestKey = (runId: string): string => `runs/${runId}/manifest.json`;

/** The versions that a run trained, by task group: its training is done. */
export const trainedKey = (runId: string): string => `runs/${runId}/finetune.json`;

export const scoresPrefix = (runId: string): string => `scores/${runId}/`;

/** The scores of one shard of users. */
export const scoresKey = (runId: string, shard: number): string =>
  `${scoresPrefix(runId)}${shardName(shard)}.arrow`;

/** The profiles of the same users, written before their scores. */
export const profilesKey = (runId: string, shard: number): string =>
  `${scoresPrefix(runId)}profiles-${shardName(shard)}.arrow`;

/** The scores of a group that is scored whole, such as a labelled table: by its first task, as each task is of one group. */
export const tableScoresKey = (runId: string, task: string): string =>
  `${scoresPrefix(runId)}table-${task}.arrow`;

/** Left by a finished night for later ones: the states that they may fold on from. */
export const snapshotInfoKey = (runId: string): string => `runs/${runId}/snapshot.json`;

/** The last object of an export. @param asOf null for labelled tables alone */
export const successKey = (asOf: string | null, runId: string): string =>
  `exports/as_of=${asOf ?? 'none'}/${runId}/_SUCCESS`;

/** Why a finished export is not shown; there is none where it is. */
export const heldKey = (asOf: string | null, runId: string): string =>
  `exports/as_of=${asOf ?? 'none'}/${runId}/HELD`;

/** Left by a person who let an export be shown that was held back. */
export const releasedKey = (asOf: string | null, runId: string): string =>
  `exports/as_of=${asOf ?? 'none'}/${runId}/RELEASED`;

/** The pointer to the export of a day that readers follow. */
export const currentKey = (asOf: string | null): string => `exports/as_of=${asOf ?? 'none'}/current.json`;

/** What was found when a backtest's scores were compared with what then happened. */
export const evaluationKey = (runId: string): string => `runs/${runId}/evaluation.json`;

/** Holds the id of the n-th job that was submitted for a stage. */
export const jobKey = (runId: string, stage: string, n: number): string =>
  `${jobsPrefix(runId)}${stage}-${n}.json`;

export const jobsPrefix = (runId: string): string => `runs/${runId}/jobs/`;
