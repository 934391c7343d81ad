import {
  type CleanDropInput,
  type CleanResult,
  cleanDrop,
  isIgnored,
  type SendDropInput,
  sendDrop,
} from '../../lib/clean/index.ts';
import {
  parseS3Event,
  type QueueEvent,
  type QueueEventResult,
  type QueueRecord,
  sentenceOf,
  whyNoKey,
} from '../../lib/runtime/index.ts';
import { type Around, untraced } from '../tracing.ts';

/** What became of one dropped object, or of one message that could not be handled. Nothing of the rows themselves. */
export type CleanEntry = { readonly stage: 'clean'; readonly message: string } & (
  | {
      readonly status: 'clean';
      readonly key: string;
      /** The quality record. */
      readonly quality: string;
      readonly rowsIn: number;
      readonly clean: number;
      readonly quarantined: number;
      readonly duplicates: number;
    }
  | { readonly status: 'refused'; readonly key: string; readonly quality: string }
  | { readonly status: 'done' | 'gone'; readonly key: string }
  | { readonly status: 'unusable'; readonly key: string; readonly reason: string }
  | {
      readonly status: 'sent to batch';
      readonly key: string;
      readonly job: string;
      /** `again`: an earlier delivery of its message did not end; the function may have been killed for its memory. */
      readonly why: 'large' | 'again';
      readonly submitted: boolean;
    }
  | { readonly status: 'failed'; readonly key?: string; readonly error: string }
);

export interface CleanDeps extends Omit<CleanDropInput, 'key'> {
  /** Where drops go that are too much for the function; absent: they are cleaned here. */
  readonly large?: Pick<SendDropInput, 'batch' | 'limits'>;
  readonly report: (entry: CleanEntry) => void;
  /** Gets what was thrown of an object, or of a message that names none. */
  readonly onError?: (error: unknown, key: string | undefined) => void;
  /** Called for each message that failed, before the answer: it may show it again early. */
  readonly giveBack?: (error: unknown, message: QueueRecord) => Promise<void>;
  /** Has the work on one object done, and hands on what comes of it: for whoever traces it. */
  readonly around?: Around<CleanEntry>;
}

/**
 * The function behind the queue of new drops: cleans each object that a message names, or has a batch job clean it:
 * one that is too large, and one that the function was given before without an end. Only
 * a fault of the store or the machine gives a message back to the queue; bad data is refused and done.
 */
export function makeHandler({
  report,
  large,
  onError,
  giveBack,
  around = untraced,
  ...deps
}: CleanDeps): (event: QueueEvent) => Promise<QueueEventResult> {
  return async ({ Records }) => {
    const batchItemFailures: { itemIdentifier: string }[] = [];
    for (const message of Records) {
      const { messageId, body, attributes } = message;
      const delivery = Number(attributes.ApproximateReceiveCount);
      const told = { stage: 'clean', message: messageId } as const;
      let at: string | undefined;
      try {
        for (const { key } of parseS3Event(body)) {
          at = key;
          // Folders that a console makes as empty objects are no drops either.
          if (!key.startsWith('drop/') || key.endsWith('/') || isIgnored(key)) continue;
          const work = async (): Promise<CleanEntry> => {
            const sent = large && !whyNoKey(key) && (await sendDrop({ ...deps, ...large, key, delivery }));
            if (sent) return { ...told, status: 'sent to batch', key, ...sent };
            return { ...told, key, ...summary(await cleanDrop({ ...deps, key })) };
          };
          report(await around(message, key, work));
        }
      } catch (error) {
        batchItemFailures.push({ itemIdentifier: messageId });
        report({
          ...told,
          status: 'failed',
          ...(at === undefined ? {} : { key: at }),
          error: sentenceOf(error),
        });
        onError?.(error, at);
        await giveBack?.(error, message);
      }
    }
    return { batchItemFailures };
  };
}

function summary(result: CleanResult) {
  if (result.status === 'unusable') return result;
  if (!('quality' in result)) return { status: result.status };
  const { quality, keys } = result;
  if (quality.status === 'refused') return { status: quality.status, quality: keys.quality };
  const { rowsIn, clean, quarantinedRows, duplicates } = quality;
  return {
    status: quality.status,
    quality: keys.quality,
    rowsIn,
    clean,
    quarantined: quarantinedRows,
    duplicates: duplicates.dropped,
  };
}
