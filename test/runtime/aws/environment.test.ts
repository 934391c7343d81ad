import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ConfigError } from '../../../lib/data/index.ts';
import { openBatchFrom, openKey, openS3Store, openStore } from '../../../lib/runtime/aws/index.ts';
import { BatchError, getText } from '../../../lib/runtime/index.ts';
import { hasMoto, type Moto, startMoto } from '../../aws/moto.ts';
import { keys } from '../object-store-model.ts';
import { temporaryFolder } from '../temp.ts';

const BUCKETS = {
  NIGHTJAR_DROPS_BUCKET: 'the-drops',
  NIGHTJAR_DATA_BUCKET: 'the-data',
  NIGHTJAR_EXPORTS_BUCKET: 'the-exports',
};

describe('the environment of a laptop', () => {
  it('names a folder and a file', async () => {
    const folder = await temporaryFolder();
    const store = await openStore({ NIGHTJAR_STORE: join(folder, 'store') });
    await store.put('drop/a', 'x');
    expect(await getText(store, 'drop/a')).toBe('x');
    const file = join(folder, 'key');
    await writeFile(file, Buffer.alloc(64, 7));
    expect(await openKey({ NIGHTJAR_KEY_FILE: file })).toEqual(new Uint8Array(64).fill(7));
  });
});

describe('an environment that is wrong', () => {
  it('names no store, half a store or two', async () => {
    const { NIGHTJAR_DATA_BUCKET: _, ...two } = BUCKETS;
    const cases: [Record<string, string>, RegExp][] = [
      [
        {},
        /names no store.*NIGHTJAR_STORE.*NIGHTJAR_DROPS_BUCKET, NIGHTJAR_DATA_BUCKET, NIGHTJAR_EXPORTS_BUCKET/,
      ],
      [{ NIGHTJAR_STORE: '' }, /names no store/],
      [two, /\(NIGHTJAR_DATA_BUCKET is missing\)/],
      [{ ...BUCKETS, NIGHTJAR_DATA_BUCKET: '' }, /\(NIGHTJAR_DATA_BUCKET is missing\)/],
      [{ NIGHTJAR_STORE: 'x', ...two }, /a folder and a bucket/],
    ];
    for (const [env, message] of cases) {
      await expect(openStore(env)).rejects.toThrow(ConfigError);
      await expect(openStore(env)).rejects.toThrow(message);
    }
  });

  it('names no key, a bad one or two', async () => {
    const short = join(await temporaryFolder(), 'short');
    await writeFile(short, Buffer.alloc(63));
    const cases: [Record<string, string>, RegExp][] = [
      [{}, /names no pseudonym key: set NIGHTJAR_KEY_FILE .* or NIGHTJAR_KEY_SECRET/],
      [{ NIGHTJAR_KEY_FILE: 'a', NIGHTJAR_KEY_SECRET: 'b' }, /names two pseudonym keys/],
      [{ NIGHTJAR_KEY_FILE: short }, /has 63 bytes/],
      [{ NIGHTJAR_KEY_FILE: `${short}er` }, /cannot be read/],
    ];
    for (const [env, message] of cases) {
      await expect(openKey(env)).rejects.toThrow(ConfigError);
      await expect(openKey(env)).rejects.toThrow(message);
    }
  });

  it('names no job queues or definitions', () => {
    const arns = '{"score":"arn:score"}';
    const cases: [Record<string, string>, RegExp][] = [
      [{}, /NIGHTJAR_JOB_QUEUES is missing .*finetune, score, export, clean/],
      [{ NIGHTJAR_JOB_QUEUES: arns }, /NIGHTJAR_JOB_DEFINITIONS is missing/],
      [{ NIGHTJAR_JOB_QUEUES: '{"score"' }, /NIGHTJAR_JOB_QUEUES is not JSON/],
      [{ NIGHTJAR_JOB_QUEUES: '[]' }, /is no JSON object/],
      [{ NIGHTJAR_JOB_QUEUES: 'null' }, /is no JSON object/],
      [{ NIGHTJAR_JOB_QUEUES: '{}' }, /names no definition/],
      [{ NIGHTJAR_JOB_QUEUES: '{"scores":"arn:x"}' }, /unknown definition "scores"/],
      [{ NIGHTJAR_JOB_QUEUES: '{"score":1}' }, /has no ARN for score/],
    ];
    for (const [env, message] of cases) {
      expect(() => openBatchFrom(env)).toThrow(ConfigError);
      expect(() => openBatchFrom(env)).toThrow(message);
    }
  });
});

describe.skipIf(!hasMoto)('the environment of the cloud', () => {
  let moto: Moto;
  beforeAll(async () => {
    moto = await startMoto();
    // The SDK's own variables: nothing else says where AWS is.
    Object.assign(process.env, moto.env);
  });
  afterAll(() => moto.stop());

  it('names three buckets, which are one store', async () => {
    // given
    const client = new S3Client(moto.client);
    const CreateBucketConfiguration = { LocationConstraint: 'eu-central-1' } as const;
    for (const Bucket of Object.values(BUCKETS)) {
      await client.send(new CreateBucketCommand({ Bucket, CreateBucketConfiguration }));
    }
    // when
    const store = await openStore(BUCKETS);
    for (const key of ['clean/a', 'drop/b', 'exports/c', 'runs/d'])
      await store.put(key, 'x', { ifAbsent: true });
    // then
    expect(await keys(store, '')).toEqual(['clean/a', 'drop/b', 'exports/c', 'runs/d']);
    const inBucket = (bucket: string) => keys(openS3Store({ client, bucket }), '');
    expect(await inBucket('the-drops')).toEqual(['drop/b']);
    expect(await inBucket('the-data')).toEqual(['clean/a', 'runs/d']);
    expect(await inBucket('the-exports')).toEqual(['exports/c']);
  });

  it('names a secret, of which no error tells the content', async () => {
    const client = new SecretsManagerClient(moto.client);
    const create = async (name: string, text: string) =>
      (await client.send(new CreateSecretCommand({ Name: name, SecretString: text }))).ARN ?? '';
    const arn = await create('good', `${'0aF9'.repeat(32)}\n`);
    const expected = Uint8Array.from(Buffer.from('0af9'.repeat(32), 'hex'));
    for (const id of [arn, 'good']) expect(await openKey({ NIGHTJAR_KEY_SECRET: id })).toEqual(expected);
    await create('bad', 'deadbeef');
    const error: unknown = await openKey({ NIGHTJAR_KEY_SECRET: 'bad' }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ConfigError);
    expect(String(error)).toMatch(/secret bad holds 8 characters .*expected 128 hexadecimal digits/);
    expect(String(error)).not.toContain('deadbeef');
    await expect(openKey({ NIGHTJAR_KEY_SECRET: 'none' })).rejects.toThrow(
      /secret none .*ResourceNotFoundException/,
    );
  });

  it('names job queues and definitions', async () => {
    const batch = openBatchFrom({
      NIGHTJAR_JOB_QUEUES: '{"score":"arn:aws:batch:eu-central-1:123456789012:job-queue/none"}',
      NIGHTJAR_JOB_DEFINITIONS: '{"score":"arn:aws:batch:eu-central-1:123456789012:job-definition/none:1"}',
    });
    expect(await batch.describe(['unknown'])).toEqual([]);
    const job = { name: 'a', definition: 'score', environment: {} } as const;
    await expect(batch.submit(job)).rejects.toThrow(BatchError);
    await expect(batch.submit(job)).rejects.toThrow(/job-definition\/none:1 does not exist/);
  });
});
