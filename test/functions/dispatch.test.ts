import { describe, expect, it } from 'vitest';
import { makeHandler } from '../../functions/dispatch/handler.ts';
import { deployOf } from '../../lib/config/index.ts';
import { ConfigError } from '../../lib/data/index.ts';
import { openLocalBatch } from '../../lib/runtime/index.ts';
import { emptyFolder, events, shopOf, storeIn } from './shop.ts';

async function dispatch() {
  const { folder } = await emptyFolder();
  const config = shopOf(events);
  return makeHandler({
    store: await storeIn(folder),
    batch: openLocalBatch({ commands: {}, logs: `${folder}.logs` }),
    config,
    deploy: deployOf(config, 'prod'),
    clock: () => new Date('2025-06-02T04:00:00Z'),
  });
}

describe('the dispatch function', () => {
  it.each([
    // A late call of the scheduler is still about the day that it was meant for.
    { event: { kind: 'tick', time: '2025-05-31T23:30:00Z' }, kind: 'tick', asOf: '2025-06-01' },
    { event: { kind: 'watchdog', time: '2025-05-31T22:30:00Z' }, kind: 'watchdog', asOf: '2025-05-31' },
    { event: { kind: 'finetune', time: '2025-06-01T10:00:00+02:00' }, kind: 'finetune', asOf: '2025-06-01' },
    { event: { kind: 'tick' }, kind: 'tick', asOf: '2025-06-02' },
    { event: { kind: 'heartbeat' }, kind: 'heartbeat', asOf: '2025-06-02' },
    { event: { kind: 'backfill', asOf: '2025-05-20' }, kind: 'backfill', asOf: '2025-05-20' },
  ])('takes $event', async ({ event, kind, asOf }) => {
    // given
    const handle = await dispatch();
    // when
    const result = await handle(event);
    // then: a shop without tasks has nothing to do
    expect(result).toMatchObject({ kind, asOf, state: 'idle' });
  });

  it.each([
    undefined,
    {},
    { kind: 'night' },
    { kind: 'backfill' },
    { kind: 'backfill', asOf: 'yesterday' },
    { kind: 'tick', time: 'noon' },
    { kind: 'tick', asOf: '2025-05-20' },
  ])('refuses %j', async (event) => {
    // given
    const handle = await dispatch();
    // when, then
    await expect(handle(event)).rejects.toThrow(ConfigError);
    await expect(handle(event)).rejects.toThrow(/expected \{ "kind"/);
  });
});
