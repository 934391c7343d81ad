import {
  ChangeMessageVisibilityCommand,
  DeleteMessageCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { QueueError } from '../errors.ts';
import type { Queue, QueueMessage } from '../types.ts';
import { awsFailure, describeFailure } from './failure.ts';

const MOST_AT_ONCE = 10;
const LONGEST_POLL_S = 20;
const LONGEST_HIDING_S = 43_200;

const COUNTS = [
  'ApproximateNumberOfMessages',
  'ApproximateNumberOfMessagesDelayed',
  'ApproximateNumberOfMessagesNotVisible',
] as const;

export interface SqsQueueOptions {
  readonly client: SQSClient;
  /** For messages to people; the queue is found by its URL. */
  readonly name: string;
  readonly url: string;
  /** Where the queue's redrive policy sends dead messages. Without it none are counted. */
  readonly deadLetterUrl?: string;
  /** How long `receive` waits for a message where there is none, 0 to 20. Default 0. */
  readonly waitSeconds?: number;
}

/**
 * A queue of SQS. Visibility and the number of receives are the queue's own settings. A message that is sent again
 * because the first answer was lost is there twice: whoever handles messages copes with that anyway.
 * @throws QueueError
 */
export function openSqsQueue(options: SqsQueueOptions): Queue {
  const { name, waitSeconds = 0 } = options;
  if (!Number.isInteger(waitSeconds) || waitSeconds < 0 || waitSeconds > LONGEST_POLL_S) {
    throw new QueueError(
      `queue ${name} is to be polled for ${waitSeconds} s: give a whole number from 0 to ${LONGEST_POLL_S}`,
    );
  }
  return new SqsQueue(options, waitSeconds);
}

class SqsQueue implements Queue {
  readonly name: string;
  readonly #options: SqsQueueOptions;
  readonly #waitSeconds: number;

  constructor(options: SqsQueueOptions, waitSeconds: number) {
    this.name = options.name;
    this.#options = options;
    this.#waitSeconds = waitSeconds;
  }

  async send(body: string): Promise<void> {
    const { client, url } = this.#options;
    const command = new SendMessageCommand({ QueueUrl: url, MessageBody: body });
    await this.#explained('took no message', client.send(command));
  }

  async receive(max = 1): Promise<QueueMessage[]> {
    if (!Number.isInteger(max) || max < 1 || max > MOST_AT_ONCE) {
      throw new QueueError(`${max} messages asked of queue ${this.name}: ask for 1 to ${MOST_AT_ONCE}`);
    }
    const { client, url } = this.#options;
    const command = new ReceiveMessageCommand({
      QueueUrl: url,
      MaxNumberOfMessages: max,
      WaitTimeSeconds: this.#waitSeconds,
      MessageSystemAttributeNames: ['ApproximateReceiveCount'],
    });
    const { Messages = [] } = await this.#explained('gave no messages', client.send(command));
    return Messages.map(({ MessageId = '', ReceiptHandle = '', Body = '', Attributes }) => ({
      id: MessageId,
      receipt: ReceiptHandle,
      body: Body,
      receiveCount: Number(Attributes?.ApproximateReceiveCount ?? 1),
    }));
  }

  async acknowledge(receipt: string): Promise<void> {
    const { client, url } = this.#options;
    const command = new DeleteMessageCommand({ QueueUrl: url, ReceiptHandle: receipt });
    await this.#explained('took no acknowledgement', unlessOutdated(client.send(command)));
  }

  async release(receipt: string, delaySeconds = 0): Promise<void> {
    if (!Number.isInteger(delaySeconds) || delaySeconds < 0 || delaySeconds > LONGEST_HIDING_S) {
      throw new QueueError(
        `a message of queue ${this.name} is to be hidden for ${delaySeconds} s: ` +
          `give a whole number from 0 to ${LONGEST_HIDING_S}`,
      );
    }
    const { client, url } = this.#options;
    const command = new ChangeMessageVisibilityCommand({
      QueueUrl: url,
      ReceiptHandle: receipt,
      VisibilityTimeout: delaySeconds,
    });
    await this.#explained('released no message', unlessOutdated(client.send(command)));
  }

  async depth(): Promise<{ waiting: number; inFlight: number; dead: number }> {
    const { url, deadLetterUrl } = this.#options;
    const own = await this.#count(url);
    const dead = deadLetterUrl === undefined ? undefined : await this.#count(deadLetterUrl);
    return { ...own, dead: dead ? dead.waiting + dead.inFlight : 0 };
  }

  async #count(url: string): Promise<{ waiting: number; inFlight: number }> {
    const command = new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: [...COUNTS] });
    const { Attributes = {} } = await this.#explained('was not counted', this.#options.client.send(command));
    const [visible = 0, delayed = 0, hidden = 0] = COUNTS.map((count) => Number(Attributes[count] ?? 0));
    return { waiting: visible + delayed, inFlight: hidden };
  }

  async #explained<T>(failed: string, action: Promise<T>): Promise<T> {
    try {
      return await action;
    } catch (error) {
      const { name, url } = { name: this.name, url: this.#options.url };
      throw new QueueError(
        `queue ${name} (${url}) ${failed}: ${describeFailure(awsFailure(error))}; ` +
          "check its URL, the region and the role's rights on the queue and on its KMS key",
        { cause: error },
      );
    }
  }
}

/** SQS refuses receipts that it never gave, and some that are outdated: neither names a delivery that counts. */
async function unlessOutdated(action: Promise<unknown>): Promise<void> {
  try {
    await action;
  } catch (error) {
    const { code, message } = awsFailure(error);
    const aboutReceipt = /receipt ?handle/i.test(`${code} ${message}`);
    if (!aboutReceipt && code !== 'MessageNotInflight') throw error;
  }
}
