import type { Config } from '../../lib/config/index.ts';
import { buildDays, isCleanEvents } from '../../lib/features/index.ts';
import { type ObjectStore, parseS3Event, type QueueHandler } from '../../lib/runtime/index.ts';

export interface FeaturesDeps {
  readonly store: ObjectStore;
  readonly config: Config;
  /** Told of each message that failed and will come again. */
  readonly onError?: (error: unknown, messageId: string) => void;
}

/** Answers queue messages about new clean objects: builds the day rows of events, leaves other tables alone. */
export function makeHandler({ store, config, onError }: FeaturesDeps): QueueHandler {
  return async ({ Records }) => {
    const batchItemFailures: { itemIdentifier: string }[] = [];
    for (const { messageId, body } of Records) {
      try {
        for (const { key } of parseS3Event(body)) {
          if (isCleanEvents(key)) await buildDays({ store, config, cleanKey: key });
        }
      } catch (error) {
        onError?.(error, messageId);
        batchItemFailures.push({ itemIdentifier: messageId });
      }
    }
    return { batchItemFailures };
  };
}
