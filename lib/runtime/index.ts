export {
  BatchError,
  InvalidKey,
  InvalidRange,
  ObjectNotFound,
  PreconditionFailed,
  QueueError,
  StoreError,
} from './errors.ts';
export { checkKey, checkPrefix, compareKeys } from './keys.ts';
export { type FolderStoreOptions, openFolderStore } from './local/folder-store.ts';
export { byteSource, getText, putJson, readJson } from './objects.ts';
export type {
  BatchRunner,
  GetOptions,
  JobDescription,
  JobRequest,
  JobStatus,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  PutResult,
  Queue,
  QueueMessage,
  StoredObject,
} from './types.ts';
