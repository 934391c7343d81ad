import { CfnOutput, Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import { SqsDestination } from 'aws-cdk-lib/aws-lambda-destinations';
import { type IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { grantAccess, grantSubmit } from './access.ts';
import { batchEnvironment, queueEnvironment, storeEnvironment } from './environment.ts';
import { Schedules } from './nightly-schedules.ts';
import { PackagedFunction } from './packaged-function.ts';
import type { BatchParts, NightlyParts as Dispatch, Setting, StorageParts } from './shared.ts';

export interface NightjarNightlyProps {
  readonly setting: Setting;
  readonly storage: StorageParts;
  readonly batch: BatchParts;
}

export interface NightlyParts extends Dispatch {
  /** Calls of dispatch that were never made or failed for good. */
  readonly undelivered: IQueue;
}

/**
 * The function that looks what is due and submits it, and the schedules that call it. Any number of calls may run at once
 * and each may end anywhere: a night is claimed by a conditional put, so nothing here limits concurrency.
 */
export class NightjarNightly extends Construct {
  readonly parts: NightlyParts;

  constructor(scope: Construct, id: string, { setting, storage, batch }: NightjarNightlyProps) {
    super(scope, id);
    const undelivered = this.#undelivered();
    const dispatch = new PackagedFunction(this, 'Dispatch', {
      setting,
      name: 'dispatch',
      description: 'Starts nights and trainings when they are due and brings them forward',
      memoryMiB: setting.deploy.functions.dispatchMemoryMiB,
      // Lists every drop and its results: minutes with a million objects. A call that overtakes it does no harm.
      timeout: Duration.minutes(15),
      environment: {
        ...storeEnvironment(storage),
        ...queueEnvironment(storage),
        ...batchEnvironment(this, batch),
      },
      key: storage.dataKey,
    });
    grantAccess(dispatch.role, 'dispatch', storage);
    grantSubmit(dispatch.role, 'dispatch', batch);
    dispatch.function.configureAsyncInvoke({
      // For the calls of once a day and once a week; for a tick the next one would do.
      retryAttempts: 2,
      maxEventAge: Duration.hours(1),
      onFailure: new SqsDestination(undelivered),
    });
    new Schedules(this, 'Schedules', { config: setting.config, target: dispatch.function, undelivered });
    this.parts = { dispatch: dispatch.function, undelivered };
    new CfnOutput(this, 'DispatchFunction', { value: dispatch.function.functionName });
  }

  /** Under a key of SQS's own: the messages hold a kind and a time, and the scheduler may use no key of ours. */
  #undelivered(): IQueue {
    const queue = new Queue(this, 'Undelivered', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    Validations.of(queue).acknowledge({
      id: 'AwsSolutions-SQS3',
      reason:
        'The queue is itself the end of the road for calls that could not be made; an alarm watches it.',
    });
    return queue;
  }
}
