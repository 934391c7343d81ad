import { SQSClient } from '@aws-sdk/client-sqs';
import { mapParallel } from '../../lib/run/index.ts';
import { openClient, openSqsQueue } from '../../lib/runtime/aws/index.ts';
import { formatS3Event } from '../../lib/runtime/index.ts';

/** Messages on their way at the same time. */
const AT_ONCE = 16;

/**
 * Sends the message again that a bucket once sent of an object: those under `drop/` to the queue of clean, the others to
 * that of features. A drop whose message or whose batch job was lost for good comes back so.
 * @returns undefined where the environment names no queues (NIGHTJAR_CLEAN_QUEUE_URL, NIGHTJAR_FEATURES_QUEUE_URL)
 */
export function resender(
  env: Readonly<Record<string, string | undefined>>,
): ((keys: readonly string[]) => Promise<void>) | undefined {
  const { NIGHTJAR_CLEAN_QUEUE_URL: cleanUrl, NIGHTJAR_FEATURES_QUEUE_URL: featuresUrl } = env;
  if (!cleanUrl || !featuresUrl) return undefined;
  const client = openClient((settings) => new SQSClient(settings));
  const drops = openSqsQueue({ client, name: 'clean', url: cleanUrl });
  const events = openSqsQueue({ client, name: 'features', url: featuresUrl });
  return async (keys) => {
    await mapParallel(keys, AT_ONCE, async (key) => {
      const dropped = key.startsWith('drop/');
      const bucket = (dropped ? env.NIGHTJAR_DROPS_BUCKET : env.NIGHTJAR_DATA_BUCKET) ?? '';
      // Handlers look the object up by its key; its size and etag now are nobody's business here.
      await (dropped ? drops : events).send(formatS3Event({ bucket, key, size: 0, etag: '' }));
    });
  };
}
