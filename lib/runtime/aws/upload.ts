import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { CompleteMultipartUploadCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ObjectBody, PutOptions, PutResult } from '../types.ts';
import { awsFailure, isUnclear } from './failure.ts';
import { inspect, isForbidden, type Standing, WRITER } from './inspect.ts';
import { uploadParts } from './multipart.ts';
import { PART_BYTES, partsOf } from './parts.ts';
import { isConflict, isRefused, type ObjectPlace, quoted, storeError, unquoted } from './s3-errors.ts';

/** Conflicts of writers at the same moment are over in milliseconds. */
const CONFLICT_TRIES = 6;
const CONFLICT_PAUSE_MS = 50;

interface Write {
  readonly client: S3Client;
  readonly place: ObjectPlace;
  readonly options: PutOptions;
  /** Stands in the object's metadata, so that it can be told from what a rival wrote, same content or not. */
  readonly writer: string;
}

/**
 * Puts an object: a small one by one request, a larger one in parts, of which a few are held in memory.
 * @throws StoreError, and errors of the body as they are
 */
export async function upload(
  client: S3Client,
  place: ObjectPlace,
  body: ObjectBody,
  options: PutOptions,
): Promise<PutResult> {
  const write: Write = { client, place, options, writer: randomUUID() };
  const parts = partsOf(body);
  try {
    const { value: first = new Uint8Array(0) } = await parts.next();
    if (first.length < PART_BYTES) return await putWhole(write, first);
    // Many bytes need not be sent to learn that they are not wanted.
    if (isConditional(write)) {
      const standing = await look(write);
      if (standing !== 'forbidden' && isHopeless(options, standing)) return { written: false };
    }
    return await putParts(write, resumedWith(first, parts));
  } finally {
    await parts.return(undefined);
  }
}

function putWhole(write: Write, body: Uint8Array): Promise<PutResult> {
  const { client, place, writer } = write;
  const command = () =>
    new PutObjectCommand({
      Bucket: place.bucket,
      Key: place.key,
      Body: body,
      Metadata: { [WRITER]: writer },
      ...conditions(write.options),
    });
  return decided(write, () => client.send(command()));
}

function putParts(write: Write, body: AsyncIterable<Uint8Array>): Promise<PutResult> {
  const { client, place, writer } = write;
  return uploadParts(client, place, { [WRITER]: writer }, body, ({ uploadId, parts }) => {
    const command = () =>
      new CompleteMultipartUploadCommand({
        Bucket: place.bucket,
        Key: place.key,
        UploadId: uploadId,
        MultipartUpload: { Parts: [...parts] },
        ...conditions(write.options),
      });
    return decided(write, () => client.send(command()));
  });
}

function conditions({ ifAbsent, ifMatch }: PutOptions): { IfNoneMatch?: string; IfMatch?: string } {
  return {
    ...(ifAbsent ? { IfNoneMatch: '*' } : {}),
    ...(ifMatch === undefined ? {} : { IfMatch: quoted(ifMatch) }),
  };
}

/** Whether the write won, which a refusal alone does not say when an earlier answer may have been lost. */
async function decided(write: Write, send: () => Promise<{ ETag?: string | undefined }>): Promise<PutResult> {
  for (let tries = 1; ; tries++) {
    try {
      const { ETag } = await send();
      return { written: true, etag: unquoted(write.place, ETag) };
    } catch (error) {
      const sentOnce = tries === 1 && awsFailure(error).attempts === 1;
      if (isConditional(write) && isRefused(error) && sentOnce) return { written: false };
      if (!isConflict(error) || tries === CONFLICT_TRIES) return await readBack(write, error, tries > 1);
      await setTimeout(CONFLICT_PAUSE_MS * 2 ** tries * Math.random());
    }
  }
}

function isConditional({ options }: Write): boolean {
  return options.ifAbsent === true || options.ifMatch !== undefined;
}

/** The condition does not hold for what stands under the key. */
function isHopeless({ ifAbsent, ifMatch }: PutOptions, standing: Standing | undefined): boolean {
  if (ifAbsent) return standing !== undefined;
  return ifMatch !== undefined && ifMatch !== standing?.info.etag;
}

/**
 * What stands under the key says who won. One case remains that nobody can know from outside: this write won, its
 * answer was lost, and a rival has replaced it already; the answer is then `written: false`, as if the rival had been
 * first.
 */
async function readBack(write: Write, error: unknown, sentBefore: boolean): Promise<PutResult> {
  const { place, options, writer } = write;
  const failure = awsFailure(error);
  const lostUpload = failure.code === 'NoSuchUpload' && (failure.attempts > 1 || sentBefore);
  const refused = isConditional(write) && isRefused(error);
  if (!refused && !lostUpload && !isConflict(error) && !isUnclear(failure)) {
    throw storeError(place, 'written', error);
  }
  const standing = await look(write);
  // Who may write but not read cannot know whose object stands there: that one does is what S3 said.
  if (standing === 'forbidden') {
    if (refused) return { written: false };
    throw storeError(place, 'written', error);
  }
  if (standing?.writer === writer) return { written: true, etag: standing.info.etag };
  if (refused || isHopeless(options, standing)) return { written: false };
  throw storeError(place, 'written', error);
}

/** What stands under the key, where the writer may look: rejected rows are written by a role that may not. */
async function look({ client, place }: Write): Promise<Standing | undefined | 'forbidden'> {
  try {
    return await inspect(client, place);
  } catch (error) {
    if (isForbidden(error)) return 'forbidden';
    throw error;
  }
}

async function* resumedWith(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}
