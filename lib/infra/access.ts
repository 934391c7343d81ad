import { type IResource, Stack, Tags, Token } from 'aws-cdk-lib';
import { Effect, type IRole, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { IQueue } from 'aws-cdk-lib/aws-sqs';
import type { Deploy } from '../config/index.ts';
import { ACCESS, bucketOf, type Prefix } from './access-table.ts';
import { acknowledgeWildcards } from './acknowledge.ts';
import type { BatchParts, Role, StorageParts } from './shared.ts';

/** Roles with this tag pass the secret's own policy, which turns everyone else away. */
export const PSEUDONYM_TAG = { key: 'nightjar-pseudonyms', value: 'allowed' } as const;

/** Gives a role the objects, the keys and the queue that the table names for it, and nothing else. */
export function grantAccess(role: IRole, name: Role, storage: StorageParts): void {
  const access = ACCESS[name];
  for (const bucket of ['drops', 'data', 'exports'] as const) {
    const here = (prefix: Prefix) => bucketOf(prefix) === bucket;
    const arn = arnFor(role, storage[bucket], storage[bucket].bucketArn);
    const objects = (prefixes: readonly Prefix[]) =>
      prefixes.filter(here).map((prefix) => `${arn}/${prefix}*`);
    const read = objects(access.read);
    const write = objects(access.write);
    allow(role, ['s3:GetObject'], read);
    allow(role, ['s3:PutObject', 's3:AbortMultipartUpload'], write);
    acknowledgeWildcards(
      role,
      [...new Set([...read, ...write])],
      'The objects of one prefix are made by many drops and runs; the prefix is as narrow as their names allow.',
    );
    const listed = [...new Set([...access.read, ...access.list])].filter(here);
    if (listed.length > 0) {
      allow(role, ['s3:ListBucket'], [arn], {
        // "IfExists": S3 asks for this right when it answers a request for an object that is not there, and such a
        // request names no prefix. Without it the answer is "forbidden" in place of "not found".
        StringLikeIfExists: { 's3:prefix': listed.map((prefix) => `${prefix}*`) },
      });
    }
  }
  const writes = access.write.length > 0;
  allow(
    role,
    ['kms:Decrypt', ...(writes ? ['kms:GenerateDataKey'] : [])],
    [arnFor(role, storage.dataKey, storage.dataKey.keyArn)],
    via(role, 's3', ...(access.consumes || access.sends ? ['sqs'] : [])),
  );
  if (access.pseudonyms) grantPseudonyms(role, storage);
  if (access.consumes) {
    const queue = queueOf(access.consumes, storage);
    allow(
      role,
      ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'],
      [arnFor(role, queue, queue.queueArn)],
    );
  }
  const queues = (access.sends ?? []).map((name) => queueOf(name, storage));
  allow(
    role,
    ['sqs:SendMessage'],
    queues.map((queue) => arnFor(role, queue, queue.queueArn)),
  );
}

function queueOf(name: 'clean' | 'features', { cleanQueue, featuresQueue }: StorageParts): IQueue {
  return name === 'clean' ? cleanQueue : featuresQueue;
}

function grantPseudonyms(role: IRole, { pseudonymSecret, pseudonymKey }: StorageParts): void {
  allow(role, ['secretsmanager:GetSecretValue'], [arnFor(role, pseudonymSecret, pseudonymSecret.secretArn)]);
  allow(
    role,
    ['kms:Decrypt'],
    [arnFor(role, pseudonymKey, pseudonymKey.keyArn)],
    via(role, 'secretsmanager'),
  );
  Tags.of(role).add(PSEUDONYM_TAG.key, PSEUDONYM_TAG.value);
}

/** Lets a role submit the job definitions that the table names for it, and look at jobs. */
export function grantSubmit(role: IRole, name: Role, batch: BatchParts): void {
  const { submits } = ACCESS[name];
  if (submits.length === 0) return;
  // Jobs are submitted by name without a revision; whether Batch compares that or the revision it takes is told both ways.
  const revisions = submits.map((job) => `${batch.definitions[job]}:*`);
  const definitions = [...submits.map((job) => batch.definitions[job]), ...revisions];
  allow(
    role,
    ['batch:SubmitJob'],
    [...new Set(submits.map((job) => batch.queues[job](role))), ...definitions],
  );
  acknowledgeWildcards(
    role,
    revisions,
    'Each deployment makes a new revision of a job definition, under the same name.',
  );
  allow(role, ['batch:ListJobs', 'batch:DescribeJobs'], ['*']);
  acknowledgeWildcards(
    role,
    ['*'],
    'Batch knows no resource for ListJobs and DescribeJobs: these read-only actions can only be allowed on all jobs.',
  );
}

/** Lets a role tell X-Ray what it does, where `deploy.tracing` asks for it; every function and job may. */
export function grantTraces(role: IRole, { tracing }: Deploy): void {
  if (!tracing) return;
  allow(role, ['xray:PutTraceSegments'], ['*']);
  acknowledgeWildcards(
    role,
    ['*'],
    'X-Ray knows no resource for PutTraceSegments: the action can only be allowed as a whole, and reads nothing.',
  );
}

function allow(role: IRole, actions: string[], resources: string[], conditions?: object): void {
  if (resources.length === 0) return;
  role.addToPrincipalPolicy(
    new PolicyStatement({
      effect: Effect.ALLOW,
      actions,
      resources,
      ...(conditions ? { conditions: { ...conditions } } : {}),
    }),
  );
}

/** The key serves these services on the role's behalf, not the role itself. */
function via(role: IRole, ...services: string[]): object {
  const { region } = Stack.of(role);
  return { StringEquals: { 'kms:ViaService': services.map((name) => `${name}.${region}.amazonaws.com`) } };
}

/**
 * An ARN as the role's own stack refers to it. A reference over stacks would do the same, but only at the end of the
 * synthesis: until then nobody could name the finding that is to be acknowledged.
 */
function arnFor(role: IRole, resource: IResource, arn: string): string {
  const home = Stack.of(resource);
  // What was adopted is known by its name.
  return home === Stack.of(role) || !Token.isUnresolved(arn) ? arn : home.exportValue(arn);
}
