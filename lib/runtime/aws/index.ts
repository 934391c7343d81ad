export { clientSettings } from './clients.ts';
export { type Route, routedStore } from './routed-store.ts';
export { openS3Store, type S3StoreOptions } from './s3-store.ts';
