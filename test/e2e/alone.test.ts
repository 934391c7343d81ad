import { execFileSync } from 'node:child_process';
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Workspace } from '../../bin/workspace.ts';
import { cleanKeys } from '../../lib/clean/index.ts';
import { daysKey } from '../../lib/features/index.ts';
import { type DropState, planRun } from '../../lib/run/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { HAS_OTHER_USER } from '../runtime/other-user.ts';
import { nightjar } from './command.ts';
import { dropAll, openShop, SLOW } from './nights.ts';
import { AS_OF, file, shopConfig, shopLog, weekly } from './shop.ts';

const settings = shopConfig();
const log = [...weekly(shopLog(30).filter(({ day }) => day < AS_OF))];
const byState = (drops: readonly DropState[], state: DropState['state']) =>
  drops.filter((drop) => drop.state === state).map(({ key }) => key.slice('drop/log/'.length));

/** The keys that cleaning led to. */
async function keysOf({ store, config }: Workspace, { key }: DropState) {
  const info = await store.head(key);
  return cleanKeys(config, key, info!.digest!);
}

describe('one bad object stops no other', { timeout: SLOW }, () => {
  it('whatever is wrong with its name or its kind: it is refused with a cure, and status and run name it', async () => {
    // given
    const shop = await openShop(settings);
    await dropAll(shop, log);
    const at = (name: string) => join(shop.root, 'drop/log', name);
    await writeFile(at('back\\slash.csv'), file([]));
    await writeFile(at('bell\u0007.csv'), file([]));
    await writeFile(Buffer.concat([Buffer.from(at('caf')), Buffer.from([0xe9])]), file([]));
    await mkdir(at('deep/'.repeat(205)), { recursive: true });
    await writeFile(at(`${'deep/'.repeat(205)}x.csv`), file([]));
    await symlink('nowhere', at('dangling.csv'));
    await symlink('..', at('circle'));
    execFileSync('mkfifo', [at('pipe.csv')]);
    await mkdir(at('folder.csv'));
    await writeFile(at('folder.csv/part-0.csv'), file([]));
    await writeFile(join(shop.root, 'drop/stray.csv'), file([]));
    await writeFile(at('utf-16.csv'), Buffer.from([0xff, 0xfe, 0, 0]));
    await mkdir(at('_temporary/0'), { recursive: true });
    for (const name of ['_SUCCESS', '.part-0.crc', '_temporary/0/part-0.csv', '.DS_Store']) {
      await writeFile(at(name), 'x');
    }
    // when
    const drops = await shop.ingest(() => {});
    // then
    expect(byState(drops, 'pending')).toEqual([]);
    expect(byState(drops, 'done')).toEqual([...log.map(([name]) => name), 'folder.csv/part-0.csv'].sort());
    const refused = drops.flatMap((drop) =>
      drop.state === 'refused' ? [[drop.key, drop.quality.refused]] : [],
    );
    expect(refused.map(([key]) => key)).toHaveLength(9);
    for (const [key, { reason, hint }] of refused as [string, { reason: string; hint: string }][]) {
      expect(reason.length, key).toBeGreaterThan(10);
      expect(hint.length, key).toBeGreaterThan(5);
    }
    // and: by the commands
    const at2 = ['--config', shop.folder, '--store', shop.root];
    const status = await nightjar([...at2, 'status', '--json'], shop.folder);
    const state = JSON.parse(status.stdout);
    expect(state.refused).toHaveLength(9);
    expect(state.ignored.sort()).toEqual(
      ['.DS_Store', '.part-0.crc', '_SUCCESS', '_temporary/0/part-0.csv'].map((name) => `drop/log/${name}`),
    );
    expect(state.sources).toEqual([
      expect.objectContaining({ source: 'log', done: log.length + 1, refused: 8, pending: 0, ignored: 4 }),
      expect.objectContaining({ source: 'no source', refused: 1 }),
    ]);
    const { code, stdout, stderr } = await nightjar([...at2, 'status'], shop.folder);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('pipe.csv: it is a pipe, not a file (remove it, or put a file in its place)');
    expect((await nightjar([...at2, 'clean'], shop.folder)).code).toBe(0);
    const { manifest } = await planRun({ ...shop, drops, purpose: 'night', asOf: AS_OF });
    expect(manifest.missing.map(({ kind, key }) => [kind, key])).toEqual(
      refused.map(([key]) => ['refused', key]),
    );
  });

  it.skipIf(!HAS_OTHER_USER)('where this user may not read it', async () => {
    const shop = await openShop(settings);
    await dropAll(shop, log);
    await chmod(join(shop.root, 'drop/log', log[0]![0]), 0o000);
    await mkdir(join(shop.root, 'drop/log/closed'));
    await writeFile(join(shop.root, 'drop/log/closed/x.csv'), file([]));
    execFileSync('chown', ['-R', '65534:65534', shop.folder]);
    await chmod(join(shop.root, 'drop/log/closed'), 0o000);
    const at = ['--config', shop.folder, '--store', shop.root];
    const { code, stdout } = await nightjar([...at, 'clean', '--json'], shop.folder, { asOther: true });
    expect(code).toBe(0);
    const drops: { key: string; state: string; quality: { refused: { reason: string } } }[] =
      JSON.parse(stdout).drops;
    const refused = drops.filter(({ state }) => state === 'refused');
    expect(refused.map(({ key, quality }) => [key, quality.refused.reason])).toEqual([
      ['drop/log/closed/', 'drop/log/closed/ cannot be read: this user may not read it'],
      [`drop/log/${log[0]![0]}`, `drop/log/${log[0]![0]} cannot be read: this user may not read it`],
    ]);
    expect(drops.filter(({ state }) => state === 'done')).toHaveLength(log.length - 1);
  });

  it('where what was made of it is damaged: it waits, told with what to delete, and that heals it', async () => {
    // given: a record, canonical rows before their day rows, and those of a drop that is done, cut off as by a power cut
    const shop = await openShop(settings);
    await dropAll(shop, log);
    const first = await shop.ingest(() => {});
    const [one, two] = first as [DropState, DropState];
    const { quality } = await keysOf(shop, one);
    const { clean = '' } = await keysOf(shop, two);
    await writeFile(join(shop.root, quality), '');
    await rm(join(shop.root, daysKey(shop.config, clean)));
    await writeFile(join(shop.root, clean), 'ARROW1');
    // when
    const at = ['--config', shop.folder, '--store', shop.root];
    const ended = await nightjar([...at, 'clean', '--json'], shop.folder);
    // then
    expect(ended.code).toBe(1);
    expect(ended.stderr).toMatch(/^nightjar: all was done without 2 objects that could not be processed:\n/);
    expect(ended.stderr).not.toContain('    at ');
    const drops: { key: string; state: string; why?: string }[] = JSON.parse(ended.stdout).drops;
    const waiting = drops.filter(({ state }) => state === 'pending');
    const record = quality.replace(/.*\//, '');
    expect(waiting).toEqual([
      {
        key: one.key,
        state: 'pending',
        why: expect.stringMatching(new RegExp(`${record} is damaged .*: delete it and run`)),
      },
      {
        key: two.key,
        state: 'pending',
        why: expect.stringMatching(/^clean\/.* is damaged .*: delete it and quality\/.*\.json and run/),
      },
    ]);
    expect(drops.filter(({ state }) => state === 'done')).toHaveLength(log.length - 2);
    // and: a run goes on without them, and says so in its manifest
    const again = await shop.ingest(() => {});
    const { manifest } = await planRun({ ...shop, drops: again, purpose: 'night', asOf: AS_OF });
    expect(manifest.missing.map(({ key }) => key)).toEqual([one.key, two.key]);
    expect(manifest.missing[0]!.why).toMatch(/^not cleaned yet: quality\/.* is damaged/);
    // when: the cure that was told
    await rm(join(shop.root, quality));
    await rm(join(shop.root, clean));
    await rm(join(shop.root, (await keysOf(shop, two)).quality));
    // then
    expect((await nightjar([...at, 'clean'], shop.folder)).code).toBe(0);
    expect(await shop.ingest(() => {})).toEqual(first);
  });

  it('where the store fails at it alone, or Nightjar does; a fault of the whole machine ends all at once', async () => {
    const shop = await openShop(settings);
    await dropAll(shop, log);
    const bad = `drop/log/${log[1]![0]}`;
    const { ingest } = await import('../../bin/local/ingest.ts');
    const failing = (error: Error): ObjectStore => ({
      get: (key, options) => (key === bad ? Promise.reject(error) : shop.store.get(key, options)),
      head: (key) => shop.store.head(key),
      put: (key, body, options) => shop.store.put(key, body, options),
      list: (prefix, options) => shop.store.list(prefix, options),
      delete: (key) => shop.store.delete(key),
    });
    const run = (error: Error) => ingest({ ...shop, store: failing(error), onProgress: () => {} });
    // when: the disk is gone
    const gone = Object.assign(new Error('ESTALE: stale file handle'), { code: 'ESTALE', path: shop.root });
    await expect(run(gone)).rejects.toThrow(`the network disk of ${shop.root} is gone`);
    // when: memory, or a fault of ours
    for (const [error, why] of [
      [
        new Error('Out of Memory Error: could not allocate block (1.0 GiB/1.0 GiB used)'),
        /too little memory/,
      ],
      [new TypeError('x is undefined'), /^x is undefined: this is a fault of Nightjar/],
    ] as const) {
      const drops = await run(error);
      expect(byState(drops, 'pending')).toEqual([log[1]![0]]);
      expect(drops.find(({ state }) => state === 'pending')).toMatchObject({
        why: expect.stringMatching(why),
      });
      expect(byState(drops, 'done')).toHaveLength(log.length - 1);
    }
    // and: what vanishes between the look and the work is no drop any more
    const vanishing: ObjectStore = {
      ...failing(new Error()),
      get: async (key, options) => {
        if (key === bad) await shop.store.delete(bad);
        return shop.store.get(key, options);
      },
    };
    const left = await ingest({ ...shop, store: vanishing, onProgress: () => {} });
    expect(byState(left, 'done')).toHaveLength(log.length - 1);
    expect(left).toHaveLength(log.length - 1);
  });
});
