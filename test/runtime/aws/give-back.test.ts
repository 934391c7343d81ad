import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openGiveBack } from '../../../lib/runtime/aws/index.ts';
import { type QueueRecord, StoreError } from '../../../lib/runtime/index.ts';

const ARN = 'arn:aws:sqs:eu-central-1:123456789012:clean';
const AWAY = new StoreError('it cannot be read', { cause: Object.assign(new Error(), { name: 'SlowDown' }) });

/** What was asked of SQS. */
let asked: { QueueUrl: string; ReceiptHandle: string; VisibilityTimeout: number }[] = [];
let status = 200;
let close = () => {};
const before = { ...process.env };

beforeEach(async () => {
  asked = [];
  status = 200;
  const server = createServer(async (request, response) => {
    let text = '';
    for await (const piece of request) text += piece;
    asked.push(JSON.parse(text));
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.0' }).end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
    AWS_REGION: 'eu-central-1',
    AWS_ACCESS_KEY_ID: 'key',
    AWS_SECRET_ACCESS_KEY: 'secret',
  });
  close = () => {
    server.closeAllConnections();
    server.close();
  };
});

afterEach(() => {
  close();
  for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  Object.assign(process.env, before);
});

const message = (delivery: number, eventSourceARN?: string): QueueRecord => ({
  messageId: 'm',
  receiptHandle: 'receipt',
  body: '',
  attributes: { ApproximateReceiveCount: String(delivery) },
  ...(eventSourceARN === undefined ? {} : { eventSourceARN }),
});

it.each([
  [1, 0, 120],
  [1, 1, 180],
  [2, 0, 900],
  [3, 1, 1200],
])(
  'a message that met an outage at delivery %i is shown again within minutes (%f: %i s)',
  async (delivery, random, s) => {
    await openGiveBack(() => random)(AWAY, message(delivery, ARN));
    const QueueUrl = 'https://sqs.eu-central-1.amazonaws.com/123456789012/clean';
    expect(asked).toEqual([{ QueueUrl, ReceiptHandle: 'receipt', VisibilityTimeout: s }]);
  },
);

it('a message that failed by itself, and one of another queue, is left alone', async () => {
  const giveBack = openGiveBack();
  await giveBack(new StoreError('the bucket is not there'), message(1, ARN));
  await giveBack(AWAY, message(1));
  await giveBack(AWAY, message(1, 'arn:aws:kinesis:eu-central-1:123456789012:stream'));
  expect(asked).toEqual([]);
});

it('where the queue refuses, the message comes again by itself', async () => {
  status = 403;
  await expect(openGiveBack()(AWAY, message(1, ARN))).resolves.toBeUndefined();
  expect(asked).toHaveLength(1);
});
