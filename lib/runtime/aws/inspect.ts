import { HeadObjectCommand, type S3Client } from '@aws-sdk/client-s3';
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
    const head = await client.send(new HeadObjectCommand({ Bucket: place.bucket, Key: place.key }));
    return {
      info: {
        key: place.key,
        size: head.ContentLength ?? 0,
        etag: unquoted(place, head.ETag),
        lastModified: head.LastModified ?? new Date(0),
      },
      writer: head.Metadata?.[WRITER],
    };
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw storeError(place, 'read', error);
  }
}

/** The role may not read the object. */
export function isForbidden(error: unknown): boolean {
  return error instanceof Error && awsFailure(error.cause).status === 403;
}
