export { type BatchOptions, openBatch } from './batch.ts';
export { clientSettings } from './clients.ts';
export { openBatchFrom, openKey, openStore } from './environment.ts';

export { countJob, openMetrics } from './metrics.ts';
export { routedStore } from './routed-store.ts';
export { openS3Store } from './s3-store.ts';
export { openSqsQueue, type SqsQueueOptions } from './sqs-queue.ts';
