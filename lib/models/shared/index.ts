export { askedOf } from './asked-of.ts';
export { type Asked, openAsking } from './asking.ts';
export { cutoffGrid, MIN_HISTORY_DAYS } from './cutoff-grid.ts';
export { eachUser } from './each-user.ts';
export { ENOUGH_OF_EACH, FEWEST_OF_EACH } from './fewest.ts';
export { checkFinite, namingDrops } from './finite.ts';
export { historyStart } from './history-start.ts';
export {
  attributesSchema,
  curveSchema,
  type LeftOut,
  leftOutSchema,
  lossesSchema,
  manifestFile,
  parseManifest,
  strengthsSchema,
  validationSchema,
} from './manifest.ts';
export { fitProfiles, openProfiles, type ProfileWriter, profileNames } from './profiles.ts';
export type { Progress } from './progress.ts';
export { listedNames, type NamedValue, namedValues, strongest } from './reasons.ts';
export { RowTable, type UserRows } from './row-table.ts';
export { type Scarce, scarceSchema } from './scarce.ts';
export {
  type EncoderToMake,
  makeEncoder,
  readEncoder,
  type ShopEncoder,
  tokenizerOf,
} from './shop-encoder.ts';
export { probabilityOf } from './sigmoid.ts';
export type { FeatureStrength, TaskStrengths } from './strengths.ts';
export { openTitles } from './titles.ts';
export { trialDays } from './trial-days.ts';
export { openUnits, type UnitOf, type Units, unitsNamed } from './units.ts';
export { addTypes, usableColumns } from './usable-columns.ts';
export { userGroups } from './user-groups.ts';
export { featureWords, inWords } from './words.ts';
