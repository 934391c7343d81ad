import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { pretrainCommand } from '../../../bin/commands/pretrain.ts';
import { embedTexts, openTextEncoder } from '../../../lib/engine/text/index.ts';

const CONFIG = `import { defineConfig } from 'nightjar';
export default defineConfig({
  shop: { name: 'Tea', timeZone: 'Europe/Vienna' },
  sources: {
    messages: {
      prefix: 'messages/',
      format: 'csv',
      table: 'events',
      columns: { user: 'who', time: 'at', type: "'message'", text: 'wrote' },
    },
  },
  tasks: { writes: { kind: 'event', event: 'message', horizonDays: 7 } },
});
`;

const SMALL = [
  '--layers',
  '1',
  '--width',
  '8',
  '--heads',
  '2',
  '--vocabulary',
  '60',
  '--epochs',
  '1',
  '--json',
];

describe('nightjar pretrain', () => {
  let folder: string;
  let printed: string[];
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightjar-pretrain-'));
    printed = [];
    vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  });
  afterEach(async () => {
    vi.restoreAllMocks();
    await rm(folder, { recursive: true });
  });

  const run = async (...given: string[]) => {
    const program = new Command('nightjar')
      .option('--config <path>', '', '.')
      .option('--store <folder>')
      .exitOverride();
    program.addCommand(pretrainCommand().copyInheritedSettings(program));
    await program.parseAsync(['node', 'nightjar', ...given]);
    return JSON.parse(printed.at(-1)!) as {
      folder: string;
      texts: number;
      vocabulary: number;
      steps: number;
    };
  };

  it('writes the folder that encoders are read from, and leaves no checkpoint', async () => {
    // given
    await writeFile(join(folder, 'a.csv'), `text,n\n${'green tea,1\nblack tea,2\n'.repeat(40)}`);
    const out = join(folder, 'encoder');
    // when
    const result = await run(
      'pretrain',
      '--text',
      join(folder, 'a.csv'),
      '--column',
      'text',
      '--where',
      'n = 2',
      '--out',
      out,
      ...SMALL,
    );
    // then
    expect(result).toMatchObject({ folder: out, texts: 40 });
    expect((await readdir(out)).sort()).toEqual([
      'config.json',
      'model.onnx',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect((await embedTexts(await openTextEncoder(out), ['green tea'])).length).toBe(8);
    expect(await readFile(join(out, 'tokenizer.json'), 'utf8')).not.toContain('"green"');
  });

  it('knows nothing of what was written after the day', async () => {
    // given: "zebra" is written later
    await mkdir(join(folder, 'bucket/drop/messages'), { recursive: true });
    await writeFile(join(folder, 'nightjar.config.ts'), CONFIG);
    const line = (i: number, day: string, text: string) =>
      `u${i % 7},2024-03-${day} 10:00:${10 + (i % 50)},${text} ${i % 9}`;
    const lines = Array.from({ length: 60 }, (_, i) =>
      i % 2 ? line(i, '02', 'where is my tea') : line(i, '20', 'zebra zebra zebra'),
    );
    await writeFile(join(folder, 'bucket/drop/messages/1.csv'), ['who,at,wrote', ...lines].join('\n'));
    const out = join(folder, 'encoder');
    // when
    const where = ['--config', folder, '--store', join(folder, 'bucket')];
    const { texts } = await run(
      ...where,
      'pretrain',
      '--text',
      '--as-of',
      '2024-03-10',
      '--out',
      out,
      ...SMALL,
    );
    // then
    const { model } = JSON.parse(await readFile(join(out, 'tokenizer.json'), 'utf8')) as {
      model: { vocab: object };
    };
    expect(texts).toBe(9);
    expect(Object.keys(model.vocab)).toContain('tea');
    expect(Object.keys(model.vocab).join('')).not.toContain('z');
  });

  it('says what to give: files or a day, and not both', async () => {
    // when / then
    await expect(run('pretrain', '--text')).rejects.toThrow(/which files hold texts, or before which day/);
    await expect(run('pretrain', '--text', 'a.csv', '--as-of', '2024-01-01')).rejects.toThrow(
      /files have no days/,
    );
  });
});
