export type {
  Amount,
  Candidate,
  ExportedModel,
  Fitted,
  Material,
} from './candidate.ts';
export { type Choice, choose } from './choose.ts';
export { type Comparison, comparisonSchema } from './comparison.ts';
export { bins, type Head, type JointAnswers, taskLogits } from './heads.ts';
export {
  fitColumns,
  fitInputs,
  type InputColumns,
  type InputTransform,
  transformInputs,
  writeInputs,
} from './inputs.ts';
export { type LatestRows, latestRows } from './latest-rows.ts';
export { CANDIDATES, offered } from './list.ts';
export type {
  BroughtEncoder,
  RowTexts,
  TextMaterial,
  VisitMaterial,
  VisitVocabulary,
} from './material.ts';
export {
  ANY_SHOP,
  ageBucket,
  type BehaviourShape,
  cutAtVectors,
  decodeBehaviour,
  encodeBehaviour,
  encodeTexts,
  KeptVectors,
  pretrainEncoder,
  reasonNames,
  renumbered,
  searchSettings,
  sharedIds,
  TEXT_FIELDS,
  TEXT_VECTORS,
  TextVectors,
  VISIT_FIELDS,
  VisitEncoder,
  VocabularyCounter,
  vectorsGraph,
  visitShapeOf,
} from './network/index.ts';
export { runRows } from './run-rows.ts';
export { chosenLogits, fitChosen, type Selected, selected } from './selected.ts';
export { selectedTogether } from './selected-together.ts';
export { mixed, summarise } from './strength.ts';
export { type BoostedFit, fitBoosted, fitPenalised, type KnownRows } from './tabular/index.ts';
export { FEW_TOKENS, VERY_FEW_TOKENS } from './texts/index.ts';
export { type Costs, costsOf, runTrial, type Trial } from './trial.ts';
export { blendedApart } from './weights.ts';
