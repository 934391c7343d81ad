import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as after } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { readManifest } from '../../lib/run/index.ts';
import { ALL } from '../all.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { type Ended, nightjar, startNightjar } from './command.ts';
import { dropAll, lookAt, night, openShop, SLOW } from './nights.ts';
import { AS_OF, shopConfig, shopLog, weekly } from './shop.ts';

const defaults = shopConfig();
const settings = shopConfig({
  tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 10 } },
  model: { ...defaults.model, layers: 0 },
});

const BUSY =
  /^nightjar: another "npx nightjar-shop (run|clean)" is at work on .* \(process \d+, since .*\): wait until it is done, or stop it$/m;

// at-work.test.ts tells of the lock by itself.
it.runIf(ALL)(
  'commands that are started at one moment on one folder end as one, with its exports, and the others say so',
  async () => {
    // given: a night that nobody disturbed, and the same drops
    const drops = [...weekly(shopLog(60).filter(({ day }) => day < AS_OF))];
    const alone = await openShop(settings);
    await dropAll(alone, drops);
    const reference = await night(alone, AS_OF);
    const shop = await openShop(settings);
    await dropAll(shop, drops);
    const at = ['--config', shop.folder, '--store', shop.root];
    const run = [...at, 'run', '--as-of', AS_OF, '--json'];
    // when
    const ended = await Promise.all(
      [run, run, [...at, 'clean'], run].map((args) => nightjar(args, shop.folder)),
    );
    // then: whichever came first did its work; who came while it was at work was told so at once
    const [first, ...others] = ended.sort((a, b) => Number(a.code) - Number(b.code));
    expect(first!.code).toBe(0);
    for (const { code, stderr } of others.filter((other) => other.code !== 0)) {
      expect(code).toBe(1);
      expect(stderr).toMatch(BUSY);
      expect(stderr).not.toContain('    at ');
    }
    expect(others.filter(({ code }) => code === 1).length).toBeGreaterThan(0);
    // and: the same command afterwards, over a holder that was killed at its work
    const killed = startNightjar(run, shop.folder);
    while (!existsSync(join(shop.root, '.tmp/at-work'))) await after(5);
    killed.kill();
    await killed.ended;
    const again = await nightjar(run, shop.folder);
    expect(again.code).toBe(0);
    const { runId } = JSON.parse(again.stdout);
    const result = await lookAt(shop.store, { runId, manifest: await readManifest(shop.store, runId) });
    expect(result.scores).toEqual(reference.scores);
    expect(result.exports).toEqual(reference.exports);
  },
  SLOW,
);

it(
  'two demos in one folder do not empty it under each other',
  async () => {
    const home = await temporaryFolder();
    const both = [startNightjar(['demo'], home), startNightjar(['demo'], home)];
    const first: Ended = await Promise.race(both.map(({ ended }) => ended));
    for (const one of both) one.kill();
    await Promise.all(both.map(({ ended }) => ended));
    expect(first.code).toBe(1);
    expect(first.stderr).toContain(
      `nightjar: another "npx nightjar-shop demo" is at work on ${join(home, '.nightjar/demo')} (process `,
    );
  },
  SLOW,
);
