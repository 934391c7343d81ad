import {
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cleanDrop } from '../../../lib/clean/index.ts';
import { parseConfig } from '../../../lib/config/index.ts';
import { digestOf, sha256 } from '../../../lib/data/index.ts';
import { listDrops } from '../../../lib/run/index.ts';
import { clientSettings, openS3Store } from '../../../lib/runtime/aws/index.ts';
import { hasMoto, type Moto, startMoto } from '../../aws/moto.ts';
import { opaqueEtags } from '../../aws/opaque-etags.ts';
import { events, pseudonyms, shopOf } from '../../clean/shop.ts';
import { type Gateway, openGateway } from '../../cloud/gateway.ts';
import { dropsContract } from '../drops-contract.ts';
import { objectStoreContract } from '../object-store-contract.ts';

describe.skipIf(!hasMoto)('over S3', () => {
  let moto: Moto;
  let gateway: Gateway;
  let client: S3Client;
  let buckets = 0;
  beforeAll(async () => {
    moto = await startMoto();
    // The server's own etags are MD5 sums, by which equal bytes would be known.
    gateway = await openGateway({ upstream: moto.endpoint, etags: opaqueEtags() });
    client = new S3Client({ ...clientSettings(), ...moto.client, endpoint: gateway.url });
  });
  afterAll(async () => {
    await gateway?.close();
    await moto?.stop();
  });

  async function emptyBucket(): Promise<string> {
    const bucket = `bucket-${++buckets}`;
    await client.send(
      new CreateBucketCommand({
        Bucket: bucket,
        CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
      }),
    );
    return bucket;
  }

  objectStoreContract('S3 store', async () => openS3Store({ client, bucket: await emptyBucket() }));

  const put = (Bucket: string) => (Key: string, Body: Uint8Array) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body }));
  const putInParts = (Bucket: string) => async (Key: string, Body: Uint8Array) => {
    const { UploadId } = await client.send(new CreateMultipartUploadCommand({ Bucket, Key }));
    const part = { Bucket, Key, UploadId, PartNumber: 1 };
    const { ETag } = await client.send(new UploadPartCommand({ ...part, Body }));
    const MultipartUpload = { Parts: [{ ETag, PartNumber: 1 }] };
    await client.send(new CompleteMultipartUploadCommand({ Bucket, Key, UploadId, MultipartUpload }));
  };
  const putWithSha256 = (Bucket: string) => (Key: string, Body: Uint8Array) =>
    client.send(new PutObjectCommand({ Bucket, Key, Body, ChecksumAlgorithm: 'SHA256' }));

  dropsContract('S3 store', async () => {
    const bucket = await emptyBucket();
    return {
      store: openS3Store({ client, bucket }),
      puts: [put(bucket), putInParts(bucket), putWithSha256(bucket)],
    };
  });

  /** Requests that `work` makes, by operation. */
  async function counted(work: () => Promise<unknown>): Promise<Record<string, number>> {
    const before = new Map(gateway.counts);
    await work();
    return Object.fromEntries(
      [...gateway.counts].flatMap(([call, n]) => {
        const made = n - (before.get(call) ?? 0);
        return made > 0 ? [[call.split(' ').at(-1)!, made]] : [];
      }),
    );
  }

  it('shows another etag for the same bytes put again, as KMS does', async () => {
    const bucket = await emptyBucket();
    const store = openS3Store({ client, bucket });
    const etags = new Set<string | undefined>();
    for (let i = 0; i < 3; i++) {
      await put(bucket)('k', Buffer.from('same'));
      etags.add((await store.head('k'))?.etag);
    }
    expect(etags.size).toBe(3);
  });

  it('knows the digest of a drop whose uploader asked for SHA-256 without reading it, and of no other', async () => {
    const bucket = await emptyBucket();
    const store = openS3Store({ client, bucket });
    const bytes = Buffer.from('some bytes');
    const digest = digestOf(sha256(bytes));
    await put(bucket)('k', bytes);
    expect(await store.head('k')).not.toHaveProperty('digest');
    await putInParts(bucket)('k', bytes);
    expect(await store.head('k')).not.toHaveProperty('digest');
    await putWithSha256(bucket)('k', bytes);
    expect(await store.head('k')).toMatchObject({ digest });
    expect((await store.get('k')).info).toMatchObject({ digest });
    expect((await store.get('k', { range: { start: 1, end: 3 } })).info.size).toBe(bytes.length);
  });

  it('a look at the drops makes as many requests for many known drops as for one', async () => {
    // given
    const bucket = await emptyBucket();
    const store = openS3Store({ client, bucket });
    const config = shopOf(events);
    const one = (n: number) =>
      Buffer.from(`user,time,type,item,quantity,price\nu${n},2011-05-01,view,a,1,1\n`);
    const bring = async (n: number) => {
      await put(bucket)(`drop/shop/${n}.csv`, one(n));
      await cleanDrop({ store, config, pseudonyms, key: `drop/shop/${n}.csv`, engine: { threads: 1 } });
    };
    await bring(0);
    await listDrops(store, config);
    const few = await counted(() => listDrops(store, config));
    // when
    for (let n = 1; n < 12; n++) await bring(n);
    await listDrops(store, config);
    // then: drops, digests, quality records and day rows are listed
    expect(few).toEqual({ ListObjectsV2: 4 });
    expect(await counted(() => listDrops(store, config))).toEqual(few);
    // and: the same bytes put again are read once, and those that S3 has the sum of not at all
    const again = () => cleanDrop({ store, config, pseudonyms, key: 'drop/shop/0.csv' });
    await put(bucket)('drop/shop/0.csv', one(0));
    expect(await counted(again)).toMatchObject({ GetObject: 1, PutObject: 1 });
    expect(await counted(again)).not.toHaveProperty('GetObject');
    await putWithSha256(bucket)('drop/shop/0.csv', one(0));
    expect(await counted(again)).not.toHaveProperty('GetObject');
    expect((await listDrops(store, config)).filter((drop) => 'clean' in drop)).toHaveLength(12);
  });

  it('tells of drops whose keys no other store could hold, and they stop nothing', async () => {
    // given keys that S3 takes and Nightjar does not, and a console's folder
    const bucket = await emptyBucket();
    for (const Key of ['drop/shop//day.csv', 'drop/shop/a\\b.csv', 'drop/shop/', 'drop/shop/good.csv']) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x' }));
    }
    // when drops are listed
    const config = parseConfig({ shop: { timeZone: 'UTC' }, sources: {}, tasks: {} });
    const drops = await listDrops(openS3Store({ client, bucket }), config);
    // then two are refused with the reason and the third waits
    expect(
      drops.map((drop) => [drop.key, drop.state, drop.state === 'refused' && drop.quality.refused.reason]),
    ).toEqual([
      ['drop/shop//day.csv', 'refused', expect.stringMatching(/between '\/' is empty/)],
      ['drop/shop/a\\b.csv', 'refused', expect.stringMatching(/separator/)],
      ['drop/shop/good.csv', 'pending', false],
    ]);
  });
});
