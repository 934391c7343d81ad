import { readFile } from 'node:fs/promises';
import { BatchClient } from '@aws-sdk/client-batch';
import { S3Client } from '@aws-sdk/client-s3';
import { ConfigError } from '../../data/errors.ts';
import { openFolderStore } from '../local/folder-store.ts';
import type { BatchRunner, JobDefinition, ObjectStore } from '../types.ts';
import { openBatch } from './batch.ts';
import { openClient, retrySeconds, SHORT_RETRY_S } from './clients.ts';
import { readKeySecret } from './key-secret.ts';
import { routedStore } from './routed-store.ts';
import { openS3Store } from './s3-store.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

const KEY_BYTES = 64;
const BUCKETS = ['NIGHTJAR_DROPS_BUCKET', 'NIGHTJAR_DATA_BUCKET', 'NIGHTJAR_EXPORTS_BUCKET'] as const;
const STORE_HELP = `set NIGHTJAR_STORE to a folder, or all of ${BUCKETS.join(', ')} to the names of three buckets, not both`;
const KEY_HELP =
  'set NIGHTJAR_KEY_FILE to a file of 64 bytes, or NIGHTJAR_KEY_SECRET to the ARN or name of a secret, not both';
const DEFINITIONS: readonly JobDefinition[] = ['finetune', 'score', 'export', 'clean'];

/**
 * The store that the environment names: a folder, or three buckets as one store, by key: `drop/`, `exports/`, all else.
 * @param retryFor seconds for which a request to a bucket is sent again, unless NIGHTJAR_RETRY_SECONDS says otherwise
 * @throws ConfigError that lists what is expected
 */
export async function openStore(env: Environment, retryFor = SHORT_RETRY_S): Promise<ObjectStore> {
  const { NIGHTJAR_STORE: folder } = env;
  const [drops, data, exported] = BUCKETS.map((name) => env[name] || undefined);
  const missing = BUCKETS.filter((name) => !env[name]);
  if (folder) {
    if (missing.length < BUCKETS.length) {
      throw new ConfigError(`the environment names a folder and a bucket as the store: ${STORE_HELP}`);
    }
    return openFolderStore(folder);
  }
  if (!drops || !data || !exported) {
    const what = missing.length < BUCKETS.length ? `${missing.join(' and ')} is missing` : 'names no store';
    throw new ConfigError(`the environment does not say where objects are (${what}): ${STORE_HELP}`);
  }
  const client = openClient((settings) => new S3Client(settings), retrySeconds(env, retryFor));
  return routedStore([
    { prefix: 'drop/', store: openS3Store({ client, bucket: drops }) },
    { prefix: 'exports/', store: openS3Store({ client, bucket: exported }) },
    { prefix: '', store: openS3Store({ client, bucket: data }) },
  ]);
}

/**
 * The pseudonym key that the environment names.
 * @param retryFor as in `openStore`, of a secret
 * @returns 64 bytes
 * @throws ConfigError that lists what is expected
 */
export async function openKey(env: Environment, retryFor = SHORT_RETRY_S): Promise<Uint8Array> {
  const { NIGHTJAR_KEY_FILE: file, NIGHTJAR_KEY_SECRET: secret } = env;
  if (file && secret) throw new ConfigError(`the environment names two pseudonym keys: ${KEY_HELP}`);
  if (secret) return readKeySecret(secret, retrySeconds(env, retryFor));
  if (!file) throw new ConfigError(`the environment names no pseudonym key: ${KEY_HELP}`);
  const key = await readFile(file).catch((cause: unknown) => {
    throw new ConfigError(`the pseudonym key ${file} (NIGHTJAR_KEY_FILE) cannot be read: ${KEY_HELP}`, {
      cause,
    });
  });
  if (key.length === KEY_BYTES) return Uint8Array.from(key);
  throw new ConfigError(`the pseudonym key ${file} (NIGHTJAR_KEY_FILE) has ${key.length} bytes: ${KEY_HELP}`);
}

/**
 * AWS Batch with the job queues and definitions that the environment names.
 * @throws ConfigError that says what is expected
 */
export function openBatchFrom(env: Environment): BatchRunner {
  const queues = readArns(env, 'NIGHTJAR_JOB_QUEUES');
  const definitions = readArns(env, 'NIGHTJAR_JOB_DEFINITIONS');
  const client = openClient((settings) => new BatchClient(settings), retrySeconds(env, SHORT_RETRY_S));
  return openBatch({ client, queues, definitions });
}

function readArns(env: Environment, name: string): Partial<Record<JobDefinition, string>> {
  const text = env[name];
  const help = `expected a JSON object of ARNs by definition, {"score": "arn:…", …}, of ${DEFINITIONS.join(', ')}`;
  if (!text) throw new ConfigError(`${name} is missing in the environment: ${help}`);
  const arns: Partial<Record<JobDefinition, string>> = {};
  for (const [key, arn] of Object.entries(parseObject(name, text, help))) {
    const definition = DEFINITIONS.find((known) => known === key);
    if (definition === undefined)
      throw new ConfigError(`${name} has the unknown definition "${key}": ${help}`);
    if (typeof arn !== 'string' || arn === '')
      throw new ConfigError(`${name} has no ARN for ${key}: ${help}`);
    arns[definition] = arn;
  }
  if (Object.keys(arns).length === 0) throw new ConfigError(`${name} names no definition: ${help}`);
  return arns;
}

function parseObject(name: string, text: string, help: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ConfigError(`${name} is not JSON: ${help}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new ConfigError(`${name} is no JSON object: ${help}`);
  }
  return value;
}
