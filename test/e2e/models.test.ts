import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ALL } from '../all.ts';
import { tableConfig, tableRows } from '../models/table/rows.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { nightjar } from './command.ts';
import { SLOW } from './nights.ts';

it.runIf(ALL)(
  'models lists, shows and compares versions, promotes one and takes one back',
  async () => {
    // given: a shop whose second training was refused
    const folder = await temporaryFolder();
    const config = { ...tableConfig, model: { ...tableConfig.model, families: ['logistic'] } };
    await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(config)};\n`);
    const drops = join(folder, 'bucket/drop/visits');
    await mkdir(drops, { recursive: true });
    const command = (...args: string[]) => nightjar(['--store', 'bucket', ...args], folder);
    const json = async (...args: string[]) => JSON.parse((await command(...args, '--json')).stdout);
    await writeFile(join(drops, 'a.csv'), tableRows());
    await command('run');
    const flip = (line: string) =>
      line.replace(/,(yes|no),/, (_, said) => (said === 'yes' ? ',no,' : ',yes,'));
    await writeFile(join(drops, 'a.csv'), tableRows().split('\n').map(flip).join('\n'));
    const refused = await command('run', '--retrain');
    expect(refused.stdout).toMatch(
      /^note {5}label-\S+: the new model did not become champion, and the champion scores: bought: .*rank correlation/m,
    );
    // when
    const { groups } = await json('models', 'list');
    const champion = groups[0].champion.version;
    const other = groups[0].versions.find(({ version }: { version: string }) => version !== champion).version;
    const { stdout } = await command('models', 'list');
    // then
    expect(stdout).toMatch(new RegExp(`bought +${champion} +– +serves +bought auroc 0\\.\\d{3}`));
    expect(stdout).toMatch(new RegExp(`bought +${other} +– +never served`));
    const shown = await command('models', 'show', 'bought', other);
    expect(shown.stdout).toMatch(/^refused {3}bought: [\s\S]*\n {2}FAIL {2}bought: rank correlation/m);
    expect((await command('models', 'diff', 'bought', champion, other)).stdout).toMatch(
      /^inputs .* differs$/m,
    );
    // when
    await command('models', 'promote', 'bought', other, '--why', 'meant so');
    expect(await json('models', 'show', 'bought')).toMatchObject({
      version: other,
      state: 'serves',
      champion: { reason: 'promoted by hand: meant so' },
    });
    const back = await command('models', 'rollback', 'bought', '--why', 'odd');
    // then
    expect(back.stdout).toBe(
      `${champion} serves bought from the next night on (${other} was taken back: odd)\n`,
    );
    const again = await command('models', 'rollback', 'bought', '--why', 'odd');
    expect(again.code).toBe(1);
    expect(again.stderr).toMatch(/no other version of label-\S+ served before/);
    expect((await command('models', 'rollback', 'bought')).code).toBe(2);
  },
  SLOW,
);
