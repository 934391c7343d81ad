export type { Candidate, ExportedModel, Fitted, Judged, Material } from './candidate.ts';
export { type Comparison, compare, comparisonOf, keptNote, lossesOf, type TaskMeasures } from './compare.ts';
export { groupMatrix } from './group-matrix.ts';
export { bins, type Head, hazards, taskLogits } from './heads.ts';
export { fitColumns, fitInputs, type InputColumns, type InputTransform, writeInputs } from './inputs.ts';
export { CANDIDATES } from './list.ts';
export {
  ageBucket,
  cutAtVectors,
  encodeTexts,
  KeptVectors,
  reasonNames,
  renumbered,
  TEXT_FIELDS,
  TEXT_VECTORS,
  type TextMaterial,
  TextVectors,
  VISIT_FIELDS,
  VisitEncoder,
  type VisitMaterial,
  type VisitVocabulary,
  VocabularyCounter,
  vectorsGraph,
} from './network/index.ts';
export { type FeatureStrength, summarise, type TaskStrengths } from './strength.ts';
