export { describeModel, type LayerSummary, type ModelSummary } from './describe.ts';
export { checkDevice } from './device-check.ts';
export { InspectError } from './errors.ts';
export { explainTexts, openTextModel, type TextExplanation, type TextModel } from './explain-text.ts';
export {
  type Attributions,
  type IntegratedGradientsOptions,
  integratedGradients,
} from './integrated-gradients.ts';
export { attentionProbabilities, attentionRollout, type Rollout } from './rollout.ts';
