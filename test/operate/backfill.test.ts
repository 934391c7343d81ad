import { LambdaClient } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { type BackfillProgress, backfillDays, invokedDispatch, type Look } from '../../lib/operate/index.ts';
import type { TickResult } from '../../lib/run/index.ts';

const DAYS = ['2025-01-04', '2025-01-05', '2025-01-06'];

const answer = (asOf: string, changes: Partial<TickResult> = {}): TickResult => ({
  kind: 'backfill',
  asOf,
  state: 'started',
  runId: `${asOf}-run`,
  pending: 0,
  missing: [],
  stale: [],
  stages: { finetune: 'submitted' },
  others: [],
  ...changes,
});

/** Runs days whose n-th look is answered by `looks[n]`, and tells what was asked. */
async function backfill(args: {
  dispatch?: (asOf: string) => TickResult;
  look?: (asOf: string, n: number) => Awaited<ReturnType<Look>>['state'];
  stopAfter?: number;
}) {
  const asked: string[] = [];
  const told: BackfillProgress[] = [];
  let pauses = 0;
  let looks = 0;
  const days = await backfillDays({
    days: DAYS,
    dispatch: async (asOf) => {
      asked.push(`start ${asOf}`);
      return args.dispatch?.(asOf) ?? answer(asOf);
    },
    look: async (asOf, runId) => {
      asked.push(`look ${runId}`);
      const state = args.look?.(asOf, ++looks) ?? 'finished';
      return { state, stages: {}, jobs: {}, ...(state === 'failed' ? { reason: 'out of memory' } : {}) };
    },
    pause: async () => void (pauses += 1),
    stopped: () => pauses >= (args.stopAfter ?? Number.POSITIVE_INFINITY),
    onProgress: (progress) => told.push(progress),
  });
  return { days, asked, told };
}

describe('a backfill of a deployed environment', () => {
  it('asks for a day once, looks until it is over, and goes on with the next', async () => {
    // given a first day that takes two looks
    const { days, asked, told } = await backfill({ look: (_, n) => (n === 1 ? 'running' : 'finished') });
    // then
    expect(days).toEqual(DAYS.map((asOf) => ({ asOf, runId: `${asOf}-run`, state: 'finished' })));
    expect(asked).toEqual([
      'start 2025-01-04',
      'look 2025-01-04-run',
      'look 2025-01-04-run',
      'start 2025-01-05',
      'look 2025-01-05-run',
      'start 2025-01-06',
      'look 2025-01-06-run',
    ]);
    expect(told.filter(({ asOf }) => asOf === '2025-01-04').map(({ state }) => state)).toEqual([
      'running',
      'running',
      'finished',
    ]);
  });

  it('skips days that are finished', async () => {
    const { days, asked } = await backfill({ dispatch: (asOf) => answer(asOf, { state: 'finished' }) });
    expect(days.every(({ state }) => state === 'finished')).toBe(true);
    expect(asked).toEqual(DAYS.map((day) => `start ${day}`));
  });

  it('ends with the day that failed, and says why', async () => {
    const { days } = await backfill({ look: (asOf) => (asOf === DAYS[1] ? 'failed' : 'finished') });
    expect(days).toEqual([
      { asOf: DAYS[0], runId: `${DAYS[0]}-run`, state: 'finished' },
      { asOf: DAYS[1], runId: `${DAYS[1]}-run`, state: 'failed', reason: 'out of memory' },
    ]);
  });

  it('ends with a day that has nothing to run on', async () => {
    const { days, asked } = await backfill({
      dispatch: (asOf) => {
        const { runId: _, ...rest } = answer(asOf, { state: 'waiting', reason: 'nothing to learn from' });
        return rest;
      },
    });
    expect(days).toEqual([{ asOf: DAYS[0], state: 'failed', reason: 'nothing to learn from' }]);
    expect(asked).toEqual(['start 2025-01-04']);
  });

  it('starts no other day once nobody waits', async () => {
    const { days, asked } = await backfill({ look: () => 'running', stopAfter: 2 });
    expect(days).toEqual([{ asOf: DAYS[0], runId: `${DAYS[0]}-run`, state: 'unfinished' }]);
    expect(asked).toEqual(['start 2025-01-04', 'look 2025-01-04-run']);
  });
});

describe('the dispatch function', () => {
  /** A client that gives one answer, for moto runs no function without Docker. */
  function answering(output: { FunctionError?: string; text: string }) {
    const client = new LambdaClient({
      region: 'eu-central-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 's' },
    });
    const sent: string[] = [];
    client.middlewareStack.add(
      () => async (args) => {
        if ('Payload' in args.input && args.input.Payload instanceof Uint8Array) {
          sent.push(new TextDecoder().decode(args.input.Payload));
        }
        const { text, ...rest } = output;
        return {
          output: { $metadata: {}, StatusCode: 200, Payload: new TextEncoder().encode(text), ...rest },
          response: {},
        };
      },
      { step: 'initialize' },
    );
    return { sent, ask: invokedDispatch(client, 'nightjar-dispatch') };
  }

  it('is sent the day and gives its answer', async () => {
    const { ask, sent } = answering({ text: JSON.stringify(answer('2025-01-04')) });
    expect(await ask('2025-01-04')).toEqual(answer('2025-01-04'));
    expect(sent).toEqual(['{"kind":"backfill","asOf":"2025-01-04"}']);
  });

  it.each([
    [{ FunctionError: 'Unhandled', text: '{"errorMessage":"Task timed out"}' }, 'Task timed out'],
    [{ FunctionError: 'Unhandled', text: 'no JSON' }, 'no JSON'],
    [{ text: 'null' }, 'no answer of dispatch'],
    [{ text: '{"ok":true}' }, 'no answer of dispatch'],
    [{ text: '<html>' }, 'which is not JSON'],
  ])('that answers %j ends in one sentence', async (output, message) => {
    await expect(answering(output).ask('2025-01-04')).rejects.toThrow(message);
    await expect(answering(output).ask('2025-01-04')).rejects.toMatchObject({ name: 'OperateError' });
  });
});
