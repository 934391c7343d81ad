import {
  type CleanDropInput,
  type CleanResult,
  cleanDrop,
  isIgnored,
  type LargeDropInput,
  sendLargeDrop,
} from '../../lib/clean/index.ts';
import {
  parseS3Event,
  type QueueEvent,
  type QueueEventResult,
  sentenceOf,
  whyNoKey,
} from '../../lib/runtime/index.ts';

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
      readonly submitted: boolean;
    }
  | { readonly status: 'failed'; readonly key?: string; readonly error: string }
);

export interface CleanDeps extends Omit<CleanDropInput, 'key'> {
  /** Where large drops go; absent: they are cleaned here. */
  readonly large?: Pick<LargeDropInput, 'batch' | 'limits'>;
  readonly report: (entry: CleanEntry) => void;
  /** Gets what was thrown of an object, or of a message that names none. */
  readonly onError?: (error: unknown, key: string | undefined) => void;
}

/**
 * The function behind the queue of new drops: cleans each object that a message names, or has a batch job clean it. Only
 * a fault of the store or the machine gives a message back to the queue; bad data is refused and done.
 */
export function makeHandler({
  report,
  large,
  onError,
  ...deps
}: CleanDeps): (event: QueueEvent) => Promise<QueueEventResult> {
  return async ({ Records }) => {
    const batchItemFailures: { itemIdentifier: string }[] = [];
    for (const { messageId, body } of Records) {
      const told = { stage: 'clean', message: messageId } as const;
      let at: string | undefined;
      try {
        for (const { key } of parseS3Event(body)) {
          at = key;
          // Folders that a console makes as empty objects are no drops either.
          if (!key.startsWith('drop/') || key.endsWith('/') || isIgnored(key)) continue;
          const sent = large && !whyNoKey(key) && (await sendLargeDrop({ ...deps, ...large, key }));
          if (sent) report({ ...told, status: 'sent to batch', key, ...sent });
          else report({ ...told, key, ...summary(await cleanDrop({ ...deps, key })) });
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
