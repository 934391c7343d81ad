export {
  type DifferentiateOptions,
  differentiate,
  gradientName,
  rowIdsName,
  rowsName,
} from './differentiate.ts';
export { scatterRows } from './scatter-rows.ts';
export { type TrainingGraph, type TrainingGraphOptions, trainingGraph } from './training-graph.ts';
