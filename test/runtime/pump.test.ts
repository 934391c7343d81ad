import { describe, expect, it } from 'vitest';
import {
  createLocalQueue,
  type PumpResult,
  pump,
  QueueError,
  type QueueHandler,
} from '../../lib/runtime/index.ts';

const noFailures = { batchItemFailures: [] };

describe('pump', () => {
  it('gives every message to the handler as Lambda would, and ends', async () => {
    // given
    const queue = createLocalQueue({ name: 'q', clock: () => 0 });
    for (let i = 0; i < 7; i++) await queue.send(`body ${i}`);
    const events: Parameters<QueueHandler>[0][] = [];
    // when
    const handler: QueueHandler = async (event) => {
      events.push(event);
      return noFailures;
    };
    const totals = await pump(queue, handler, { batchSize: 3 });
    // then
    expect(totals).toEqual({ succeeded: 7, failed: 0 });
    expect(events.map(({ Records }) => Records.length)).toEqual([3, 3, 1]);
    expect(events[0]?.Records[0]).toEqual({
      messageId: 'q-1',
      receiptHandle: expect.any(String),
      body: 'body 0',
      attributes: { ApproximateReceiveCount: '1' },
    });
    expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 0, dead: 0 });
  });

  it('delivers only the failed message of a batch again', async () => {
    const queue = createLocalQueue({ name: 'q', clock: () => 0 });
    for (const body of ['good', 'once bad', 'good too']) await queue.send(body);
    const seen: string[] = [];
    const totals = await pump(
      queue,
      async ({ Records }) => {
        seen.push(...Records.map(({ body, attributes }) => `${body} ${attributes.ApproximateReceiveCount}`));
        const failed = Records.filter(
          ({ body, attributes }) => body === 'once bad' && attributes.ApproximateReceiveCount === '1',
        );
        return { batchItemFailures: failed.map(({ messageId }) => ({ itemIdentifier: messageId })) };
      },
      { batchSize: 10 },
    );
    expect(seen).toEqual(['good 1', 'once bad 1', 'good too 1', 'once bad 2']);
    expect(totals).toEqual({ succeeded: 3, failed: 1 });
  });

  it('fails the whole batch when the handler throws or names a stranger, until it is dead', async () => {
    for (const handler of [
      async () => {
        throw new QueueError('broken');
      },
      async () => ({ batchItemFailures: [{ itemIdentifier: 'stranger' }] }),
    ]) {
      const queue = createLocalQueue({ name: 'q', maxReceives: 2, clock: () => 0 });
      await queue.send('a');
      await queue.send('b');
      const results: PumpResult[] = [];
      const totals = await pump(queue, handler, { batchSize: 2, onResult: (result) => results.push(result) });
      expect(totals).toEqual({ succeeded: 0, failed: 4 });
      expect(results.map(({ message, succeeded }) => [message.body, succeeded])).toEqual([
        ['a', false],
        ['b', false],
        ['a', false],
        ['b', false],
      ]);
      expect(results[0]?.error).toBeInstanceOf(QueueError);
      expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 0, dead: 2 });
    }
  });

  it('runs as many handlers at a time as allowed, and no more', async () => {
    // given handlers that end only when three of them have begun
    const queue = createLocalQueue({ name: 'q', clock: () => 0 });
    for (let i = 0; i < 9; i++) await queue.send(String(i));
    let running = 0;
    let most = 0;
    let waiting: (() => void)[] = [];
    const handler: QueueHandler = async () => {
      most = Math.max(most, ++running);
      const all = new Promise<void>((resolve) => waiting.push(resolve));
      if (waiting.length === 3) {
        for (const go of waiting) go();
        waiting = [];
      }
      await all;
      running--;
      return noFailures;
    };
    // when
    const totals = await pump(queue, handler, { concurrency: 3 });
    // then
    expect(totals.succeeded).toBe(9);
    expect(most).toBe(3);
  });

  it('takes what handlers send to their own queue', async () => {
    const queue = createLocalQueue({ name: 'q', clock: () => 0 });
    await queue.send('3');
    const seen: string[] = [];
    await pump(
      queue,
      async ({ Records }) => {
        for (const { body } of Records) {
          seen.push(body);
          if (Number(body) > 0) await queue.send(String(Number(body) - 1));
        }
        return noFailures;
      },
      { concurrency: 2 },
    );
    expect(seen).toEqual(['3', '2', '1', '0']);
  });

  it('waits for messages that others hold', async () => {
    let now = 0;
    const queue = createLocalQueue({ name: 'q', visibilityMs: 100, clock: () => now });
    await queue.send('held by one who died');
    await queue.receive();
    const totals = await pump(queue, async () => noFailures, { idle: async () => void (now += 40) });
    expect(totals.succeeded).toBe(1);
    expect(now).toBe(120);
  });

  it('stops receiving when told to, and lets running handlers end', async () => {
    const queue = createLocalQueue({ name: 'q', clock: () => 0 });
    for (let i = 0; i < 5; i++) await queue.send(String(i));
    const controller = new AbortController();
    const totals = await pump(
      queue,
      async () => {
        controller.abort();
        return noFailures;
      },
      { signal: controller.signal },
    );
    expect(totals).toEqual({ succeeded: 1, failed: 0 });
    expect(await queue.depth()).toEqual({ waiting: 4, inFlight: 0, dead: 0 });
  });

  it('passes on what its listener throws, and refuses a wrong concurrency', async () => {
    const queue = createLocalQueue({ name: 'q', clock: () => 0 });
    await queue.send('x');
    const onResult = () => {
      throw new QueueError('listener');
    };
    await expect(pump(queue, async () => noFailures, { onResult })).rejects.toThrow('listener');
    await expect(pump(queue, async () => noFailures, { concurrency: 0 })).rejects.toThrow(
      /whole number from 1/,
    );
  });
});
