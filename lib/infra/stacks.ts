import { Stack, type StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { NightjarBatch, type NightjarBatchProps } from './batch.ts';
import { NightjarIngest, type NightjarIngestProps } from './ingest.ts';
import { NightjarNightly, type NightjarNightlyProps, type NightlyParts } from './nightly.ts';
import type { BatchParts, IngestParts, StorageParts } from './shared.ts';
import { NightjarStorage, type NightjarStorageProps } from './storage.ts';
import { NightjarWatch, type NightjarWatchProps } from './watch.ts';

/**
 * The five constructs, a stack each. Apart, what holds data is not touched when the rest is deployed or destroyed. In a
 * construct called `Default` resources have the names that they would have in the stack itself.
 */
const ONLY = 'Default';

export class StorageStack extends Stack {
  readonly parts: StorageParts;

  constructor(scope: Construct, id: string, props: NightjarStorageProps & StackProps) {
    super(scope, id, props);
    this.parts = new NightjarStorage(this, ONLY, props).parts;
  }
}

export class BatchStack extends Stack {
  readonly parts: BatchParts;

  constructor(scope: Construct, id: string, props: NightjarBatchProps & StackProps) {
    super(scope, id, props);
    this.parts = new NightjarBatch(this, ONLY, props).parts;
  }
}

export class IngestStack extends Stack {
  readonly parts: IngestParts;

  constructor(scope: Construct, id: string, props: NightjarIngestProps & StackProps) {
    super(scope, id, props);
    this.parts = new NightjarIngest(this, ONLY, props).parts;
  }
}

export class NightlyStack extends Stack {
  readonly parts: NightlyParts;

  constructor(scope: Construct, id: string, props: NightjarNightlyProps & StackProps) {
    super(scope, id, props);
    this.parts = new NightjarNightly(this, ONLY, props).parts;
  }
}

export class WatchStack extends Stack {
  constructor(scope: Construct, id: string, props: NightjarWatchProps & StackProps) {
    super(scope, id, props);
    new NightjarWatch(this, ONLY, props);
  }
}
