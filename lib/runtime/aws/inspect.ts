import { type ChecksumType, HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { digestOf } from '../../data/index.ts';
import type { ObjectInfo } from '../types.ts';
import { awsFailure } from './failure.ts';
import { isMissing, type ObjectPlace, storeError, unquoted } from './s3-errors.ts';

/** In the metadata of each object: which put wrote it. S3 stores the name in lower case. */
export const WRITER = 'nightjar-put';

export interface Standing {
  readonly info: ObjectInfo;
  /** Names the put that wrote the object; absent where another program did. */
  readonly writer: string | undefined;
}

/**
 * What stands under a key, or undefined. A missing bucket looks like a missing object here: HEAD has no error code.
 * @throws StoreError
 */
export async function inspect(client: S3Client, place: ObjectPlace): Promise<Standing | undefined> {
  try {
    const head = await client.send(
      new HeadObjectCommand({ Bucket: place.bucket, Key: place.key, ChecksumMode: 'ENABLED' }),
    );
    return {
      info: {
        key: place.key,
        size: head.ContentLength ?? 0,
        etag: unquoted(place, head.ETag),
        lastModified: head.LastModified ?? new Date(0),
        ...keptDigest(head),
      },
      writer: head.Metadata?.[WRITER],
    };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storeError(place, 'read', error);
  }
}

/**
 * The digest that S3 keeps where the uploader asked for SHA-256. Of an upload in parts S3 has the SHA-256 of its parts'
 * alone, written with their number behind a dash, and its default, CRC64NVME, is none that a folder or an older object has:
 * these tell nothing here.
 */
export function keptDigest(answer: {
  readonly ChecksumSHA256?: string | undefined;
  readonly ChecksumType?: ChecksumType | undefined;
}): { digest?: string } {
  const { ChecksumSHA256: checksum = '', ChecksumType: type } = answer;
  if (type === 'COMPOSITE' || !/^[A-Za-z0-9+/]{43}=$/.test(checksum)) return {};
  return { digest: digestOf(Buffer.from(checksum, 'base64').toString('hex')) };
}

/** The role may not read the object. */
export function isForbidden(error: unknown): boolean {
  return error instanceof Error && awsFailure(error.cause).status === 403;
}
