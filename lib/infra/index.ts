export { ACCESS, type Access, bucketOf, PREFIXES, type Prefix } from './access-table.ts';
export { buildApp, type Stacks } from './app.ts';
export { BatchStack, type BatchStackProps } from './batch.ts';
export { type IngestProps, IngestStack } from './ingest.ts';
export { type NightlyProps, NightlyStack } from './nightly.ts';
export { type Packages, type Role, type Setting, type StorageParts, stackId } from './shared.ts';
export { type StorageProps, StorageStack } from './storage.ts';
export { type WatchProps, WatchStack } from './watch.ts';
