import { Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { BatchParts, Setting, StorageParts } from './shared.ts';

/** The variables that functions and jobs know their deployment by. */
export function settingEnvironment({ environment, deploy }: Setting): Record<string, string> {
  return { NIGHTJAR_ENVIRONMENT: environment, ...(deploy.tracing ? { NIGHTJAR_TRACES: '1' } : {}) };
}

/** The variables that a function or a job finds the store by. */
export function storeEnvironment({ drops, data, exports: exported }: StorageParts): Record<string, string> {
  return {
    NIGHTJAR_DROPS_BUCKET: drops.bucketName,
    NIGHTJAR_DATA_BUCKET: data.bucketName,
    NIGHTJAR_EXPORTS_BUCKET: exported.bucketName,
  };
}

/** The variables that a sender of lost messages finds the queues by. */
export function queueEnvironment({ cleanQueue, featuresQueue }: StorageParts): Record<string, string> {
  return {
    NIGHTJAR_CLEAN_QUEUE_URL: cleanQueue.queueUrl,
    NIGHTJAR_FEATURES_QUEUE_URL: featuresQueue.queueUrl,
  };
}

/** The variable that holders of the pseudonym key find it by. */
export function keyEnvironment({ pseudonymSecret }: StorageParts): Record<string, string> {
  return { NIGHTJAR_KEY_SECRET: pseudonymSecret.secretArn };
}

/** The variables that a submitter of jobs finds Batch by: JSON objects from a job's name to an ARN. */
export function batchEnvironment(
  scope: Construct,
  { queues, definitions }: BatchParts,
): Record<string, string> {
  const stack = Stack.of(scope);
  const arns = Object.entries(queues).map(([job, queue]) => [job, queue(scope)]);
  return {
    NIGHTJAR_JOB_QUEUES: stack.toJsonString(Object.fromEntries(arns)),
    NIGHTJAR_JOB_DEFINITIONS: stack.toJsonString(definitions),
  };
}
