import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ALL } from '../all.ts';
import { inboxConfig, inboxFile, parsed, tickets } from '../models/table/inbox.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { nightjar } from './command.ts';
import { SLOW } from './nights.ts';

it.runIf(ALL)('nightjar label: from a night to a file for a person', { timeout: SLOW }, async () => {
  // given
  const folder = await temporaryFolder();
  await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(inboxConfig())};\n`);
  const drop = async (source: string, text: string) => {
    await mkdir(join(folder, '.nightjar/bucket/drop', source), { recursive: true });
    await writeFile(join(folder, '.nightjar/bucket/drop', source, 'all.csv'), text);
  };
  await drop('tickets', tickets());
  await drop(
    'inbox',
    inboxFile([
      'm1,ann,2026-06-09T10:00:00Z,account or parcel or money,phone',
      'm2,,2026-06-09T11:00:00Z,my parcel my money,desktop',
    ]),
  );
  // when
  const early = await nightjar(['label', '--next', '1'], folder);
  const ran = await nightjar(['run', '--json'], folder);
  const shown = await nightjar(['label', '--next', '5'], folder);
  const json = await nightjar(['label', '--next', '1', '--out', 'todo/rows.csv', '--json'], folder);
  const wrong = await nightjar(['label', '--next', '0'], folder);
  const other = await nightjar(['label', '--next', '1', '--task', 'mood'], folder);
  // then
  expect([early.code, ran.code, shown.code, json.code, wrong.code, other.code]).toEqual([1, 0, 0, 0, 2, 2]);
  expect(early.stderr).toContain('no night has answered rows without a label for intent yet');
  expect(JSON.parse(ran.stdout).asOf).toBe('2026-06-10');
  expect(shown.stdout).toContain('2 of 2 rows to label for intent, by the night of 2026-06-10');
  expect(shown.stdout).toContain('my parcel my money | desktop');
  const { rows, file, label } = JSON.parse(json.stdout);
  expect([rows.length, label]).toEqual([1, 'one_of']);
  expect((await parsed(await readFile(file, 'utf8'))).map(({ row_id }) => row_id)).toEqual([rows[0].id]);
});
