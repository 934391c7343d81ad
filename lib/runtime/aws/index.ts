export { type BatchOptions, openBatch } from './batch.ts';
export { clientSettings, JOB_RETRY_S, openClient } from './clients.ts';
export { openBatchFrom, openKey, openStore } from './environment.ts';
export { isAway } from './failure.ts';
export { openGiveBack } from './give-back.ts';
export { countJob, flushing, openMetrics } from './metrics.ts';
export { routedStore } from './routed-store.ts';
export { openS3Store } from './s3-store.ts';
export { openSqsQueue, type SqsQueueOptions } from './sqs-queue.ts';
