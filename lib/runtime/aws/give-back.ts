import { SQSClient } from '@aws-sdk/client-sqs';
import type { QueueRecord } from '../local/pump.ts';
import { openClient } from './clients.ts';
import { isAway } from './failure.ts';
import { openSqsQueue } from './sqs-queue.ts';

/**
 * Seconds until a message is shown again, at least and at most: after its first delivery, and after later ones. Three
 * deliveries outlast an outage of a quarter of an hour.
 */
const HIDDEN_S = { first: [120, 180], later: [900, 1200] } as const;

/**
 * For a function whose work found a dependency away: shows the message again within minutes. Left alone it stays hidden as
 * long as a function may run, for nobody can tell a function that was killed from one that still works.
 * @param random from 0 to 1: messages that failed at the same moment do not come back at the same moment
 * @returns resolves in any case: where the queue is away too, the message comes back by itself, only later
 */
export function openGiveBack(
  random: () => number = Math.random,
): (error: unknown, message: QueueRecord) => Promise<void> {
  let client: SQSClient | undefined;
  return async (error, { eventSourceARN, receiptHandle, attributes }) => {
    const url = eventSourceARN && queueUrl(eventSourceARN);
    if (!url || !isAway(error)) return;
    // The URL names the queue; where SQS is, the region or AWS_ENDPOINT_URL says.
    client ??= openClient((settings) => new SQSClient({ ...settings, useQueueUrlAsEndpoint: false }));
    const [least, most] = Number(attributes.ApproximateReceiveCount) > 1 ? HIDDEN_S.later : HIDDEN_S.first;
    const seconds = Math.round(least + random() * (most - least));
    await openSqsQueue({ client, name: url, url })
      .release(receiptHandle, seconds)
      .catch(() => {});
  };
}

/** `arn:aws:sqs:<region>:<account>:<name>` as a URL. */
function queueUrl(arn: string): string | undefined {
  const [, partition, service, region, account, name] = arn.split(':');
  if (service !== 'sqs' || !name) return undefined;
  const domain = partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com';
  return `https://sqs.${region}.${domain}/${account}/${name}`;
}
