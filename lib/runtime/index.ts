export {
  BatchError,
  BeingWritten,
  InvalidKey,
  InvalidRange,
  ObjectNotFound,
  PreconditionFailed,
  QueueError,
  StoreError,
  SystemError,
  UnusableObject,
} from './errors.ts';
export { checkKey, checkPrefix, compareKeys, whyNoKey } from './keys.ts';
export { AtWork, markAtWork } from './local/at-work.ts';
export {
  type JobProgress,
  type LocalBatch,
  type LocalBatchOptions,
  openLocalBatch,
} from './local/batch.ts';
export type { JobCommand } from './local/child.ts';
export { etagOfFile } from './local/etags.ts';
export {
  bucketPlace,
  explain,
  explainedAt,
  type Place,
  sentenceOf,
  temporaryPlace,
} from './local/explain.ts';
export { listKeys } from './local/folder-list.ts';
export { type FolderStoreOptions, openFolderStore } from './local/folder-store.ts';
export { type Notification, notifyingStore } from './local/notifications.ts';
export { bytesOfFile } from './local/open-object.ts';
export {
  type PumpOptions,
  type PumpResult,
  pump,
  type QueueEvent,
  type QueueEventResult,
  type QueueHandler,
} from './local/pump.ts';
export { createLocalQueue, type DeadLetter, type LocalQueue, type LocalQueueOptions } from './local/queue.ts';
export { scratchPrefix, withScratch } from './local/scratch.ts';
export { writeWhole } from './local/write-whole.ts';
export { byteSource, getBytes, getText, putJson, readJson, readVersion } from './objects.ts';
export { EXIT_RETRY, exitWithParent, reportProgress } from './parent.ts';
export { formatS3Event, type ObjectCreated, parseS3Event } from './s3-events.ts';
export type {
  BatchRunner,
  GetOptions,
  JobDefinition,
  JobDescription,
  JobRequest,
  JobStatus,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  OtherEntry,
  PutOptions,
  PutResult,
  Queue,
  QueueMessage,
  StoredObject,
} from './types.ts';
