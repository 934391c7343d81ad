export { type BatchOptions, openBatch } from './batch.ts';
export { clientSettings } from './clients.ts';
export { type Environment, openBatchFrom, openKey, openStore } from './environment.ts';
export { readKeySecret } from './key-secret.ts';
export { openMetrics } from './metrics.ts';
export { type Route, routedStore } from './routed-store.ts';
export { openS3Store, type S3StoreOptions } from './s3-store.ts';
export { openSqsQueue, type SqsQueueOptions } from './sqs-queue.ts';
