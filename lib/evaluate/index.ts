export { evaluateRun, reportKey } from './evaluate-run.ts';
export { type BinaryMetrics, binaryMetrics, listMetrics } from './metrics.ts';
export { type BinaryOutcomes, checkClosed, type ListedOutcomes, type Outcomes } from './outcomes.ts';
