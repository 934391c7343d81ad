import { describe, expect, it } from 'vitest';
import { type Queue, QueueError } from '../../lib/runtime/index.ts';

export interface QueueUnderTest {
  readonly queue: Queue;
  /** Lets the queue's clock go on. */
  pass(ms: number): void | Promise<void>;
}

/**
 * What every queue promises. `make` gives an empty one with this visibility time and number of receives.
 * @param outdatedReceipts SQS leaves open what an outdated receipt does to a message that was delivered again
 */
export function queueContract(
  name: string,
  make: (settings: { visibilityMs: number; maxReceives: number }) => Promise<QueueUnderTest>,
  outdatedReceipts: 'ignored' | 'left open' = 'ignored',
): void {
  const settings = { visibilityMs: 30_000, maxReceives: 3 };

  describe(name, () => {
    it('delivers what was sent, hidden from others until acknowledged', async () => {
      // given
      const { queue } = await make(settings);
      await queue.send('one');
      // when
      const [message] = await queue.receive();
      // then
      expect(message).toMatchObject({ body: 'one', receiveCount: 1 });
      expect(await queue.receive()).toEqual([]);
      expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 1, dead: 0 });
      await queue.acknowledge(message?.receipt ?? '');
      expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 0, dead: 0 });
    });

    it('delivers every message once while nobody is late', async () => {
      const { queue } = await make(settings);
      const bodies = Array.from({ length: 25 }, (_, i) => `message ${i}`);
      for (const body of bodies) await queue.send(body);
      const received: string[] = [];
      for (let batch = await queue.receive(10); batch.length > 0; batch = await queue.receive(10)) {
        expect(batch.length).toBeLessThanOrEqual(10);
        for (const { body, receipt } of batch) {
          received.push(body);
          await queue.acknowledge(receipt);
        }
      }
      expect(received.sort()).toEqual(bodies.sort());
    });

    it('shows a message again when its visibility time is over, to the millisecond', async () => {
      const { queue, pass } = await make(settings);
      await queue.send('late');
      const [first] = await queue.receive();
      await pass(29_999);
      expect(await queue.receive()).toEqual([]);
      await pass(1);
      const [second] = await queue.receive();
      expect(second).toMatchObject({ id: first?.id, body: 'late', receiveCount: 2 });
      expect(second?.receipt).not.toBe(first?.receipt);
    });

    it('ignores unknown receipts and those of messages that are gone', async () => {
      const { queue } = await make(settings);
      await queue.send('one');
      await queue.acknowledge('never given');
      await queue.release('never given');
      const [message] = await queue.receive();
      for (let i = 0; i < 2; i++) await queue.acknowledge(message?.receipt ?? '');
      await queue.release(message?.receipt ?? '');
      expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 0, dead: 0 });
    });

    if (outdatedReceipts === 'ignored') {
      it('ignores outdated receipts', async () => {
        const { queue, pass } = await make(settings);
        await queue.send('late');
        const [first] = await queue.receive();
        await pass(30_000);
        const [second] = await queue.receive();
        // when the first receiver comes back
        await queue.acknowledge(first?.receipt ?? '');
        await queue.release(first?.receipt ?? '');
        // then the message is still with the second
        expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 1, dead: 0 });
        await queue.acknowledge(second?.receipt ?? '');
        expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 0, dead: 0 });
      });
    }

    it('takes a late acknowledgement as long as nobody else has the message', async () => {
      const { queue, pass } = await make(settings);
      await queue.send('late');
      const [message] = await queue.receive();
      await pass(30_000);
      await queue.acknowledge(message?.receipt ?? '');
      expect(await queue.receive()).toEqual([]);
    });

    it('shows a released message at once, or after the delay', async () => {
      const { queue, pass } = await make(settings);
      await queue.send('again');
      const [first] = await queue.receive();
      await queue.release(first?.receipt ?? '');
      const [second] = await queue.receive();
      expect(second?.receiveCount).toBe(2);
      await queue.release(second?.receipt ?? '', 5);
      await pass(4_999);
      expect(await queue.receive()).toEqual([]);
      await pass(1);
      expect((await queue.receive())[0]?.receiveCount).toBe(3);
    });

    it('declares a message dead that was received too often', async () => {
      const { queue, pass } = await make(settings);
      await queue.send('poison');
      await queue.send('good');
      for (let i = 0; i < 3; i++) {
        const messages = await queue.receive(10);
        expect(messages.map(({ body }) => body)).toContain('poison');
        for (const { body, receipt } of messages) if (body === 'good') await queue.acknowledge(receipt);
        await pass(30_000);
      }
      expect(await queue.receive(10)).toEqual([]);
      expect(await queue.depth()).toEqual({ waiting: 0, inFlight: 0, dead: 1 });
    });

    it('refuses to hand out other than 1 to 10 messages', async () => {
      const { queue } = await make(settings);
      for (const max of [0, 11, 1.5, Number.NaN]) {
        await expect(queue.receive(max)).rejects.toThrow(QueueError);
      }
    });
  });
}
