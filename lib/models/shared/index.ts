export { eachUser } from './each-user.ts';
export { FEWEST_OF_EACH } from './fewest.ts';
export { checkFinite, namingDrops } from './finite.ts';
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
export type { Progress } from './progress.ts';
export { listedNames, type NamedValue, namedValues, strongest } from './reasons.ts';
export { probabilityOf } from './sigmoid.ts';
export type { FeatureStrength, TaskStrengths } from './strengths.ts';
export { openTitles } from './titles.ts';
export { featureWords, inWords } from './words.ts';
