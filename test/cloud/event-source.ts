import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import type { Rng } from '../../lib/engine/host/index.ts';
import type { Invoked } from './lambda-host.ts';

export interface EventSourceOptions {
  readonly client: SQSClient;
  readonly queueUrl: string;
  readonly queueArn: string;
  /** From the template's event source mapping. */
  readonly batchSize: number;
  readonly reportsBatchItemFailures: boolean;
  readonly invoke: (event: unknown) => Promise<Invoked>;
  /** Batches in hand at once. */
  readonly concurrency: number;
  /** Deliver every message twice, and messages in an order of their own. */
  readonly shuffle?: Rng;
  /** Messages that failed stay hidden as long as SQS would hide them, by the test's clock. */
  readonly hidden?: HiddenMessages;
}

/** How long messages are hidden, as SQS does it, at the time that a test says it is. */
export interface HiddenMessages {
  /** Milliseconds. */
  readonly now: () => number;
  /** Seconds that the function asked for, by the message's receipt. */
  readonly asked: Map<string, number>;
}

/** A poller: delivers until the queue gives nothing more; resolves with the number of invocations. */
export type EventSource = () => Promise<number>;

/** SQS gives 10 messages at most. */
const POLL = 10;
/** Deliveries in hand when they are shuffled. */
const POOL = 40;

/**
 * Lambda's poller of a queue: hands messages to the function in batches, deletes what it has done and shows the rest
 * again. Time passes as fast as the test wants it: a message whose invocation failed is visible again at once, or with
 * `hidden` when the test's clock says that its visibility has ended; its receive count goes on, so that it dies when it
 * has come too often.
 */
export function openEventSource(options: EventSourceOptions): EventSource {
  const { concurrency, shuffle } = options;
  const settle = settler(options);
  const work = shuffle ? shuffled(options, settle.message, shuffle) : () => plain(options, settle.message);
  return async () => {
    await settle.showDue();
    const invocations = await Promise.all(Array.from({ length: concurrency }, work));
    return invocations.reduce((total, n) => total + n, 0);
  };
}

type Settle = (message: Message, failed: boolean) => Promise<void>;

async function plain(options: EventSourceOptions, settle: Settle): Promise<number> {
  for (let invocations = 0; ; invocations++) {
    const messages = await receive(options, options.batchSize);
    if (messages.length === 0) return invocations;
    const failed = await deliver(options, messages);
    for (const message of messages) await settle(message, failed.has(message.MessageId!));
  }
}

/** Two deliveries of each message, in any order; it is done when one of them was, as a queue at least once has it. */
function shuffled(options: EventSourceOptions, settle: Settle, rng: Rng): () => Promise<number> {
  const pool: { message: Message; fails: boolean[] }[] = [];
  return async () => {
    for (let invocations = 0; ; invocations++) {
      while (pool.length < POOL) {
        const messages = await receive(options, POLL);
        if (messages.length === 0) break;
        for (const message of messages) {
          const shared = { message, fails: [] };
          pool.push(shared, shared);
        }
      }
      const [next] = pool.splice(rng.integer(Math.max(1, pool.length)), 1);
      if (!next) return invocations;
      const { message, fails } = next;
      fails.push((await deliver(options, [message])).has(message.MessageId!));
      if (fails.length === 2) await settle(message, fails.every(Boolean));
    }
  };
}

async function receive(options: EventSourceOptions, most: number): Promise<Message[]> {
  const { Messages = [] } = await options.client.send(
    new ReceiveMessageCommand({
      QueueUrl: options.queueUrl,
      MaxNumberOfMessages: Math.min(most, POLL),
      MessageSystemAttributeNames: ['All'],
      WaitTimeSeconds: 0,
    }),
  );
  return Messages;
}

/** @returns the ids of the messages that failed */
async function deliver(options: EventSourceOptions, messages: readonly Message[]): Promise<Set<string>> {
  const Records = messages.map((message) => record(message, options.queueArn));
  const invoked = await options.invoke({ Records });
  const all = new Set(messages.map(({ MessageId }) => MessageId!));
  if (!invoked.ok) return all;
  return options.reportsBatchItemFailures ? failures(invoked.result, all) : new Set();
}

/** Ends deliveries: what is done is deleted, what failed is shown again, at once or when it is due. */
function settler({ client, queueUrl, hidden }: EventSourceOptions) {
  const waiting: { readonly receipt: string; readonly due: number }[] = [];
  const show = async (ReceiptHandle: string) => {
    const again = { QueueUrl: queueUrl, ReceiptHandle, VisibilityTimeout: 0 };
    await client.send(new ChangeMessageVisibilityCommand(again));
  };
  let visibility: Promise<number> | undefined;
  return {
    async message({ ReceiptHandle: receipt = '' }: Message, failed: boolean): Promise<void> {
      if (!failed) {
        await client.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle: receipt }));
      } else if (!hidden) {
        await show(receipt);
      } else {
        visibility ??= visibilityOf(client, queueUrl);
        const seconds = hidden.asked.get(receipt) ?? (await visibility);
        waiting.push({ receipt, due: hidden.now() + seconds * 1000 });
      }
    },
    async showDue(): Promise<void> {
      const due = waiting.filter((one) => one.due <= (hidden?.now() ?? 0));
      for (const one of due) {
        waiting.splice(waiting.indexOf(one), 1);
        await show(one.receipt);
      }
    },
  };
}

async function visibilityOf(client: SQSClient, QueueUrl: string): Promise<number> {
  const command = new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['VisibilityTimeout'] });
  return Number((await client.send(command)).Attributes?.VisibilityTimeout);
}

/** A message as Lambda hands it to a function. */
function record(message: Message, eventSourceARN: string): Record<string, unknown> {
  return {
    messageId: message.MessageId,
    receiptHandle: message.ReceiptHandle,
    body: message.Body,
    attributes: message.Attributes ?? {},
    messageAttributes: {},
    md5OfBody: message.MD5OfBody,
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion: eventSourceARN.split(':')[3],
  };
}

/**
 * The failures that a function reports, as Lambda reads them: an answer in another form, or one that names a message
 * which was not in the batch, fails the whole batch.
 */
export function failures(result: unknown, all: ReadonlySet<string>): Set<string> {
  if (result === null || result === undefined) return new Set();
  const list =
    typeof result === 'object' && 'batchItemFailures' in result ? result.batchItemFailures : undefined;
  if (list === undefined || list === null) return new Set();
  if (!Array.isArray(list)) return new Set(all);
  const failed = new Set<string>();
  for (const entry of list) {
    const id: unknown = typeof entry === 'object' && entry !== null ? entry.itemIdentifier : undefined;
    if (typeof id !== 'string' || !all.has(id)) return new Set(all);
    failed.add(id);
  }
  return failed;
}
