import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { nightjar } from '../e2e/command.ts';
import { SLOW } from '../e2e/nights.ts';
import { AS_OF, file, shopConfig, shopLog } from '../e2e/shop.ts';
import { temporaryFolder } from '../runtime/temp.ts';

it('runs past days of a folder in order, each from the one before', { timeout: SLOW }, async () => {
  // given a small shop
  const folder = await temporaryFolder();
  const config = shopConfig();
  const small = { ...config, model: { ...config.model, layers: 0 } };
  await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(small)};\n`);
  const drops = join(folder, '.nightjar/bucket/drop/log');
  await mkdir(drops, { recursive: true });
  await writeFile(join(drops, 'all.csv'), file(shopLog().filter(({ day }) => day < AS_OF)));
  // when
  const days = ['2025-03-10', '2025-03-11'];
  const { code, stdout, stderr } = await nightjar(
    ['backfill', '--from', days[0]!, '--to', days[1]!, '--json'],
    folder,
  );
  // then
  expect(stderr).not.toContain('nightjar: ');
  expect(code).toBe(0);
  const done: { asOf: string; runId: string; state: string }[] = JSON.parse(stdout).days;
  expect(done.map(({ asOf, state }) => ({ asOf, state }))).toEqual(
    days.map((asOf) => ({ asOf, state: 'finished' })),
  );
  const read = async (key: string) =>
    JSON.parse(await readFile(join(folder, '.nightjar/bucket', key), 'utf8'));
  for (const { asOf, runId } of done) {
    expect((await read(`exports/as_of=${asOf}/current.json`)).runId).toBe(runId);
  }
  const manifest = await read(`runs/${done[1]!.runId}/manifest.json`);
  expect(manifest.snapshot.runId).toBe(done[0]!.runId);
  // the models of the first day serve the second
  expect(Object.values(manifest.champions)).not.toContain(null);
});
