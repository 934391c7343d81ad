import { beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../lib/engine/host/index.ts';
import { claimKey, readClaim, type TickResult } from '../../lib/run/index.ts';
import {
  call,
  claims,
  copyOf,
  type Guard,
  guardedBatch,
  guardedStore,
  openShop,
  RecordingBatch,
  readyShop,
  type Shop,
  succeed,
  succeedAll,
  TODAY,
  Turns,
} from './kit.ts';

let ready: Shop;

beforeAll(async () => {
  ready = await readyShop();
});

const stagesOf = (runId: string) => ['finetune', 'score', 'export'].map((stage) => `${runId}-${stage}-1`);

/** One claim, one run, all its stages, and jobs of no other name. @returns how many jobs were doubled */
async function expectOneRun({ store }: Shop, batch: RecordingBatch, note: string): Promise<number> {
  expect(await claims(store), note).toEqual([claimKey('night', TODAY)]);
  const { claim } = (await readClaim(store, claimKey('night', TODAY)))!;
  expect([...new Set(batch.names)].sort(), note).toEqual(stagesOf(claim.runId).sort());
  return batch.names.length - 3;
}

/** Two calls at once. `next` says who goes on. */
async function together(
  shop: Shop,
  batch: RecordingBatch,
  next: (step: number, turns: Turns) => 0 | 1,
): Promise<TickResult[]> {
  const turns = new Turns(2);
  const results = [0, 1].map((caller) => {
    const guard = turns.guard(caller);
    const store = guardedStore(shop.store, guard);
    const work = call({ ...shop, store }, guardedBatch(batch, guard), { owner: `caller ${caller}` });
    return turns.watch(caller, work);
  });
  for (let step = 0; !turns.over(0) || !turns.over(1); step++) {
    const wanted = next(step, turns);
    await turns.step(turns.over(wanted) ? 1 - wanted : wanted);
  }
  return Promise.all(results);
}

describe('two calls at once end with one claim and one run', () => {
  it('wherever the first one is overtaken by the second', async () => {
    // given
    let overtaken = 0;
    for (let whole = false; !whole; overtaken++) {
      const shop = await copyOf(ready);
      const batch = new RecordingBatch();
      // when: the first makes so many calls, then the second all of its own, then the first the rest
      const results = await together(shop, batch, (step, turns) => {
        whole = step < overtaken && turns.over(0);
        return step < overtaken || turns.over(1) ? 0 : 1;
      });
      // then
      await expectOneRun(shop, batch, `overtaken at call ${overtaken}`);
      expect(new Set(results.map(({ runId }) => runId)).size).toBe(1);
      expect(results.map(({ state }) => state).sort()).toEqual(['running', 'started']);
    }
    expect(overtaken).toBeGreaterThan(20);
  });

  it('in any order of their calls', async () => {
    let doubled = 0;
    for (let seed = 0; seed < 25; seed++) {
      // given
      const shop = await copyOf(ready);
      const batch = new RecordingBatch();
      const rng = createRng(`order ${seed}`);
      // when
      const results = await together(shop, batch, () => (rng.uniform() < 0.5 ? 0 : 1));
      // then
      doubled += await expectOneRun(shop, batch, `seed ${seed}`);
      expect(new Set(results.map(({ runId }) => runId)).size).toBe(1);
      // and: the run ends, whatever was doubled
      await succeedAll(shop, batch);
      expect((await call(shop, batch)).state).toBe('finished');
    }
    // SubmitJob has no token: some are doubled, which is what the same name is for
    expect(doubled).toBeGreaterThan(0);
  });
});

/** Lets `calls` calls through, then fails every one: the process is gone. `late`: the last one is carried out unseen. */
function killer(calls: number, late: boolean): Guard & { readonly made: number } {
  let made = 0;
  const gone = () => new Error('killed');
  return {
    get made() {
      return made;
    },
    async before() {
      if (++made > calls && !(late && made === calls + 1)) throw gone();
    },
    async after() {
      if (made > calls) throw gone();
    },
  };
}

/** Kills a call at every one of its calls to store and runner, and lets a whole one follow. @returns how many there were */
async function killEverywhere(
  late: boolean,
  prepare: () => Promise<{ shop: Shop; batch: RecordingBatch }>,
  check: (shop: Shop, batch: RecordingBatch, result: TickResult, note: string) => Promise<void>,
): Promise<number> {
  for (let calls = 0; ; calls++) {
    // given
    const { shop, batch } = await prepare();
    const guard = killer(calls, late);
    const store = guardedStore(shop.store, guard);
    const outcome = call({ ...shop, store }, guardedBatch(batch, guard));
    await outcome.catch(() => {});
    if (guard.made <= calls) return calls;
    // when
    const result = await call(shop, batch);
    // then
    await check(shop, batch, result, `${late ? 'after' : 'before'} call ${calls}`);
  }
}

describe.each([
  ['before', false],
  ['after', true],
])('killed %s any of its calls, the next call goes on', (_, late) => {
  it('with the start of a night', async () => {
    const calls = await killEverywhere(
      late,
      async () => ({ shop: await copyOf(ready), batch: new RecordingBatch() }),
      async (shop, batch, result, note) => {
        expect(['started', 'running'], note).toContain(result.state);
        // one after the other: what was submitted is found again by its name, nothing is doubled
        expect(await expectOneRun(shop, batch, note), note).toBe(0);
        expect(Object.keys(result.stages), note).toEqual(['finetune', 'score', 'export']);
        await succeedAll(shop, batch);
        expect((await call(shop, batch)).state, note).toBe('finished');
      },
    );
    expect(calls).toBeGreaterThan(20);
  });

  it('with the second try of a stage', async () => {
    const calls = await killEverywhere(
      late,
      async () => {
        const shop = await copyOf(ready);
        const batch = new RecordingBatch();
        await call(shop, batch);
        await succeed(shop, batch, 'finetune');
        batch.fail('score', 'CUDA error');
        return { shop, batch };
      },
      async (_, batch, { runId, stages }, note) => {
        const again = [`${runId}-export-2`, `${runId}-score-2`];
        expect(batch.names.slice(3).sort(), note).toEqual(again);
        expect(stages, note).toEqual({ finetune: 'done', score: 'submitted', export: 'submitted' });
      },
    );
    expect(calls).toBeGreaterThan(10);
  });
});

it('takes up a job whose record was lost, the one that goes best', async () => {
  // given: a doubled job of score, the newer one failed, neither recorded
  const shop = await copyOf(ready);
  const batch = new RecordingBatch();
  const { runId } = await call(shop, batch);
  await shop.store.delete(`runs/${runId}/jobs/score-1.json`);
  const [, score] = batch.jobs;
  await batch.submit({ ...score!, dependsOn: [] });
  batch.fail('score', 'no capacity');
  // when
  const { stages } = await call(shop, batch);
  // then
  expect(stages.score).toBe('submitted');
  expect(batch.jobs).toHaveLength(4);
});

it('does nothing in an empty bucket', async () => {
  // given
  const shop = await openShop();
  const batch = new RecordingBatch();
  // when
  const result = await call(shop, batch);
  // then
  expect(result).toMatchObject({
    state: 'waiting',
    reason: expect.stringContaining('nothing was dropped yet'),
  });
  expect(await claims(shop.store)).toEqual([]);
  expect(batch.jobs).toEqual([]);
  const watched = await call(shop, batch, { kind: 'watchdog' });
  expect(watched.exportMissing).toBeUndefined();
});
