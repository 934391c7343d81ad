import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe } from 'vitest';
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

  objectStoreContract('S3 store', async () => {
    const bucket = `bucket-${++buckets}`;
    await client.send(
      new CreateBucketCommand({
        Bucket: bucket,
        CreateBucketConfiguration: { LocationConstraint: 'eu-central-1' },
      }),
    );
    return openS3Store({ client, bucket });
  });
});
