import { Duration, Stack } from 'aws-cdk-lib';
import { Effect, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { CfnQueue, type CfnQueuePolicy, Queue, QueueEncryption, type QueueProps } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

interface WorkQueueProps {
  readonly key: IKey;
  /** How long a message stays hidden: what a retry after a killed function waits. */
  readonly visibility: Duration;
}

/** Deliveries before a message counts as dead. */
const DELIVERIES = 3;

/**
 * A queue that S3 tells of new objects, and the queue of its dead letters. Both keep messages for 14 days: dead letters
 * keep the time at which they were first sent, so a shorter life of either could lose one over a long holiday.
 */
export class WorkQueue extends Construct {
  readonly queue: Queue;
  readonly dead: Queue;
  /** Who may send must be settled before a bucket is told to. */
  readonly policy: CfnQueuePolicy;

  constructor(scope: Construct, id: string, { key, visibility }: WorkQueueProps) {
    super(scope, id);
    const common: QueueProps = {
      encryption: QueueEncryption.KMS,
      encryptionMasterKey: key,
      // One call to KMS in an hour, not one in five minutes.
      dataKeyReuse: Duration.hours(1),
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    };
    // Without names, the dead letters cannot say whose they are: each of the two would have to be made first.
    this.dead = new Queue(this, 'Dead', common);
    this.queue = new Queue(this, 'Queue', {
      ...common,
      visibilityTimeout: visibility,
      receiveMessageWaitTime: Duration.seconds(20),
      deadLetterQueue: { queue: this.dead, maxReceiveCount: DELIVERIES },
    });
    const queue = this.queue.node.defaultChild;
    if (queue instanceof CfnQueue) queue.redriveAllowPolicy = { redrivePermission: 'denyAll' };
    this.policy = this.#admitS3();
  }

  #admitS3(): CfnQueuePolicy {
    const { account, partition } = Stack.of(this);
    this.queue.addToResourcePolicy(
      new PolicyStatement({
        sid: 'NewObjects',
        effect: Effect.ALLOW,
        principals: [new ServicePrincipal('s3.amazonaws.com')],
        actions: ['sqs:SendMessage'],
        resources: [this.queue.queueArn],
        conditions: {
          // The bucket's own ARN would close a circle: the bucket needs the queue, and this policy, first.
          ArnLike: { 'aws:SourceArn': `arn:${partition}:s3:::*` },
          StringEquals: { 'aws:SourceAccount': account },
        },
      }),
    );
    return this.queue.node.findChild('Policy').node.defaultChild as CfnQueuePolicy;
  }
}
