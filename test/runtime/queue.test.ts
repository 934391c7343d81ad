import { describe, expect, it } from 'vitest';
import { createLocalQueue, QueueError } from '../../lib/runtime/index.ts';
import { queueContract } from './queue-contract.ts';

queueContract('local queue', async (settings) => {
  let now = 1_000;
  const queue = createLocalQueue({ name: 'test', ...settings, clock: () => now });
  return { queue, pass: (ms) => void (now += ms) };
});

describe('dead letters', () => {
  it('can be looked at and sent through again, as never received', async () => {
    // given a message that failed once too often
    const queue = createLocalQueue({ name: 'q', maxReceives: 1, clock: () => 0 });
    await queue.send('poison');
    const [message] = await queue.receive();
    await queue.release(message?.receipt ?? '', 60);
    await queue.release(message?.receipt ?? '');
    expect(queue.deadLetters()).toEqual([{ id: message?.id, body: 'poison', receiveCount: 1 }]);
    // when
    expect(queue.redrive()).toBe(1);
    // then
    expect(await queue.depth()).toEqual({ waiting: 1, inFlight: 0, dead: 0 });
    expect((await queue.receive())[0]).toMatchObject({ id: message?.id, receiveCount: 1 });
    expect(queue.redrive()).toBe(0);
  });

  it('keeps the receipt of a delivery before the redrive outdated', async () => {
    const queue = createLocalQueue({ name: 'q', maxReceives: 1, clock: () => 0 });
    await queue.send('x');
    const [before] = await queue.receive();
    await queue.release(before?.receipt ?? '');
    queue.redrive();
    const [after] = await queue.receive();
    await queue.acknowledge(before?.receipt ?? '');
    expect(after?.receipt).not.toBe(before?.receipt);
    expect(await queue.depth()).toMatchObject({ inFlight: 1 });
  });
});

describe('settings', () => {
  it('are refused where they cannot work', () => {
    for (const wrong of [
      { visibilityMs: 0 },
      { visibilityMs: Number.NaN },
      { maxReceives: 0 },
      { maxReceives: 1.5 },
    ]) {
      expect(() => createLocalQueue({ name: 'q', ...wrong })).toThrow(QueueError);
    }
  });
});
