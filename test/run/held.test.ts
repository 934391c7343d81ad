import { describe, expect, it } from 'vitest';
import { heldKey, releasedKey } from '../../lib/run/index.ts';
import { putJson } from '../../lib/runtime/index.ts';
import { at, call, RecordingBatch, readyShop, succeedAll } from './kit.ts';

describe('a night whose export is held back', () => {
  it('is finished, and what the calls say of it is why nobody sees it, until it is released', async () => {
    // given
    const shop = await readyShop();
    const batch = new RecordingBatch();
    await call(shop, batch);
    await succeedAll(shop, batch);
    const { runId, asOf } = await call(shop, batch);
    await putJson(shop.store, heldKey(asOf, runId!), { reasons: ['far fewer lines'] });
    const watchdog = () => call(shop, batch, { kind: 'watchdog', now: at('07:00') });
    // when / then
    expect(await call(shop, batch)).toMatchObject({ state: 'finished', exportHeld: ['far fewer lines'] });
    expect(await watchdog()).toMatchObject({ exportMissing: 'it is held back: far fewer lines' });
    // when
    await putJson(shop.store, releasedKey(asOf, runId!), { why: 'a holiday' });
    // then
    const released = await watchdog();
    expect([released.state, released.exportMissing, released.exportHeld]).toEqual([
      'finished',
      undefined,
      undefined,
    ]);
  });
});
