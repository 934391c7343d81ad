export { evaluateRun, reportKey } from './evaluate-run.ts';
export { type BinaryMetrics, binaryMetrics, listMetrics, metricsOf } from './metrics.ts';
export { checkClosed, horizonOf } from './outcomes.ts';
