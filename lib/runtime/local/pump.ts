import { setTimeout as delay } from 'node:timers/promises';
import { QueueError } from '../errors.ts';
import type { Queue, QueueMessage } from '../types.ts';

/** One message of Lambda's SQS event: the part that handlers read. */
export interface QueueRecord {
  readonly messageId: string;
  readonly receiptHandle: string;
  readonly body: string;
  readonly attributes: {
    readonly ApproximateReceiveCount: string;
    /** When it was sent, ms since 1970; absent where the queue is none of SQS. */
    readonly SentTimestamp?: string;
  };
  /** The queue; absent where it is none of SQS. */
  readonly eventSourceARN?: string;
}

export interface QueueEvent {
  readonly Records: readonly QueueRecord[];
}

/** Names the messages that failed; the others are done. */
export interface QueueEventResult {
  readonly batchItemFailures: readonly { readonly itemIdentifier: string }[];
}

export type QueueHandler = (event: QueueEvent) => Promise<QueueEventResult>;

/** What became of one delivery. */
export interface PumpResult {
  readonly message: QueueMessage;
  readonly succeeded: boolean;
  /** What the handler threw, if it did. */
  readonly error?: unknown;
}

export interface PumpOptions {
  /** Handler calls at the same time. Default 1. */
  readonly concurrency?: number;
  /** Messages a handler call, 1 to 10. Default 1. */
  readonly batchSize?: number;
  /** Receives no more when aborted; running handler calls are waited for. */
  readonly signal?: AbortSignal;
  readonly onResult?: (result: PumpResult) => void;
  /** Waits before looking again while others hold messages. Default: 50 ms of real time. */
  readonly idle?: () => Promise<void>;
}

/**
 * Gives the messages of a queue to a Lambda handler until nothing is waiting and nothing is in flight, as Lambda's
 * event source mapping does with partial batch responses: a handler that throws, or names a message it was not given,
 * fails its whole batch. Failed messages show again at once, until the queue declares them dead.
 * @returns how many deliveries succeeded and failed
 * @throws what the queue or `onResult` throws; never what the handler throws
 */
export async function pump(
  queue: Queue,
  handler: QueueHandler,
  options: PumpOptions = {},
): Promise<{ succeeded: number; failed: number }> {
  const { concurrency = 1, batchSize = 1, signal, onResult, idle = () => delay(50) } = options;
  if (!Number.isInteger(concurrency) || concurrency < 1) {
    throw new QueueError(`concurrency ${concurrency} for queue ${queue.name}: give a whole number from 1`);
  }
  const totals = { succeeded: 0, failed: 0 };
  const running = new Set<Promise<void>>();
  const errors: unknown[] = [];
  const deliver = async (messages: readonly QueueMessage[]) => {
    for (const result of await handle(handler, messages)) {
      if (result.succeeded) await queue.acknowledge(result.message.receipt);
      else await queue.release(result.message.receipt);
      totals[result.succeeded ? 'succeeded' : 'failed']++;
      onResult?.(result);
    }
  };
  try {
    while (!signal?.aborted && errors.length === 0) {
      const messages = running.size < concurrency ? await queue.receive(batchSize) : [];
      if (messages.length > 0) {
        const call = deliver(messages)
          .catch((error: unknown) => void errors.push(error))
          .finally(() => running.delete(call));
        running.add(call);
      } else if (running.size === concurrency) {
        await Promise.race(running);
      } else {
        const { waiting, inFlight } = await queue.depth();
        if (running.size === 0 && waiting + inFlight === 0) break;
        await Promise.race([...running, idle()]);
      }
    }
  } finally {
    await Promise.all(running);
  }
  if (errors.length > 0) throw errors[0];
  return totals;
}

async function handle(handler: QueueHandler, messages: readonly QueueMessage[]): Promise<PumpResult[]> {
  try {
    const { batchItemFailures } = await handler({
      Records: messages.map((message) => ({
        messageId: message.id,
        receiptHandle: message.receipt,
        body: message.body,
        attributes: { ApproximateReceiveCount: String(message.receiveCount) },
      })),
    });
    const failed = new Set(batchItemFailures.map(({ itemIdentifier }) => itemIdentifier));
    const stranger = [...failed].find((id) => !messages.some((message) => message.id === id));
    if (stranger !== undefined) {
      throw new QueueError(`a handler reports message ${stranger} as failed, which it was not given`);
    }
    return messages.map((message) => ({ message, succeeded: !failed.has(message.id) }));
  } catch (error) {
    return messages.map((message) => ({ message, succeeded: false, error }));
  }
}
