import { formatS3Event } from '../s3-events.ts';
import type { ObjectBody, ObjectStore, Queue } from '../types.ts';

/** Every new object whose key starts with the prefix is told to the queue. */
export interface Notification {
  readonly prefix: string;
  readonly queue: Queue;
}

/**
 * A store that tells queues of new objects, as a bucket with event notifications does.
 * @param bucket the name in the events
 */
export function notifyingStore(
  store: ObjectStore,
  notifications: readonly Notification[],
  bucket = 'local',
): ObjectStore {
  return {
    get: (key, options) => store.get(key, options),
    head: (key) => store.head(key),
    list: (prefix, options) => store.list(prefix, options),
    delete: (key) => store.delete(key),
    async put(key, body, options) {
      const queues = notifications.filter(({ prefix }) => key.startsWith(prefix));
      let size = 0;
      const counted = queues.length === 0 ? body : countBytes(body, (bytes) => (size += bytes));
      const result = await store.put(key, counted, options);
      if (result.written) {
        for (const { queue } of queues) {
          await queue.send(formatS3Event({ bucket, key, size, etag: result.etag }));
        }
      }
      return result;
    },
  };
}

async function* countBytes(body: ObjectBody, count: (bytes: number) => void): AsyncGenerator<Uint8Array> {
  if (typeof body === 'string' || body instanceof Uint8Array) {
    const bytes = typeof body === 'string' ? Buffer.from(body) : body;
    count(bytes.length);
    yield bytes;
    return;
  }
  for await (const piece of body) {
    count(piece.length);
    yield piece;
  }
}
