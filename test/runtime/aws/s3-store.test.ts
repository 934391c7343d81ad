import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseConfig } from '../../../lib/config/index.ts';
import { listDrops } from '../../../lib/run/index.ts';
import { clientSettings, openS3Store } from '../../../lib/runtime/aws/index.ts';
import { hasMoto, type Moto, startMoto } from '../../aws/moto.ts';
import { objectStoreContract } from '../object-store-contract.ts';

describe.skipIf(!hasMoto)('over S3', () => {
  let moto: Moto;
  let client: S3Client;
  let buckets = 0;
  beforeAll(async () => {
    moto = await startMoto();
    client = new S3Client({ ...clientSettings(), ...moto.client });
  });
  afterAll(() => moto?.stop());

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
