import { Duration } from 'aws-cdk-lib';
import { EventSourceMapping } from 'aws-cdk-lib/aws-lambda';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { grantAccess, grantSubmit } from './access.ts';
import { batchEnvironment, keyEnvironment, storeEnvironment } from './environment.ts';
import { PackagedFunction } from './packaged-function.ts';
import type { BatchParts, IngestParts, Setting, StorageParts } from './shared.ts';

export interface NightjarIngestProps {
  readonly setting: Setting;
  readonly storage: StorageParts;
  readonly batch: BatchParts;
}

/** The two functions behind the queues: drops become canonical rows, canonical events become rows of days. */
export class NightjarIngest extends Construct {
  readonly parts: IngestParts;

  constructor(scope: Construct, id: string, { setting, storage, batch }: NightjarIngestProps) {
    super(scope, id);
    const { functions } = setting.deploy;
    const clean = new PackagedFunction(this, 'Clean', {
      setting,
      name: 'clean',
      description: 'One dropped file becomes canonical rows',
      memoryMiB: functions.cleanMemoryMiB,
      timeout: Duration.minutes(15),
      // A drop as it came, unpacked, and what the engine spills while it sorts.
      diskMiB: 10_240,
      environment: {
        ...storeEnvironment(storage),
        ...keyEnvironment(storage),
        ...batchEnvironment(this, batch),
      },
      key: storage.dataKey,
    });
    grantAccess(clean.role, 'clean', storage);
    grantSubmit(clean.role, 'clean', batch);
    const features = new PackagedFunction(this, 'Features', {
      setting,
      name: 'features',
      description: 'Canonical events of a drop become a row for each user and day',
      memoryMiB: functions.featuresMemoryMiB,
      timeout: Duration.minutes(15),
      environment: storeEnvironment(storage),
      key: storage.dataKey,
    });
    grantAccess(features.role, 'features', storage);
    // One drop a call: it may be as large as a batch job could clean.
    this.#feed(clean, storage.cleanQueue, { batchSize: 1, concurrency: 20 });
    this.#feed(features, storage.featuresQueue, { batchSize: 1, concurrency: 10 });
    this.parts = { clean: clean.function, features: features.function };
  }

  /**
   * The limit stands at the event source. Reserved concurrency would throttle deliveries instead, each of which counts
   * as a failed one until the message is dead; and a young account has none to reserve.
   */
  #feed(
    { function: target }: PackagedFunction,
    queue: IQueue,
    { batchSize, concurrency }: { batchSize: number; concurrency: number },
  ): void {
    new EventSourceMapping(target, 'Queue', {
      target,
      eventSourceArn: queue.queueArn,
      batchSize,
      maxConcurrency: concurrency,
      reportBatchItemFailures: true,
    });
  }
}
