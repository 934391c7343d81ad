export { evaluateRun, reportKey } from './evaluate-run.ts';
export { type BinaryMetrics, binaryMetrics, listMetrics } from './metrics.ts';
export type { BinaryOutcomes, ListedOutcomes, Outcomes } from './outcomes.ts';
