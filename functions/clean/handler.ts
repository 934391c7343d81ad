import { type CleanDropInput, type CleanResult, cleanDrop } from '../../lib/clean/index.ts';
import { parseS3Event, type QueueEvent, type QueueEventResult } from '../../lib/runtime/index.ts';

export interface CleanDeps extends Omit<CleanDropInput, 'key'> {
  /** Gets one line of JSON per drop. */
  readonly log: (line: string) => void;
}

/**
 * The function behind the queue of new drops: cleans each object that a message names. Only a fault of the store or the
 * machine gives a message back to the queue; bad data is refused and done.
 */
export function makeHandler({ log, ...deps }: CleanDeps): (event: QueueEvent) => Promise<QueueEventResult> {
  return async ({ Records }) => {
    const batchItemFailures: { itemIdentifier: string }[] = [];
    for (const { messageId, body } of Records) {
      try {
        for (const { key } of parseS3Event(body)) {
          if (!key.startsWith('drop/') || key.endsWith('/')) continue;
          log(JSON.stringify(summary(key, await cleanDrop({ ...deps, key }))));
        }
      } catch (error) {
        batchItemFailures.push({ itemIdentifier: messageId });
        const message = error instanceof Error ? error.message : String(error);
        log(JSON.stringify({ stage: 'clean', status: 'failed', message: messageId, error: message }));
      }
    }
    return { batchItemFailures };
  };
}

function summary(key: string, result: CleanResult): Record<string, unknown> {
  const shared = { stage: 'clean', key, status: result.status };
  if (!('quality' in result)) return shared;
  const { quality } = result;
  if (quality.status === 'refused') return { ...shared, ...quality.refused };
  const { rowsIn, clean, quarantinedRows, duplicates } = quality;
  return { ...shared, rowsIn, clean, quarantined: quarantinedRows, duplicates: duplicates.dropped };
}
