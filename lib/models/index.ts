export {
  blendedApart,
  CANDIDATES,
  type Candidate,
  type Costs,
  costsOf,
  offered,
  type Trial,
} from './candidates/index.ts';
export { assessDemand, LARGEST } from './demand/index.ts';
export type {
  AmountTask,
  AudienceValidation,
  ChanceTask,
  DescribedAudience,
  ForecastTask,
  LabelledTask,
  ListedTask,
  ModelDescription,
} from './description.ts';
export type { EffectTask, UpliftOutcomes } from './effects.ts';
export { checkRun } from './enough.ts';
export { FAMILIES } from './families.ts';
export type {
  Answers,
  BinaryOutcomes,
  DemandOutcomes,
  ListedOutcomes,
  ListTrials,
  ModelFamily,
  OutcomeCollector,
  Outcomes,
  Scorer,
  ShardScores,
  TaskForecasts,
  Trials,
  TrialsContext,
  UserWalk,
  ValueOutcomes,
} from './family.ts';
export { leadingMeasure } from './figures.ts';
export { finetuneRun } from './finetune.ts';
export type { ClassOutcomes, ClassScores, NumberOutcomes, NumberScores } from './label-answers.ts';
export {
  ensureItemPairs,
  exportsItems,
  type ItemPair,
  offeredLists,
  readCatalogue,
  readItemPairs,
} from './next/index.ts';
export type { GateRecord } from './promote.ts';
export {
  eachUser,
  type LeftOut,
  listedNames,
  namedValues,
  namingDrops,
  openTitles,
  unitsNamed,
  userGroups,
} from './shared/index.ts';
export { readLabelled, readUnlabelled } from './table/index.ts';
export {
  type MadeBehaviour,
  pretrainBehaviour,
  textsBefore,
  type UsersModelManifest,
} from './users/index.ts';
export {
  costsToTrain,
  describedAudiences,
  describedModel,
  gateRecords,
  leftOutOf,
  type NotChampion,
  notChampions,
  notChampionText,
  scarceOf,
  versionsOf,
} from './versions.ts';
