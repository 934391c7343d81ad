export { type ComparedLists, compareLists } from './compare-lists.ts';
export { type ComparedTask, compareModels } from './compare-models.ts';
export { evaluateRun } from './evaluate-run.ts';
export { metricsOf } from './metrics.ts';
export { checkClosed, horizonOf } from './outcomes.ts';
