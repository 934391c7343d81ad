export {
  type AccountantOptions,
  noiseFor,
  type PrivacySpent,
  type PrivateSteps,
  privacySpent,
  renyiDivergence,
} from './accountant.ts';
export { type AdversarialOptions, fgm, type PgdOptions, pgd } from './adversarial.ts';
export { type DistillationOptions, TEACHER, withDistillation } from './distil.ts';
export { RobustError } from './errors.ts';
export { lookupsOf, PERTURBATION, perturbable } from './perturb.ts';
export { dpSgd, type PrivateOptions, poissonSample, splitExamples } from './private.ts';
export { type Pruned, type PruneOptions, prune, pruningCost, withoutMasks } from './prune.ts';
