import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { QueueError } from '../runtime/index.ts';

/** A message that was given up after its tries. */
export interface DeadLetter {
  readonly id: string;
  readonly body: string;
  /** SQS's own count, looks at the dead letter included. */
  readonly received: number;
  readonly sentAt: Date;
}

interface Dead {
  readonly client: SQSClient;
  /** URL of the dead letter queue. */
  readonly dead: string;
  /** How long an answer waits for a first letter. Long polling asks every server of the queue: without it "none" says little. */
  readonly waitSeconds?: number;
}

/**
 * A message that a killed look hides comes back after this many seconds. Long enough to send and delete a batch, short
 * enough that nobody takes the letters for lost.
 */
const HIDDEN_SECONDS = 60;
const WAIT_SECONDS = 1;
const BATCH = 10;

/**
 * Looks at dead letters and leaves them where they are: each one is shown again at once, at the latest a minute after
 * a look that was killed.
 * @param limit how many at most
 */
export async function peek(queue: Dead, limit: number): Promise<DeadLetter[]> {
  const { client, dead } = queue;
  const held: Message[] = [];
  try {
    while (held.length < limit) {
      const messages = await receive(queue, Math.min(BATCH, limit - held.length));
      if (messages.length === 0) break;
      held.push(...messages);
    }
  } finally {
    await release(client, dead, held);
  }
  return held.map(letterOf).sort((a, b) => a.sentAt.getTime() - b.sentAt.getTime());
}

/**
 * Moves dead letters back to their queue. Each one is sent before it is deleted: killed anywhere, a letter stands in at
 * least one of the two queues, and one that stands in both is harmless, for the handlers do no work twice.
 * @param to URL of the queue that they came from
 * @param before only letters sent before it: one that dies again meanwhile is not moved in circles
 * @param stays letters to be left where they are
 * @returns how many were moved, and how many left
 */
export async function moveBack(
  args: Dead & {
    to: string;
    before: Date;
    stays: (letter: DeadLetter) => boolean;
    onMoved?: (moved: number) => void;
  },
): Promise<{ moved: number; left: number }> {
  const { client, dead, to, before, stays, onMoved } = args;
  /** Received and not deleted, by id: shown again at the end, for shown earlier it would be received again. */
  const held = new Map<string, Message>();
  let moved = 0;
  try {
    for (;;) {
      const messages = await receive(args, BATCH);
      if (messages.length === 0) break;
      for (const message of messages) held.set(letterOf(message).id, message);
      for (const message of messages) {
        const letter = letterOf(message);
        if (letter.sentAt >= before || stays(letter)) continue;
        await client.send(new SendMessageCommand({ QueueUrl: to, MessageBody: letter.body }));
        await client.send(new DeleteMessageCommand({ QueueUrl: dead, ReceiptHandle: receiptOf(message) }));
        held.delete(letter.id);
        moved += 1;
        onMoved?.(moved);
      }
    }
  } finally {
    await release(client, dead, [...held.values()]);
  }
  return { moved, left: held.size };
}

async function receive({ client, dead, waitSeconds = WAIT_SECONDS }: Dead, max: number): Promise<Message[]> {
  const { Messages = [] } = await client.send(
    new ReceiveMessageCommand({
      QueueUrl: dead,
      MaxNumberOfMessages: max,
      VisibilityTimeout: HIDDEN_SECONDS,
      WaitTimeSeconds: waitSeconds,
      MessageSystemAttributeNames: ['ApproximateReceiveCount', 'SentTimestamp'],
    }),
  );
  return Messages;
}

/** Shows messages again. What fails here is no loss: they come back by themselves. */
async function release(client: SQSClient, url: string, messages: readonly Message[]): Promise<void> {
  await Promise.allSettled(
    messages.map((message) =>
      client.send(
        new ChangeMessageVisibilityCommand({
          QueueUrl: url,
          ReceiptHandle: receiptOf(message),
          VisibilityTimeout: 0,
        }),
      ),
    ),
  );
}

function letterOf({ MessageId, Body, Attributes }: Message): DeadLetter {
  return {
    id: MessageId ?? '',
    body: Body ?? '',
    received: Number(Attributes?.ApproximateReceiveCount ?? 0),
    sentAt: new Date(Number(Attributes?.SentTimestamp ?? 0)),
  };
}

function receiptOf({ MessageId, ReceiptHandle }: Message): string {
  if (!ReceiptHandle) throw new QueueError(`SQS gave message ${MessageId} without a receipt: try again`);
  return ReceiptHandle;
}
