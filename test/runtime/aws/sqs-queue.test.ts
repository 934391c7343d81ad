import {
  ChangeMessageVisibilityCommand,
  CreateQueueCommand,
  GetQueueAttributesCommand,
  PurgeQueueCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientSettings, openSqsQueue, type SqsQueueOptions } from '../../../lib/runtime/aws/index.ts';
import { type Queue, QueueError } from '../../../lib/runtime/index.ts';
import { startFaultyProxy } from '../../aws/faulty-proxy.ts';
import { hasMoto, type Moto, startMoto } from '../../aws/moto.ts';
import { queueContract } from '../queue-contract.ts';

describe.skipIf(!hasMoto)('over SQS', () => {
  let moto: Moto;
  let client: SQSClient;
  let queues = 0;
  beforeAll(async () => {
    moto = await startMoto();
    client = new SQSClient({ ...clientSettings(), ...moto.client });
  });
  afterAll(() => moto.stop());

  async function create(attributes: Record<string, string> = {}): Promise<string> {
    const command = new CreateQueueCommand({ QueueName: `queue-${++queues}`, Attributes: attributes });
    return (await client.send(command)).QueueUrl ?? '';
  }

  async function open(
    settings: { visibilityMs: number; maxReceives: number },
    more: Partial<SqsQueueOptions> = {},
  ) {
    const deadLetterUrl = await create();
    const dead = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: deadLetterUrl, AttributeNames: ['QueueArn'] }),
    );
    const url = await create({
      VisibilityTimeout: String(settings.visibilityMs / 1000),
      RedrivePolicy: JSON.stringify({
        deadLetterTargetArn: dead.Attributes?.QueueArn,
        maxReceiveCount: settings.maxReceives,
      }),
    });
    return { url, deadLetterUrl, queue: openSqsQueue({ client, name: 'test', url, deadLetterUrl, ...more }) };
  }

  // moto deletes and releases a message by any receipt that it ever had; SQS says that it might.
  queueContract(
    'SQS queue',
    async (settings) => {
      const { queue, url } = await open(settings);
      return withClock(queue, settings.visibilityMs, async (receipt) => {
        await client.send(
          new ChangeMessageVisibilityCommand({ QueueUrl: url, ReceiptHandle: receipt, VisibilityTimeout: 0 }),
        );
      });
    },
    'left open',
  );

  const settings = { visibilityMs: 30_000, maxReceives: 3 };

  it('waits for a message where there is none', async () => {
    // given somebody who waits
    const { queue } = await open(settings, { waitSeconds: 20 });
    const waiting = queue.receive();
    // when
    await queue.send('at last');
    // then
    expect((await waiting).map(({ body }) => body)).toEqual(['at last']);
  });

  it('sends again what was not heard, at the price of a message too many', async () => {
    // given
    const proxy = await startFaultyProxy({
      target: moto.endpoint,
      seed: 3,
      rate: 0.4,
      kinds: ['error', 'reset', 'lost'],
    });
    const faulty = new SQSClient({
      ...clientSettings(),
      ...moto.client,
      endpoint: proxy.endpoint,
    });
    const { url, deadLetterUrl, queue } = await open(settings);
    const through = openSqsQueue({ client: faulty, name: 'faulty', url: viaProxy(url), deadLetterUrl });
    function viaProxy(address: string): string {
      return address.replace(moto.endpoint, proxy.endpoint);
    }
    const bodies = Array.from({ length: 15 }, (_, i) => `message ${i}`);
    // when
    for (const body of bodies) await through.send(body);
    // then
    const received: string[] = [];
    for (let batch = await queue.receive(10); batch.length > 0; batch = await queue.receive(10)) {
      received.push(...batch.map(({ body }) => body));
    }
    expect([...new Set(received)].sort()).toEqual(bodies.sort());
    expect(received).toHaveLength(15 + proxy.counts.lost);
    expect(proxy.counts.lost).toBeGreaterThan(0);
    await proxy.close();
  });

  it('counts no dead messages where it is not told where they go', async () => {
    const { url, deadLetterUrl } = await open(settings);
    await openSqsQueue({ client, name: 'dead', url: deadLetterUrl }).send('poison');
    const unaware = openSqsQueue({ client, name: 'unaware', url });
    const aware = openSqsQueue({ client, name: 'aware', url, deadLetterUrl });
    expect((await unaware.depth()).dead).toBe(0);
    expect((await aware.depth()).dead).toBe(1);
    await client.send(new PurgeQueueCommand({ QueueUrl: deadLetterUrl }));
    expect((await aware.depth()).dead).toBe(0);
  });

  it('says which queue failed, how and what to look at', async () => {
    const url = `${moto.endpoint}/123456789012/missing`;
    const queue = openSqsQueue({ client, name: 'clean', url });
    for (const action of [() => queue.send('x'), () => queue.receive(), () => queue.depth()]) {
      await expect(action()).rejects.toThrow(QueueError);
      await expect(action()).rejects.toThrow(/queue clean .*missing.* NonExistentQueue|QueueDoesNotExist/);
    }
  });

  it('refuses times that SQS does not know', async () => {
    const { queue, url } = await open(settings);
    for (const waitSeconds of [-1, 21, 0.5, Number.NaN]) {
      expect(() => openSqsQueue({ client, name: 'q', url, waitSeconds })).toThrow(QueueError);
    }
    for (const delay of [-1, 43_201, 0.5, Number.NaN]) {
      await expect(queue.release('r', delay)).rejects.toThrow(/is to be hidden for/);
    }
  });
});

/**
 * moto's clock cannot be set: this one keeps account of what is hidden until when, and shows it when the time has
 * come, long before moto would.
 */
function withClock(queue: Queue, visibilityMs: number, show: (receipt: string) => Promise<void>) {
  let now = 0;
  const hidden = new Map<string, number>();
  const clocked: Queue = {
    name: queue.name,
    send: (body) => queue.send(body),
    depth: () => queue.depth(),
    async receive(max) {
      const messages = await queue.receive(max);
      for (const { receipt } of messages) hidden.set(receipt, now + visibilityMs);
      return messages;
    },
    async acknowledge(receipt) {
      hidden.delete(receipt);
      await queue.acknowledge(receipt);
    },
    async release(receipt, delaySeconds = 0) {
      if (delaySeconds === 0) hidden.delete(receipt);
      else if (hidden.has(receipt)) hidden.set(receipt, now + delaySeconds * 1000);
      await queue.release(receipt, delaySeconds);
    },
  };
  return {
    queue: clocked,
    async pass(ms: number) {
      now += ms;
      for (const [receipt, due] of hidden) {
        if (due > now) continue;
        hidden.delete(receipt);
        await show(receipt);
      }
    },
  };
}
