import { DeleteObjectCommand, paginateListObjectsV2, type S3Client } from '@aws-sdk/client-s3';
import { StoreError } from '../errors.ts';
import { checkKey, checkPrefix, hiddenEntry } from '../keys.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectBody,
  ObjectInfo,
  ObjectStore,
  PutOptions,
  PutResult,
  StoredObject,
} from '../types.ts';
import { download } from './download.ts';
import { inspect } from './inspect.ts';
import { explained, type ObjectPlace, unquoted } from './s3-errors.ts';
import { upload } from './upload.ts';

export interface S3StoreOptions {
  readonly client: S3Client;
  /** A general purpose bucket; it needs a lifecycle rule that ends uploads whose writer died. */
  readonly bucket: string;
}

/**
 * An object store in a bucket. Requests that fail for a moment are sent again (as the client is set up), a conditional
 * put whose answer is lost is read back, and a download that breaks off goes on where it was, in the same version.
 */
export function openS3Store({ client, bucket }: S3StoreOptions): ObjectStore {
  return new S3Store(client, bucket);
}

class S3Store implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async get(key: string, options: GetOptions = {}): Promise<StoredObject> {
    return download(this.#client, this.#place(key), options);
  }

  async head(key: string): Promise<ObjectInfo | undefined> {
    return (await inspect(this.#client, this.#place(key)))?.info;
  }

  async put(key: string, body: ObjectBody, options: PutOptions = {}): Promise<PutResult> {
    const place = this.#place(key);
    if (options.ifAbsent && options.ifMatch !== undefined) {
      throw new StoreError(
        `put of ${key} asks for ifAbsent and ifMatch, which exclude each other: choose one`,
      );
    }
    return upload(this.#client, place, body, options);
  }

  async *list(prefix: string, { onOther, startAfter }: ListOptions = {}): AsyncGenerator<ObjectInfo> {
    checkPrefix(prefix);
    const place = { bucket: this.#bucket, key: prefix };
    // Encoded, since XML cannot hold every character that a key may have.
    const input = {
      Bucket: this.#bucket,
      Prefix: prefix,
      EncodingType: 'url',
      ...(startAfter ? { StartAfter: startAfter } : {}),
    } as const;
    const pages = paginateListObjectsV2({ client: this.#client }, input)[Symbol.asyncIterator]();
    for (;;) {
      const { done, value: page } = await explained(place, 'listed', pages.next());
      if (done) return;
      for (const { Key = '', Size = 0, ETag, LastModified = new Date(0) } of page.Contents ?? []) {
        const key = decodeURIComponent(Key.replaceAll('+', ' '));
        // Folders that consoles make as empty objects are nothing at all.
        if (key.endsWith('/')) continue;
        if (isHidden(key)) {
          onOther?.(hiddenEntry(key));
          continue;
        }
        // A key that a shop chose may be none that Nightjar takes: it is told of all the same.
        const etag = unquoted({ bucket: this.#bucket, key }, ETag);
        yield { key, size: Size, etag, lastModified: LastModified };
      }
    }
  }

  async delete(key: string): Promise<void> {
    const place = this.#place(key);
    const command = new DeleteObjectCommand({ Bucket: place.bucket, Key: key });
    await explained(place, 'deleted', this.#client.send(command));
  }

  #place(key: string): ObjectPlace {
    checkKey(key);
    return { bucket: this.#bucket, key };
  }
}

/** As in a folder: what has a leading dot is not there. */
const isHidden = (key: string) => key.split('/').some((part) => part.startsWith('.'));
