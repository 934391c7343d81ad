import { cp, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openWorkspace, type Workspace } from '../../bin/workspace.ts';
import { cleanDrop } from '../../lib/clean/index.ts';
import { type ConfigInput, deployOf } from '../../lib/config/index.ts';
import { createPseudonyms, formatDay, parseDay } from '../../lib/data/index.ts';
import { buildDays } from '../../lib/features/index.ts';
import { readManifest, type TickResult, tick } from '../../lib/run/index.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { dropAll, inProcess, KEY, lookAt, openShop, SLOW } from './nights.ts';
import { AS_OF, daily, shopConfig, shopLog } from './shop.ts';

const dayBefore = (day: string) => formatDay(parseDay(day) - 1);
const YESTERDAY = dayBefore(AS_OF);
const TOMORROW = formatDay(parseDay(AS_OF) + 1);
/** Five in the morning in New York, in summer. */
const deadlineOf = (day: string) => new Date(`${day}T09:00:00Z`);

const before = shopConfig({ tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 10 } } });
const { log } = before.sources;
/** Twice as many of everything. */
const changes: object = { columns: { ...log!.columns, quantity: 'quantity::INTEGER * 2' } };
const after: ConfigInput = { ...before, sources: { log: { ...log!, ...changes } } };

const all = [...daily(shopLog(60).filter(({ day }) => day < AS_OF))].slice(-41);
const history = all.slice(0, 40);
const [latest] = all.slice(-1);

/** The same bucket by other settings, in a place of its own. */
async function copyWith({ root }: Workspace, config: ConfigInput): Promise<Workspace> {
  const folder = await temporaryFolder();
  await cp(dirname(root), folder, { recursive: true, preserveTimestamps: true });
  await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(config)};\n`);
  return openWorkspace({ config: folder, store: join(folder, 'bucket'), adopt: true });
}

const call = ({ store, config, keyFile }: Workspace, now: Date): Promise<TickResult> =>
  tick({
    store,
    batch: inProcess(store, keyFile),
    config,
    deploy: deployOf(config, 'prod'),
    kind: 'tick',
    now,
  });

/** A night whose jobs run, from its deadline on. */
async function nightOf(shop: Workspace, day: string) {
  const { runId } = await call(shop, deadlineOf(day));
  const ended = await call(shop, new Date(deadlineOf(day).getTime() + 300_000));
  expect(ended).toMatchObject({ state: 'finished', runId });
  return lookAt(shop.store, { runId: runId!, manifest: await readManifest(shop.store, runId!) });
}

describe('settings that have forty drops cleaned again', { timeout: SLOW }, () => {
  let shop: Workspace;
  beforeAll(async () => {
    // A night of yesterday that has trained, scored and exported.
    shop = await openShop(before);
    await dropAll(shop, history);
    await shop.ingest(() => {});
    await nightOf(shop, YESTERDAY);
  }, SLOW);

  it('leave the night of the change its exports, and a later one has those of a shop that knew no others', async () => {
    // given: they come at four in the morning, yesterday's file and a few cleaned again after them
    const undisturbed = await copyWith(shop, before);
    const disturbed = await copyWith(shop, after);
    await dropAll(disturbed, [latest!]);
    const { store, config } = disturbed;
    const pseudonyms = createPseudonyms(KEY);
    for (const [name] of all.slice(-4)) {
      const result = await cleanDrop({ store, config, pseudonyms, key: `drop/log/${name}` });
      if (result.status === 'clean') await buildDays({ store, config, cleanKey: result.keys.clean! });
    }
    // when
    const night = await nightOf(disturbed, AS_OF);
    // then
    const expected = await nightOf(undisturbed, AS_OF);
    expect(night.exports).toEqual(expected.exports);
    expect(night.models).toEqual(expected.models);
    expect(night.manifest.missing.map(({ kind }) => kind)).toEqual(['pending', 'settings']);
    // when all is cleaned again
    await disturbed.ingest(() => {});
    const settled = await nightOf(disturbed, TOMORROW);
    // then
    const fresh = await openShop(after);
    await dropAll(fresh, all);
    await fresh.ingest(() => {});
    const known = await nightOf(fresh, TOMORROW);
    expect(settled.exports).toEqual(known.exports);
    expect(settled.models).toEqual(known.models);
    expect(settled.manifest.inputs).toEqual(known.manifest.inputs);
    expect(settled.models).not.toEqual(night.models);
  });
});
