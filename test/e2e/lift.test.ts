import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { csv, EVENTS, liftConfig, madeUp, TREATMENTS } from '../lift/shop.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { nightjar } from './command.ts';
import { SLOW } from './nights.ts';

it('nightjar lift: from dropped files to a comparison, without a user in it', { timeout: SLOW }, async () => {
  // given
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(liftConfig())};\n`);
  const { events, treatments, truth } = madeUp(1500);
  const drop = async (source: string, text: string) => {
    await mkdir(join(folder, '.nightjar/bucket/drop', source), { recursive: true });
    await writeFile(join(folder, '.nightjar/bucket/drop', source, 'all.csv'), text);
  };
  await drop('log', csv(EVENTS, events));
  await drop('campaigns', csv(TREATMENTS, [...treatments, 'user-1,spring,neither,2025-03-01']));
  // when
  const told = await nightjar(['lift', '--campaign', 'spring'], folder);
  const json = await nightjar(['lift', '--campaign', 'spring', '--days', '14', '--json'], folder);
  const wrong = await nightjar(['lift', '--campaign', 'spring', '--split', '1:0'], folder);
  const unknown = await nightjar(['lift', '--campaign', 'autumn'], folder);
  // then
  expect([told.code, json.code, wrong.code, unknown.code]).toEqual([0, 0, 2, 1]);
  const { lifts, arms, leftOut } = JSON.parse(json.stdout);
  const [{ difference }] = [lifts[0].adjusted.money];
  expect(difference.low).toBeLessThan(truth.money);
  expect(difference.high).toBeGreaterThan(truth.money);
  expect(arms[0].users + arms[1].users).toBe(1499);
  expect(leftOut).toEqual([{ users: 1, why: 'treated in several arms' }]);
  expect(told.stdout).toContain('mail against control: ');
  expect(told.stdout).toContain('left out  1 user: treated in several arms');
  expect(told.stdout).toMatch(/^split {5}50\.0 % : 50\.0 % intended, .* fits/m);
  for (const { stdout, stderr } of [told, json, wrong, unknown])
    expect(stdout + stderr).not.toContain('user-');
  expect(wrong.stderr).toContain('shares above zero with colons between them are expected, such as 50:50');
  expect(unknown.stderr).toContain('there is no campaign "autumn"; the treatments name: spring\n');
});
