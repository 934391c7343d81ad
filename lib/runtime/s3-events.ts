import { QueueError } from './errors.ts';

/** What a bucket tells a queue about one new object. */
export interface ObjectCreated {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly etag: string;
}

/** The body of the queue message that S3 sends for a new object (event structure 2.1, the fields that are read). */
export function formatS3Event(created: ObjectCreated): string {
  const { bucket, key, size, etag } = created;
  const record = {
    eventSource: 'aws:s3',
    eventName: 'ObjectCreated:Put',
    s3: { bucket: { name: bucket }, object: { key: encodeKey(key), size, eTag: etag } },
  };
  return JSON.stringify({ Records: [record] });
}

/**
 * The new objects that a queue message tells of. Empty for other events and for the test message that S3 sends when a
 * notification is set up.
 * @throws QueueError when the body is no S3 event
 */
export function parseS3Event(body: string): ObjectCreated[] {
  const event = member({ event: parseJson(body) }, 'event');
  const records = event.Records;
  if (records === undefined && event.Event === 's3:TestEvent') return [];
  if (!Array.isArray(records)) throw noEvent('it has no Records');
  return records.flatMap((record: unknown) => {
    const { eventName, s3 } = member({ record }, 'record');
    if (typeof eventName !== 'string') throw noEvent('a record has no eventName');
    if (!eventName.startsWith('ObjectCreated:')) return [];
    const object = member(member({ s3 }, 's3'), 'object');
    const bucket = member(member({ s3 }, 's3'), 'bucket').name;
    const { key, size, eTag } = object;
    if (typeof bucket !== 'string' || typeof key !== 'string') throw noEvent('it names no bucket and key');
    if (typeof size !== 'number' || typeof eTag !== 'string') throw noEvent('it has no size and eTag');
    return [{ bucket, key: decodeKey(key), size, etag: eTag }];
  });
}

/** S3 encodes keys in events as HTML forms do, but leaves '/'. */
function encodeKey(key: string): string {
  const strict = encodeURIComponent(key).replace(
    /[!'()~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return strict.replaceAll('%2F', '/').replaceAll('%20', '+');
}

function decodeKey(encoded: string): string {
  try {
    return decodeURIComponent(encoded.replaceAll('+', '%20'));
  } catch (cause) {
    throw noEvent(`its key ${JSON.stringify(encoded)} is not URL-encoded`, cause);
  }
}

function parseJson(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch (cause) {
    throw noEvent('it is not JSON', cause);
  }
}

function member(parent: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = parent[name];
  if (typeof value !== 'object' || value === null) throw noEvent(`${name} is missing`);
  return Object.fromEntries(Object.entries(value));
}

function noEvent(why: string, cause?: unknown): QueueError {
  return new QueueError(
    `a queue message is no S3 event: ${why}; expected { Records: [{ eventName, s3: { bucket, object } }] }: ` +
      'let only bucket notifications send to this queue',
    { cause },
  );
}
