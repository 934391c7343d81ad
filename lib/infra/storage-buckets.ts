import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  CfnBucket,
  type IBucket,
  type LifecycleRule,
  ObjectOwnership,
  StorageClass,
} from 'aws-cdk-lib/aws-s3';
import { S3_SERVER_ACCESS_LOGS_USE_BUCKET_POLICY } from 'aws-cdk-lib/cx-api';
import { Construct } from 'constructs';
import type { Deploy } from '../config/index.ts';
import type { Prefix } from './access-table.ts';
import type { WorkQueue } from './storage-queues.ts';

interface BucketsProps {
  readonly key: IKey;
  readonly retention: Deploy['retention'];
  /** Told of new drops, and of new canonical events. */
  readonly newDrops: WorkQueue;
  readonly newEvents: WorkQueue;
  /** Alone may read `quarantine/`. */
  readonly quarantineReader: IRole;
  /** The buckets go with the stack, once they are empty. */
  readonly disposable: boolean;
  /** Buckets of an earlier stack. Named so, they are imported by `cdk deploy --import-existing-resources`. */
  readonly adopt?: Readonly<Record<'drops' | 'data' | 'exports' | 'logs', string>> | undefined;
}

/** Drops, data and exports, and a bucket for their access logs. */
export class Buckets extends Construct {
  readonly drops: IBucket;
  readonly data: IBucket;
  readonly exports: IBucket;
  readonly logs: IBucket;

  constructor(scope: Construct, id: string, props: BucketsProps) {
    super(scope, id);
    // Logs are delivered by a policy: the list of rights that was the way before is switched off here.
    this.node.setContext(S3_SERVER_ACCESS_LOGS_USE_BUCKET_POLICY, true);
    const { key, retention, newDrops, newEvents, quarantineReader, disposable, adopt } = props;
    const named = (bucketName: string | undefined) => (bucketName === undefined ? {} : { bucketName });
    const closed: BucketProps = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      removalPolicy: disposable ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    };
    // Access logs cannot be delivered to a bucket with a customer's key.
    this.logs = new Bucket(this, 'Logs', {
      ...closed,
      ...named(adopt?.logs),
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [ABORT_UPLOADS, { id: 'expire', expiration: Duration.days(retention.logDays) }],
    }) as IBucket;
    const bucket = (name: string, rules: LifecycleRule[], more: BucketProps = {}) =>
      new Bucket(this, name, {
        ...closed,
        encryption: BucketEncryption.KMS,
        encryptionKey: key,
        // Else every single GET is a call to KMS.
        bucketKeyEnabled: true,
        serverAccessLogsBucket: this.logs,
        serverAccessLogsPrefix: `${name.toLowerCase()}/`,
        lifecycleRules: [ABORT_UPLOADS, ...rules],
        ...more,
      }) as IBucket;
    this.drops = bucket('Drops', dropRules(retention), { versioned: true, ...named(adopt?.drops) });
    this.data = bucket('Data', dataRules(retention), named(adopt?.data));
    this.exports = bucket('Exports', [expire('exports/', retention.exportDays)], named(adopt?.exports));
    notify(this.drops, 'drop/', newDrops);
    notify(this.data, 'clean/events/', newEvents);
    sealQuarantine(this.data, quarantineReader);
  }
}

/** Parts of an upload that was cut off are charged for and never seen. */
const ABORT_UPLOADS: LifecycleRule = {
  id: 'abort-uploads',
  abortIncompleteMultipartUploadAfter: Duration.days(2),
};

/** A pack of an old month is made again once a year, from all of its drops. */
const PACK_DAYS = 365;

/** Everything is made from drops: they get cheaper to keep, and stay readable at once. */
function dropRules(retention: Deploy['retention']): LifecycleRule[] {
  return [
    {
      id: 'instant-retrieval',
      prefix: 'drop/',
      transitions: [
        {
          storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL,
          transitionAfter: Duration.days(retention.dropsToInstantRetrievalDays),
        },
      ],
    },
    {
      id: 'old-versions',
      noncurrentVersionExpiration: Duration.days(retention.oldVersionDays),
    },
  ];
}

/** Twice as long as a segment in use may wait to be written again. */
const INDEX_DAYS = 60;

/**
 * Only what no later night reads. `clean/`, `days/`, `keys/`, `quality/` and `digests/` feed every night, `models/` serve until others do,
 * and `runs/` says what was done, in small files. States are folded anew from the days where none is left. What of `index/` is
 * in use is written again every 30 days (lib/run/drop-index/step.ts), and the manifests of runs whose states may still be
 * folded on from name no segments that have been out of use for longer than these are kept.
 */
function dataRules(retention: Deploy['retention']): LifecycleRule[] {
  return [
    expire('quarantine/', retention.quarantineDays),
    expire('scores/', retention.runDays),
    expire('snapshots/', retention.runDays),
    expire('versions/', retention.runDays),
    expire('packs/', PACK_DAYS),
    expire('fits/', retention.runDays),
    expire('index/', retention.runDays + INDEX_DAYS),
  ];
}

function expire(prefix: Prefix, days: number): LifecycleRule {
  return { id: `expire-${prefix.slice(0, -1)}`, prefix, expiration: Duration.days(days) };
}

/** As the bucket's own setting: the CDK's way is a function that sets it later, with rights on every bucket. */
function notify(bucket: IBucket, prefix: string, { queue, policy }: WorkQueue): void {
  const resource = bucket.node.defaultChild;
  if (!(resource instanceof CfnBucket)) return;
  resource.notificationConfiguration = {
    queueConfigurations: [
      {
        event: 's3:ObjectCreated:*',
        queue: queue.queueArn,
        filter: { s3Key: { rules: [{ name: 'prefix', value: prefix }] } },
      },
    ],
  };
  // S3 sends a test message when the bucket is made.
  resource.addResourceDependency(policy);
}

/** Rejected rows hold what the shop sent, ids included. Whoever may read the bucket may still not read these. */
function sealQuarantine(bucket: IBucket, reader: IRole): void {
  bucket.addToResourcePolicy(
    new PolicyStatement({
      sid: 'QuarantineIsSealed',
      effect: Effect.DENY,
      principals: [new AnyPrincipal()],
      // Objects alone: policies, settings and the bucket itself stay in the hands of who manages the account.
      actions: ['s3:GetObject', 's3:GetObjectVersion'],
      resources: [bucket.arnForObjects('quarantine/*')],
      conditions: { ArnNotEquals: { 'aws:PrincipalArn': reader.roleArn } },
    }),
  );
}
