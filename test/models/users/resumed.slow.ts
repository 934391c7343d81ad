import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Workspace } from '../../../bin/workspace.ts';
import { AbortedError, createRng } from '../../../lib/engine/host/index.ts';
import { finetuneRun } from '../../../lib/models/index.ts';
import { type PlannedRun, planRun } from '../../../lib/run/index.ts';
import { type ObjectStore, openFolderStore } from '../../../lib/runtime/index.ts';
import { dropAll, hashOf, openShop, SLOW } from '../../e2e/nights.ts';
import { AS_OF, file, shopConfig, shopLog } from '../../e2e/shop.ts';
import { temporaryFolder } from '../../runtime/temp.ts';

/** A group of each kind: over users with every branch, a list, a labelled table. */
const defaults = shopConfig();
const config = shopConfig({
  sources: {
    ...defaults.sources,
    visits: {
      format: 'csv',
      table: 'labels',
      columns: { label: 'bought' },
      attributes: { numbers: ['pages'], categories: ['device'] },
      duplicates: 'keep',
    },
  },
  tasks: { ...defaults.tasks, bought: { kind: 'label', source: 'visits', positive: 'yes' } },
  training: { ...defaults.training, steps: 12, pretrainSteps: 6 },
  features: { tokens: 8 },
  model: { ...defaults.model, families: ['auto'] },
});

function visits(): string {
  const rng = createRng('visits');
  const rows = Array.from({ length: 120 }, () => {
    const pages = rng.integer(30);
    return `${pages},${['phone', 'desktop'][rng.integer(2)]},${rng.integer(30) < pages ? 'yes' : 'no'}`;
  });
  return `pages,device,bought\n${rows.join('\n')}\n`;
}

let shop: Workspace;
let run: PlannedRun;
/** Steps of an attempt that nobody disturbs, each as told with its loss, and the models it ends with. */
let reference: { steps: string[]; models: Record<string, string> };

beforeAll(async () => {
  shop = await openShop(config);
  await dropAll(shop, [['all.csv', file(shopLog(60).filter(({ day }) => day < AS_OF))]]);
  await shop.store.put('drop/visits/table.csv', visits());
  const drops = await shop.ingest(() => {});
  run = await planRun({ ...shop, drops, purpose: 'night', asOf: AS_OF });
  const store = await freshStore();
  const steps: string[] = [];
  await finetuneRun({ store, runId: run.runId, progress: (text) => isStep(text) && steps.push(text) });
  reference = { steps, models: await modelsIn(store) };
  expect(Object.keys(reference.models).length).toBe(9);
}, SLOW);

const isStep = (text: string) => / step \d+ of /.test(text);
const begins = (text: string) => / step 1 of /.test(text);

/** The bucket as it was before the first attempt. */
async function freshStore(): Promise<ObjectStore> {
  const folder = join(await temporaryFolder(), 'bucket');
  await cp(shop.root, folder, { recursive: true });
  return openFolderStore(folder, { durable: false });
}

async function modelsIn(store: ObjectStore): Promise<Record<string, string>> {
  const models: Record<string, string> = {};
  for await (const { key } of store.list('models/')) models[key] = await hashOf(store, key);
  return models;
}

class Killed extends Error {}

/** The store of a process that dies at its `kth` put, before or after it is done, and does nothing from then on. */
function dyingStore(store: ObjectStore, kth: number, done: boolean): ObjectStore {
  let left = kth;
  const alive = () => {
    if (left <= 0) throw new Killed();
  };
  return {
    get: (key, options) => {
      alive();
      return store.get(key, options);
    },
    head: (key) => {
      alive();
      return store.head(key);
    },
    list: (prefix) => store.list(prefix),
    delete: (key) => store.delete(key),
    async put(key, body, options) {
      alive();
      left -= 1;
      if (left > 0 || done) await store.put(key, body, options);
      alive();
      return { written: true, etag: '' };
    },
  };
}

