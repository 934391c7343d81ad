import type { Config } from '../../lib/config/index.ts';
import { buildDays, isCleanEvents } from '../../lib/features/index.ts';
import {
  type ObjectStore,
  parseS3Event,
  type QueueHandler,
  type QueueRecord,
} from '../../lib/runtime/index.ts';
import { type Around, untraced } from '../tracing.ts';

export interface FeaturesDeps {
  readonly store: ObjectStore;
  readonly config: Config;
  /** Told of each clean object whose day rows stand now. */
  readonly onDays?: (cleanKey: string, messageId: string) => void;
  /** Told of each message that failed and will come again, and of the clean object that it failed at. */
  readonly onError?: (error: unknown, messageId: string, cleanKey?: string) => void;
  /** Called for each message that failed, before the answer: it may show it again early. */
  readonly giveBack?: (error: unknown, message: QueueRecord) => Promise<void>;
  /** Has the work on one object done, and hands on what comes of it: for whoever traces it. */
  readonly around?: Around<{ readonly written: boolean }>;
}

/** Answers queue messages about new clean objects: builds the day rows of events, leaves other tables alone. */
export function makeHandler({
  store,
  config,
  onDays,
  onError,
  giveBack,
  around = untraced,
}: FeaturesDeps): QueueHandler {
  return async ({ Records }) => {
    const batchItemFailures: { itemIdentifier: string }[] = [];
    for (const message of Records) {
      const { messageId, body } = message;
      let at: string | undefined;
      try {
        for (const { key } of parseS3Event(body)) {
          if (!isCleanEvents(key)) continue;
          at = key;
          await around(message, key, () => buildDays({ store, config, cleanKey: key }));
          onDays?.(key, messageId);
        }
      } catch (error) {
        onError?.(error, messageId, at);
        batchItemFailures.push({ itemIdentifier: messageId });
        await giveBack?.(error, message);
      }
    }
    return { batchItemFailures };
  };
}
