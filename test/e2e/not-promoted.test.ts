import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ALL } from '../all.ts';
import { tableConfig, tableRows } from '../models/table/rows.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { nightjar } from './command.ts';
import { SLOW } from './nights.ts';

it.runIf(ALL)(
  'run --retrain says of a new model that did not become champion why',
  async () => {
    // given: a shop whose champion was trained on two files
    const folder = await temporaryFolder();
    const config = { ...tableConfig, model: { ...tableConfig.model, families: ['logistic'] } };
    await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(config)};\n`);
    const drops = join(folder, 'bucket/drop/visits');
    await mkdir(drops, { recursive: true });
    await writeFile(join(drops, 'a.csv'), tableRows());
    await writeFile(join(drops, 'b.csv'), tableRows().replaceAll('boots', 'socks'));
    const run = (...options: string[]) => nightjar(['--store', 'bucket', 'run', ...options], folder);
    const first = await run('--json');
    expect(JSON.parse(first.stdout).notChampions).toEqual([]);
    // when one of them is replaced by a file that is refused
    await writeFile(join(drops, 'a.csv'), 'nothing,of,this\n1,2,3\n');
    const second = await run('--retrain');
    // then
    expect(second.code).toBe(0);
    expect(second.stdout).toMatch(
      /^note {5}label-\S+: the new model did not become champion, and the champion scores: it goes without 1 of the 2 drops/m,
    );
  },
  SLOW,
);