/** Starts the job again and again until it ends. @returns per attempt the steps that were done */
async function untilDone(
  attempt: (told: (text: string) => void, n: number) => Promise<unknown>,
): Promise<string[][]> {
  const attempts: string[][] = [];
  for (let ended = false; !ended; ) {
    const steps: string[] = [];
    attempts.push(steps);
    ended = await attempt((text) => isStep(text) && steps.push(text), attempts.length).then(
      () => true,
      (error: unknown) => {
        if (error instanceof Killed || error instanceof AbortedError) return false;
        throw error;
      },
    );
    expect(attempts.length, 'it never ends').toBeLessThan(200);
  }
  return attempts;
}

/** A step within every other fit, as how many steps were done before it or with it. */
function momentsOfEveryOtherFit(seed: string): number[] {
  const rng = createRng(seed);
  const starts = reference.steps.flatMap((text, i) => (begins(text) ? [i] : []));
  return starts.flatMap((start, fit) => {
    const steps = (starts[fit + 1] ?? reference.steps.length) - start;
    return fit % 2 === 1 ? [] : [start + 1 + rng.integer(steps - 1)];
  });
}

/**
 * Every attempt goes on within the steps of an undisturbed one, where the last one ended or earlier.
 * @returns the steps that were done twice, by attempt
 */
function repeatedSteps(attempts: readonly string[][]): string[][] {
  const repeated: string[][] = [];
  let end = 0;
  for (const steps of attempts) {
    if (steps.length === 0) continue;
    let begin = end;
    const fits = () => steps.every((text, i) => reference.steps[begin + i] === text);
    while (begin > 0 && !fits()) begin--;
    expect(fits(), `these steps are not the undisturbed training's: ${steps[0]} …`).toBe(true);
    repeated.push(reference.steps.slice(begin, end));
    end = begin + steps.length;
  }
  expect(end).toBe(reference.steps.length);
  return repeated;
}

describe('a finetune job that is started again', { timeout: SLOW }, () => {
  it('when it was told to end, does every step once and ends with the same models', async () => {
    // given
    const moments = momentsOfEveryOtherFit('told to end');
    const store = await freshStore();
    // when
    const attempts = await untilDone((told, n) => {
      const stop = new AbortController();
      let done = moments[n - 2] ?? 0;
      const progress = (text: string) => {
        told(text);
        if (isStep(text) && ++done === moments[n - 1]) stop.abort();
      };
      return finetuneRun({ store, runId: run.runId, progress, signal: stop.signal });
    });
    // then
    expect(attempts.length).toBe(moments.length + 1);
    expect(attempts.flat()).toEqual(reference.steps);
    expect(await modelsIn(store)).toEqual(reference.models);
  });

  it('when it was killed at any put, does no finished fit twice and ends with the same models', async () => {
    // given: nothing is put of a fit before its end
    const rng = createRng('killed');
    const store = await freshStore();
    const { runId } = run;
    const never = { checkpointEvery: Number.POSITIVE_INFINITY };
    // when: each attempt dies at one of its first puts
    const attempts = await untilDone((progress) => {
      const dying = dyingStore(store, 1 + rng.integer(9), rng.integer(2) === 0);
      return finetuneRun({ store: dying, runId, progress, ...never });
    });
    // then: what was done twice is one fit, whose result had not been put
    expect(attempts.length).toBeGreaterThan(3);
    for (const repeated of repeatedSteps(attempts)) {
      expect(repeated.filter(begins).length).toBe(Math.min(1, repeated.length));
    }
    expect(await modelsIn(store)).toEqual(reference.models);
  });

  it('when it was killed between checkpoints, loses no more than an interval', async () => {
    // given: a clock that goes on by a second a step, and checkpoints every 5 s
    const moments = momentsOfEveryOtherFit('between checkpoints');
    const store = await freshStore();
    let clock = 0;
    // when
    const attempts = await untilDone((told, n) => {
      const fatal = reference.steps[moments[n - 1]!];
      const progress = (text: string) => {
        if (text === fatal) throw new Killed();
        told(text);
        if (isStep(text)) clock += 1000;
      };
      return finetuneRun({ store, runId: run.runId, progress, checkpointEvery: 5000, now: () => clock });
    });
    // then
    expect(attempts.length).toBe(moments.length + 1);
    for (const repeated of repeatedSteps(attempts)) expect(repeated.length).toBeLessThanOrEqual(5);
    expect(await modelsIn(store)).toEqual(reference.models);
  });
});
