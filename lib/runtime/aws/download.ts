import { GetObjectCommand, type GetObjectCommandOutput, type S3Client } from '@aws-sdk/client-s3';
import { InvalidRange, ObjectNotFound, PreconditionFailed, StoreError } from '../errors.ts';
import type { GetOptions, ObjectInfo, StoredObject } from '../types.ts';
import { awsFailure } from './failure.ts';
import { inspect, keptDigest } from './inspect.ts';
import { isMissing, type ObjectPlace, quoted, storeError, unquoted } from './s3-errors.ts';

/** Pieces of at most this size are read at once, so that their connection is free before anyone looks at them. */
const AT_ONCE = 1 << 20;
/** A download that breaks off so often without a byte in between is given up. */
const FRUITLESS_TRIES = 5;

type Range = NonNullable<GetOptions['range']>;

/** The bytes from start to end of one version of an object, as they arrive. */
interface Answer {
  readonly info: ObjectInfo;
  readonly start: number;
  readonly end: number;
  readonly stream: AsyncIterable<Uint8Array>;
}

/**
 * Opens the bytes asked for. When the connection breaks, the rest is asked for by range, of the same version. S3 has
 * checksums of whole objects only: what came in one go is checked against its checksum, other reads by length alone.
 * @throws ObjectNotFound, PreconditionFailed, InvalidRange, StoreError
 */
export async function download(
  client: S3Client,
  place: ObjectPlace,
  options: GetOptions,
): Promise<StoredObject> {
  const answer = await ask(client, place, options);
  const { info, start, end } = answer;
  const pieces = () => resumed(client, place, answer);
  if (end - start <= AT_ONCE) {
    const bytes = await filled(end - start, pieces());
    return { info, body: once(bytes), bytes: async () => bytes };
  }
  let taken = false;
  const take = () => {
    if (taken) throw new StoreError(`${info.key} was read already: get it again to read it twice`);
    taken = true;
    return pieces();
  };
  return {
    info,
    body: { [Symbol.asyncIterator]: take },
    bytes: async () => filled(end - start, take()),
  };
}

async function ask(client: S3Client, place: ObjectPlace, options: GetOptions): Promise<Answer> {
  const { range, ifMatch } = options;
  if (range && !isRange(range)) throw await rangeError(client, place, range, ifMatch);
  try {
    const output = await client.send(
      new GetObjectCommand({
        Bucket: place.bucket,
        Key: place.key,
        ...(range ? { Range: `bytes=${range.start}-${range.end - 1}` } : {}),
        ...(ifMatch === undefined ? {} : { IfMatch: quoted(ifMatch) }),
      }),
    );
    return answerOf(place, output);
  } catch (error) {
    if (isMissing(error)) throw new ObjectNotFound(place.key, { cause: error });
    const { status } = awsFailure(error);
    if (status === 416 && range) throw await rangeError(client, place, range, ifMatch);
    if (status === 412) throw new PreconditionFailed(place.key, ifMatch ?? '', { cause: error });
    throw storeError(place, 'read', error);
  }
}

function isRange({ start, end }: Range): boolean {
  return Number.isInteger(start) && Number.isInteger(end) && start >= 0 && start < end;
}

/** S3 does not say how long the object is whose range it refuses. */
async function rangeError(
  client: S3Client,
  place: ObjectPlace,
  { start, end }: Range,
  ifMatch: string | undefined,
): Promise<Error> {
  const standing = await inspect(client, place);
  if (!standing) return new ObjectNotFound(place.key);
  const { etag, size } = standing.info;
  if (ifMatch !== undefined && ifMatch !== etag) return new PreconditionFailed(place.key, ifMatch);
  return new InvalidRange(place.key, start, end, size);
}

function answerOf(place: ObjectPlace, output: GetObjectCommandOutput): Answer {
  const { Body, ContentLength, ContentRange, ETag, LastModified } = output;
  if (!Body || !(Symbol.asyncIterator in Body) || ContentLength === undefined || !LastModified) {
    throw new StoreError(`the answer on ${place.key} in bucket ${place.bucket} is incomplete: try again`);
  }
  const [, start = '0', size = String(ContentLength)] =
    /^bytes (\d+)-\d+\/(\d+)$/.exec(ContentRange ?? '') ?? [];
  return {
    info: {
      key: place.key,
      size: Number(size),
      etag: unquoted(place, ETag),
      lastModified: LastModified,
      // S3 sends the checksum of the whole with the whole alone.
      ...keptDigest(output),
    },
    start: Number(start),
    end: Number(start) + ContentLength,
    stream: Body,
  };
}

async function* resumed(client: S3Client, place: ObjectPlace, first: Answer): AsyncGenerator<Uint8Array> {
  const { info, end } = first;
  let { start, stream } = first;
  for (let fruitless = 0; ; ) {
    let broken: unknown;
    try {
      for await (const piece of stream) {
        start += piece.length;
        fruitless = 0;
        yield piece;
      }
    } catch (error) {
      broken = error;
    }
    if (start === end && broken === undefined) return;
    // Bytes already handed on cannot be taken back when they turn out to be wrong.
    const wrong = start >= end || (broken instanceof Error && broken.message.startsWith('Checksum mismatch'));
    if (wrong || ++fruitless > FRUITLESS_TRIES) throw storeError(place, 'read', broken);
    ({ stream } = await ask(client, place, { range: { start, end }, ifMatch: info.etag }));
  }
}

async function filled(size: number, pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const bytes = new Uint8Array(size);
  let position = 0;
  for await (const piece of pieces) {
    bytes.set(piece, position);
    position += piece.length;
  }
  return bytes;
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
