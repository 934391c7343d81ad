export { ACCESS, type Access, bucketOf, PREFIXES, type Prefix } from './access-table.ts';
export { buildApp, type Stacks } from './app.ts';
export { NightjarBatch, type NightjarBatchProps } from './batch.ts';
export { NightjarIngest, type NightjarIngestProps } from './ingest.ts';
export type { LentValue } from './lent-value.ts';
export { NightjarNightly, type NightjarNightlyProps, type NightlyParts } from './nightly.ts';
export {
  type BatchParts,
  type IngestParts,
  type Packages,
  type Role,
  type Setting,
  type StorageParts,
  stackId,
} from './shared.ts';
export { BatchStack, IngestStack, NightlyStack, StorageStack, WatchStack } from './stacks.ts';
export { NightjarStorage, type NightjarStorageProps } from './storage.ts';
export { NightjarWatch, type NightjarWatchProps } from './watch.ts';
