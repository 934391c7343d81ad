export { checkGroup, checkRun, type GroupCheck, type LeftOut } from './enough.ts';
export { finetuneRun, leftOutOf, type TrainedVersions, versionsOf } from './finetune.ts';
export { checkFinite, namingDrops } from './finite.ts';
export { groupMatrix } from './groups.ts';
export type { Progress } from './material.ts';
export { openProfiles, type ProfileWriter, profileNames } from './profiles.ts';
export { branchGroups } from './strength.ts';
export { encoderPrefix, tokenizerOf } from './text-encoder.ts';
export { openTexts, openTitles, type RunTexts, TextNumbers, type TextWriter, textsBefore } from './texts.ts';
export {
  type LabelledTable,
  labelTask,
  readLabelled,
  type TableModelManifest,
  tableFeatures,
} from './train-table.ts';
export { type Comparison, trainUsers, type UsersModelManifest } from './train-users.ts';
export { eachUser, type UserTask, userTask } from './user-rows.ts';
