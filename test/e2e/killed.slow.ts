import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { decodeArrow } from '../../lib/data/index.ts';
import { createRng } from '../../lib/engine/host/index.ts';
import { decodeModel } from '../../lib/engine/onnx/index.ts';
import { readManifest } from '../../lib/run/index.ts';
import { nightjar, startNightjar } from './command.ts';
import { dropAll, lookAt, night, openShop, SLOW } from './nights.ts';
import { AS_OF, shopConfig, shopLog, weekly } from './shop.ts';

const defaults = shopConfig();
const config = shopConfig({
  tasks: {
    purchase: { kind: 'event', event: 'purchase', horizonDays: 10 },
    preference: { kind: 'next', event: 'purchase', of: 'item', horizonDays: 10, k: 5 },
  },
  model: { ...defaults.model, families: ['network'], layers: 0 },
});

/** Every object of the bucket is whole. @returns how many there are */
function checkWhole(root: string): number {
  const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.parentPath.includes(`${root}/.tmp`),
  );
  for (const { parentPath, name } of files) {
    const path = join(parentPath, name);
    const bytes = readFileSync(path);
    if (name.endsWith('.json')) expect(() => JSON.parse(bytes.toString()), path).not.toThrow();
    if (name.endsWith('.arrow')) expect(() => decodeArrow(bytes), path).not.toThrow();
    if (name.endsWith('.onnx')) expect(() => decodeModel(bytes), path).not.toThrow();
    if (name.endsWith('.parquet')) expect(bytes.subarray(-4).toString(), path).toBe('PAR1');
  }
  return files.length;
}

/** Resolves when there is an object below one of the bucket's folders, or when the command has ended. */
async function objectIn(folder: string, ended: Promise<unknown>): Promise<void> {
  let over = false;
  void ended.then(() => (over = true));
  const appeared = () =>
    existsSync(folder) &&
    readdirSync(folder, { recursive: true, withFileTypes: true }).some((e) => e.isFile());
  while (!over && !appeared()) await after(5);
}

it(
  'a run that is killed again and again ends with the same exports, and leaves nothing half-written',
  async () => {
    // given: a night that nobody disturbed
    const drops = [...weekly(shopLog(110).filter(({ day }) => day < AS_OF))];
    const undisturbed = await openShop(config);
    await dropAll(undisturbed, drops);
    const reference = await night(undisturbed, AS_OF);
    // and: one whose whole process group is killed at random moments of each stage
    const seed = 'killed';
    const rng = createRng(seed);
    const shop = await openShop(config);
    await dropAll(shop, drops);
    const at = ['--config', shop.folder, '--store', shop.root];
    const moments = [
      { folder: 'quality', within: 300 },
      { folder: 'runs', within: 6000 },
      { folder: 'models', within: 1000 },
      { folder: 'snapshots', within: 300 },
      // at once: an export takes some 30 ms, and a run that has ended is followed by another, with its champions
      { folder: 'exports', within: 1 },
    ];
    for (const { folder, within } of moments) {
      // when
      const run = startNightjar([...at, 'run', '--as-of', AS_OF, '--json'], shop.folder);
      await objectIn(join(shop.root, folder), run.ended);
      await after(rng.integer(within));
      run.kill();
      const { code: ended } = await run.ended;
      // then
      expect(ended, `the run was over before it could be killed (${folder})`).toBeNull();
      expect(checkWhole(shop.root), `seed ${seed}`).toBeGreaterThan(drops.length);
      if (folder === 'quality' || folder === 'snapshots') {
        const { code, stdout } = await nightjar([...at, 'status', '--json'], shop.folder);
        expect(code).toBe(0);
        const state = JSON.parse(stdout);
        expect(state.sources[0].done + state.sources[0].pending).toBe(drops.length);
        expect(state.runs).toHaveLength(folder === 'quality' ? 0 : 1);
      }
    }
    // when
    const { code, stdout } = await nightjar([...at, 'run', '--as-of', AS_OF, '--json'], shop.folder);
    // then
    expect(code).toBe(0);
    const { runId, missing, resumed } = JSON.parse(stdout);
    expect(missing).toEqual([]);
    expect(resumed).toBe(true);
    expect(runId).toBe(reference.runId);
    const manifest = await readManifest(shop.store, runId);
    const ended = await lookAt(shop.store, { runId, manifest });
    expect(ended.models).toEqual(reference.models);
    expect(ended.scores).toEqual(reference.scores);
    expect(ended.snapshots).toEqual(reference.snapshots);
    expect(ended.exports).toEqual(reference.exports);
    checkWhole(shop.root);
  },
  2 * SLOW,
);
