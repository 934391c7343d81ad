export {
  BatchError,
  InvalidKey,
  InvalidRange,
  ObjectNotFound,
  PreconditionFailed,
  QueueError,
  StoreError,
  SystemError,
} from './errors.ts';
export { checkKey, compareKeys, whyNoKey } from './keys.ts';
export { AtWork, markAtWork } from './local/at-work.ts';
export {
  type JobProgress,
  type LocalBatch,
  type LocalBatchOptions,
  openLocalBatch,
} from './local/batch.ts';

export { etagOfFile } from './local/etags.ts';
export {
  explain,
  explainedAt,
  sentenceOf,
  temporaryPlace,
} from './local/explain.ts';
export { listKeys } from './local/folder-list.ts';
export { openFolderStore } from './local/folder-store.ts';
export { notifyingStore } from './local/notifications.ts';
export { bytesOfFile } from './local/open-object.ts';
export {
  type PumpResult,
  pump,
  type QueueEvent,
  type QueueEventResult,
  type QueueHandler,
  type QueueRecord,
} from './local/pump.ts';
export { createLocalQueue } from './local/queue.ts';
export { scratchPrefix, withScratch } from './local/scratch.ts';
export { writeWhole } from './local/write-whole.ts';
export { byteSource, getBytes, getText, putJson, readJson, readVersion } from './objects.ts';
export { EXIT_RETRY, exitWithParent, PARENT_PIPE, reportProgress } from './parent.ts';
export { formatS3Event, type ObjectCreated, parseS3Event } from './s3-events.ts';
export { nightOf, nightTrace, runSegment, runTrace, type ShopNights } from './trace-ids.ts';
export type {
  BatchRunner,
  JobDefinition,
  JobDescription,
  JobFault,
  JobRequest,
  JobStatus,
  ObjectInfo,
  ObjectStore,
  OtherEntry,
  PutOptions,
  Queue,
  StoredObject,
} from './types.ts';
