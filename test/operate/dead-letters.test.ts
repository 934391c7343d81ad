import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { moveBack, peek } from '../../lib/operate/index.ts';
import { ALL } from '../all.ts';
import { hasMoto, type Moto, startMoto } from '../aws/moto.ts';

const BODIES = Array.from({ length: 12 }, (_, i) => `letter ${i}`);
/** Calls of one move: three looks at the queue, the last of which finds nothing, and two calls a letter. */
const CALLS = 2 * BODIES.length + 3;
/** Where a move is disturbed: at every call, or at the looks and every third of what lies between. */
const AT = Array.from({ length: CALLS }, (_, i) => i + 1).filter((k) => ALL || k % 3 === 1 || k === CALLS);
/** Calls that look, and how many letters each finds. */
const LOOKS = new Map([
  [1, 10],
  [22, 2],
]);
/** Later than everything that these tests send. */
const LATER = new Date('2100-01-01T00:00:00Z');

describe.skipIf(!hasMoto)('dead letters', () => {
  let moto: Moto;
  let client: SQSClient;
  let dead: string;
  let to: string;

  beforeAll(async () => {
    moto = await startMoto();
    client = new SQSClient(moto.client);
  });
  afterAll(() => moto.stop());
  beforeEach(fill);

  /** Empty queues but for the dead letters. */
  async function fill(): Promise<void> {
    await moto.reset();
    to = (await client.send(new CreateQueueCommand({ QueueName: 'live' }))).QueueUrl!;
    dead = (await client.send(new CreateQueueCommand({ QueueName: 'dead' }))).QueueUrl!;
    for (let i = 0; i < BODIES.length; i += 10) {
      const Entries = BODIES.slice(i, i + 10).map((MessageBody, n) => ({ Id: `${n}`, MessageBody }));
      await client.send(new SendMessageBatchCommand({ QueueUrl: dead, Entries }));
    }
  }

  /** Visible messages, and hidden ones. */
  async function depth(url: string): Promise<[visible: number, hidden: number]> {
    const { Attributes = {} } = await client.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames: ['All'] }),
    );
    const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes;
    return [Number(ApproximateNumberOfMessages), Number(ApproximateNumberOfMessagesNotVisible)];
  }

  /** Distinct bodies of the live queue. */
  async function arrived(): Promise<Set<string>> {
    const bodies = new Set<string>();
    for (;;) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({ QueueUrl: to, MaxNumberOfMessages: 10, VisibilityTimeout: 30 }),
      );
      if (Messages.length === 0) break;
      for (const { Body } of Messages) bodies.add(Body!);
    }
    return bodies;
  }

  /** A client whose calls fail from the k-th on, `once` or for good. The call itself may have succeeded. */
  function failing(k: number, how: 'before' | 'after', once: boolean): SQSClient {
    const faulty = new SQSClient({ ...moto.client, maxAttempts: 1 });
    let calls = 0;
    faulty.middlewareStack.add(
      (next) => async (args) => {
        calls += 1;
        const fails = once ? calls === k : calls >= k;
        if (fails && how === 'before') throw new Error('killed');
        const answer = await next(args);
        if (fails) throw new Error('killed');
        return answer;
      },
      { step: 'initialize' },
    );
    return faulty;
  }

  it('are shown and stay where they are, visible', async () => {
    // when
    const letters = await peek({ client, dead, waitSeconds: 0 }, 100);
    // then
    expect(letters.map(({ body }) => body).sort()).toEqual([...BODIES].sort());
    expect(letters.every(({ received }) => received >= 1)).toBe(true);
    expect(letters.every(({ sentAt }) => sentAt.getTime() > Date.UTC(2020, 0))).toBe(true);
    expect(await depth(dead)).toEqual([BODIES.length, 0]);
  });

  it('are shown up to a limit', async () => {
    expect(await peek({ client, dead, waitSeconds: 0 }, 5)).toHaveLength(5);
    expect(await depth(dead)).toEqual([BODIES.length, 0]);
  });

  it('move back, each once', async () => {
    // when
    const told: number[] = [];
    const result = await moveBack({
      client,
      dead,
      to,
      before: LATER,
      waitSeconds: 0,
      stays: () => false,
      onMoved: (moved) => told.push(moved),
    });
    // then
    expect(result).toEqual({ moved: BODIES.length, left: 0 });
    expect(told).toEqual(BODIES.map((_, i) => i + 1));
    expect(await depth(dead)).toEqual([0, 0]);
    expect(await depth(to)).toEqual([BODIES.length, 0]);
    expect(await arrived()).toEqual(new Set(BODIES));
  });

  it('stay when they are unreadable, or died after the command was given', async () => {
    const stays = ({ body }: { body: string }) => body === 'letter 3';
    expect(await moveBack({ client, dead, to, before: LATER, waitSeconds: 0, stays })).toEqual({
      moved: 11,
      left: 1,
    });
    expect(await depth(dead)).toEqual([1, 0]);
    const early = new Date('2020-01-01T00:00:00Z');
    expect(await moveBack({ client, dead, to, before: early, waitSeconds: 0, stays: () => false })).toEqual({
      moved: 0,
      left: 1,
    });
    expect(await depth(dead)).toEqual([1, 0]);
  });

  it.each(ALL ? (['before', 'after'] as const) : (['after'] as const))(
    'survive a kill at every call (%s it took effect)',
    async (how) => {
      for (const k of AT) {
        // given
        await fill();
        // when every call from the k-th on fails: a process that is no more
        const all = { dead, to, before: LATER, waitSeconds: 0, stays: () => false };
        const killed = await moveBack({ client: failing(k, how, false), ...all }).catch(
          (error: Error) => error,
        );
        // then every letter stands in one of the queues at least
        const [visible, hidden] = await depth(dead);
        const there = await arrived();
        expect(visible + hidden + there.size).toBeGreaterThanOrEqual(BODIES.length);
        expect(killed instanceof Error || visible + hidden === 0).toBe(true);
      }
    },
  );

  it.each(ALL ? (['before', 'after'] as const) : (['after'] as const))(
    'are all moved by the next try (failed %s the call)',
    { timeout: 180_000 },
    async (how) => {
      for (const k of AT) {
        // given
        await fill();
        const all = { dead, to, before: LATER, waitSeconds: 0, stays: () => false };
        // when one call fails, and the command is given again
        await expect(moveBack({ client: failing(k, how, true), ...all })).rejects.toThrow('killed');
        // a look whose answer was lost hides its letters until their time is over
        const hides = how === 'after' ? (LOOKS.get(k) ?? 0) : 0;
        await moveBack({ client, ...all });
        // then
        const [visible, hidden] = await depth(dead);
        expect(visible).toBe(0);
        expect(hidden).toBe(hides);
        expect((await arrived()).size).toBe(BODIES.length - hides);
      }
    },
  );
});
