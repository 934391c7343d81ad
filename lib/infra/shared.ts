import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { IBucket } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Config, Deploy } from '../config/index.ts';
import type { JobDefinition } from '../runtime/index.ts';
import type { LentValue } from './lent-value.ts';

/** What every stack is built from. */
export interface Setting {
  readonly config: Config;
  /** The deployment settings of this environment: `deployOf(config, environment)`. */
  readonly deploy: Deploy;
  /** Part of every stack's name: `nightjar-<environment>-<stack>`. */
  readonly environment: string;
  readonly packages: Packages;
}

/** What the build made, as folders. */
export interface Packages {
  /** Holds `clean.zip`, `features.zip` and `dispatch.zip`. */
  readonly functions: string;
  /** The Docker context of the images. */
  readonly image: string;
}

/** What the storage stack lends the others. */
export interface StorageParts {
  readonly drops: IBucket;
  readonly data: IBucket;
  readonly exports: IBucket;
  /** Access logs of the three. */
  readonly logs: IBucket;
  /** Buckets, queues and logs; not the pseudonym secret. */
  readonly dataKey: IKey;
  readonly pseudonymKey: IKey;
  readonly pseudonymSecret: ISecret;
  readonly cleanQueue: IQueue;
  readonly cleanDead: IQueue;
  readonly featuresQueue: IQueue;
  readonly featuresDead: IQueue;
}

/** What the batch stack lends the others. ARNs by the job definition that a submitter names. */
export interface BatchParts {
  readonly queues: Readonly<Record<JobDefinition, LentValue>>;
  readonly definitions: Readonly<Record<JobDefinition, string>>;
  /** Each job queue once, for alarms. */
  readonly jobQueues: readonly JobQueuePart[];
}

export interface JobQueuePart {
  /** `gpu` or `cpu`: what alarms call it. */
  readonly name: string;
  readonly arn: LentValue;
}

export interface IngestParts {
  readonly clean: IFunction;
  readonly features: IFunction;
}

export interface NightlyParts {
  readonly dispatch: IFunction;
}

/** Everything that acts on the store: three functions, four jobs, and the person who looks at rejected rows. */
export type Role =
  | 'clean'
  | 'features'
  | 'dispatch'
  | 'finetune'
  | 'score'
  | 'export'
  | 'cleanJob'
  | 'quarantineReader';

/** Id of a stack under the app, and its name. */
export function stackId(environment: string, stack: 'storage' | 'ingest' | 'batch' | 'nightly' | 'watch') {
  return `nightjar-${environment}-${stack}`;
}
