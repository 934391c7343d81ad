import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../bin/exit.ts';
import { temporaryFolder } from '../runtime/temp.ts';
import { nightjar, startNightjar } from './command.ts';
import { SLOW } from './nights.ts';
import { AS_OF, file, shopConfig, shopLog } from './shop.ts';

const PAGE = new URL('../../docs/operations.md', import.meta.url);
let folder: string;

beforeAll(async () => {
  folder = await temporaryFolder();
  const defaults = shopConfig();
  const config = shopConfig({
    tasks: { purchase: { kind: 'event', event: 'purchase', horizonDays: 10 } },
    model: { ...defaults.model, layers: 0 },
  });
  await writeFile(join(folder, 'nightjar.config.ts'), `export default ${JSON.stringify(config)};\n`);
  await writeFile(join(folder, 'log.csv'), file(shopLog(60).filter(({ day }) => day < AS_OF)));
  expect(await nightjar(['drop', '--source', 'log', 'log.csv'], folder)).toMatchObject({ code: EXIT.done });
}, SLOW);

describe('Ctrl-C', { timeout: SLOW }, () => {
  // As a terminal does it, which sends the signal to all processes of the command, and as `kill -INT` does it to one.
  it.each([
    ['while the command itself works', 'clean and build day rows', 'group'],
    ['while a job of its own works', 'finetune', 'group'],
    ['sent to the command alone while a job works', 'finetune', 'process'],
  ] as const)(
    '%s ends all of it with its own code, and the same command does the rest',
    async (_, step, to) => {
      // given
      const started = startNightjar(['run', '--as-of', AS_OF], folder);
      // when
      await started.says(`❯ ${step}\n`);
      started.signal('SIGINT', to);
      const { code, stderr } = await started.ended;
      // then
      expect({ code, last: stderr.trimEnd().split('\n').at(-1) }).toEqual({
        code: EXIT.interrupted,
        last: 'nightjar: stopped; the same command goes on from here',
      });
      expect(stderr).not.toContain('    at ');
      // What compiles a checkout's sources ends a moment after the command.
      await expect.poll(started.alive, { timeout: 20_000 }).toBe(false);
    },
  );

  it('leaves what the same command goes on with', async () => {
    expect(await nightjar(['run', '--as-of', AS_OF, '--json'], folder)).toMatchObject({
      code: EXIT.done,
      stderr: '',
    });
  });
});

it('every exit code stands in the list of the documentation, and none but those', () => {
  const section = readFileSync(PAGE, 'utf8').split('\n## Exit codes\n')[1]!.split('\n## ')[0]!;
  const listed = [...section.matchAll(/^\| (\d+) +\|/gm)].map(([, code]) => Number(code));
  expect(listed).toEqual(Object.values(EXIT));
});
