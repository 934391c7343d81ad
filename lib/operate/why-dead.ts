import { findKeys, parseQuality } from '../clean/index.ts';
import type { Config } from '../config/index.ts';
import { NightjarError } from '../data/index.ts';
import { daysKey } from '../features/index.ts';
import {
  getText,
  type ObjectCreated,
  type ObjectInfo,
  type ObjectStore,
  parseS3Event,
  QueueError,
} from '../runtime/index.ts';

/** The two queues that have dead letters. */
export type QueueName = 'clean' | 'features';

/** Why a message was given up, as far as the bucket tells. */
export interface Cause {
  /** The objects that it told of. */
  readonly keys: readonly string[];
  readonly why: string;
  /** Whether moving it back can lead anywhere: a message that no handler can read would only die again. */
  readonly readable: boolean;
}

/**
 * Looks at what stands in the bucket now for the objects of a dead letter: the handlers refuse what is wrong with a file
 * and never die of it, so a letter is dead because its function was killed, ran out of time or could not reach the
 * bucket.
 */
export async function whyDead(args: {
  store: ObjectStore;
  config: Config;
  queue: QueueName;
  body: string;
}): Promise<Cause> {
  const { store, config, queue, body } = args;
  const objects = objectsOf(body);
  if (objects instanceof QueueError) return { keys: [], why: objects.message, readable: false };
  if (objects.length === 0) return { keys: [], why: 'it tells of no new object', readable: true };
  const reasons: string[] = [];
  for (const object of objects) reasons.push(await lookAt(store, config, queue, object));
  return { keys: objects.map(({ key }) => key), why: [...new Set(reasons)].join('; '), readable: true };
}

/** The new objects that a message tells of, or why it tells of none that a handler could read. */
export function objectsOf(body: string): ObjectCreated[] | QueueError {
  try {
    return parseS3Event(body);
  } catch (error) {
    if (error instanceof QueueError) return error;
    throw error;
  }
}

async function lookAt(
  store: ObjectStore,
  config: Config,
  queue: QueueName,
  { key, etag }: ObjectCreated,
): Promise<string> {
  try {
    const info = await store.head(key);
    if (!info) return 'the object is gone: moved back, it does nothing';
    const end =
      queue === 'clean' ? await cleanEnd(store, config, info) : await featuresEnd(store, config, key);
    if (end) return end;
    const replaced = bare(etag) !== bare(info.etag) ? 'replaced since, and the new bytes are' : 'it is';
    return (
      `${replaced} not done (${(info.size / 2 ** 20).toFixed(1)} MiB): the ${queue} function was killed, ran out of ` +
      `time or memory, or could not reach the bucket; its log tells which`
    );
  } catch (error) {
    if (error instanceof NightjarError) return error.message;
    throw error;
  }
}

async function cleanEnd(store: ObjectStore, config: Config, info: ObjectInfo): Promise<string | undefined> {
  const keys = await findKeys(store, config, info);
  const text = keys && (await getText(store, keys.quality));
  if (!keys || text === undefined) return undefined;
  const record = parseQuality(text, keys.quality);
  return record.status === 'refused'
    ? `refused since: ${record.refused.reason} (${record.refused.hint})`
    : 'cleaned since: moved back, it does nothing';
}

async function featuresEnd(store: ObjectStore, config: Config, key: string): Promise<string | undefined> {
  return (await store.head(daysKey(config, key)))
    ? 'its day rows were built since: moved back, it does nothing'
    : undefined;
}

/** S3's answers put quotes around an etag, its events do not. */
const bare = (etag: string) => etag.replaceAll('"', '');
