export { broughtVisits, linear, mlp, texts, visits } from './branches/index.ts';
export { NetworkCandidate } from './candidate.ts';
export { reasonNames } from './fitted.ts';
export { searchSettings } from './search.ts';
export { renumbered } from './texts/feeds.ts';
export { ageBucket, TEXT_FIELDS, TEXT_VECTORS } from './texts/read.ts';
export { encodeTexts } from './texts/tune.ts';
export { cutAtVectors, KeptVectors, TextVectors, vectorsGraph } from './texts/vectors.ts';
export { TunedCandidate } from './tuned.ts';
export {
  ANY_SHOP,
  type BehaviourShape,
  decodeBehaviour,
  encodeBehaviour,
  visitShapeOf,
} from './visits/behaviour.ts';
export { pretrainEncoder } from './visits/pretrain.ts';
export {
  sharedIds,
  VISIT_FIELDS,
  VisitEncoder,
  VocabularyCounter,
} from './visits/visit-ids.ts';
