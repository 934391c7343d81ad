import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { StoreError } from '../errors.ts';
import type { PutResult } from '../types.ts';
import { PART_BYTES } from './parts.ts';
import { explained, type ObjectPlace } from './s3-errors.ts';

/** Parts on their way at a time; one more is being gathered. */
const IN_FLIGHT = 3;
const MOST_PARTS = 10_000;

/** The parts of an upload, all arrived. */
export interface FinishedParts {
  readonly uploadId: string;
  readonly parts: readonly CompletedPart[];
}

/**
 * Uploads a body in parts and gives them to `complete`, which makes them an object or does not. Whatever happens, no
 * parts are left behind. (The SDK's own `Upload` reads on to the end of a body after a part has failed, and gives up
 * its parts before a conflict could be tried again.)
 * @param metadata of the object to be
 * @throws StoreError, and errors of the body as they are
 */
export async function uploadParts(
  client: S3Client,
  place: ObjectPlace,
  metadata: Record<string, string>,
  body: AsyncIterable<Uint8Array>,
  complete: (finished: FinishedParts) => Promise<PutResult>,
): Promise<PutResult> {
  const uploadId = await begin(client, place, metadata);
  const target = { Bucket: place.bucket, Key: place.key, UploadId: uploadId };
  const parts: CompletedPart[] = [];
  const inFlight = new Set<Promise<void>>();
  const send = async (bytes: Uint8Array, number: number): Promise<void> => {
    const command = new UploadPartCommand({ ...target, PartNumber: number, Body: bytes });
    const { ETag, ChecksumCRC32 } = await explained(place, 'written', client.send(command));
    parts[number - 1] = {
      PartNumber: number,
      ...(ETag === undefined ? {} : { ETag }),
      ...(ChecksumCRC32 === undefined ? {} : { ChecksumCRC32 }),
    };
  };
  try {
    let number = 0;
    for await (const bytes of body) {
      if (++number > MOST_PARTS) throw tooLarge(place);
      // What fails stays in the set, so that it is thrown at the next look.
      const sent = send(bytes, number).then(() => void inFlight.delete(sent));
      sent.catch(() => {});
      inFlight.add(sent);
      if (inFlight.size >= IN_FLIGHT) await Promise.race(inFlight);
    }
    await Promise.all(inFlight);
    const result = await complete({ uploadId, parts });
    if (!result.written) await abort(client, target);
    return result;
  } catch (error) {
    // A part that arrives after the abort would stay.
    await Promise.allSettled(inFlight);
    await abort(client, target);
    throw error;
  }
}

async function begin(
  client: S3Client,
  place: ObjectPlace,
  metadata: Record<string, string>,
): Promise<string> {
  const { bucket: Bucket, key: Key } = place;
  // Told here which checksum the parts will have, S3 checks that of the whole too.
  const command = new CreateMultipartUploadCommand({
    Bucket,
    Key,
    Metadata: metadata,
    ChecksumAlgorithm: 'CRC32',
  });
  const { UploadId } = await explained(place, 'written', client.send(command));
  if (UploadId === undefined) {
    throw new StoreError(`S3 began no upload of ${place.key} in bucket ${place.bucket}: try again`);
  }
  return UploadId;
}

async function abort(
  client: S3Client,
  target: { Bucket: string; Key: string; UploadId: string },
): Promise<void> {
  // The reason for the abort is what the caller has to know; the bucket's lifecycle rule removes what this could not.
  await client.send(new AbortMultipartUploadCommand(target)).catch(() => {});
}

function tooLarge({ bucket, key }: ObjectPlace): StoreError {
  return new StoreError(
    `${key} in bucket ${bucket} is larger than ${MOST_PARTS} parts of ${PART_BYTES} bytes: split it into several objects`,
  );
}
