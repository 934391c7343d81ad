export {
  type DifferentiateOptions,
  differentiate,
  gradientName,
  rowIdsName,
  rowsName,
} from './differentiate.ts';
export type { GradientRule, InputGradient, RuleCall } from './rule.ts';
export { gradientRules } from './rules/index.ts';
export { scatterRows } from './scatter-rows.ts';
export { type TrainingGraph, type TrainingGraphOptions, trainingGraph } from './training-graph.ts';
