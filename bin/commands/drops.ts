import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Command } from 'commander';
import { previewDrop } from '../../lib/clean/index.ts';
import { ConfigError, createPseudonyms, NightjarError } from '../../lib/data/index.ts';
import { writeWhole } from '../../lib/runtime/index.ts';
import { CALL } from '../home.ts';
import { table, workspaceOf } from './shared.ts';
import { STARTER } from './starter.ts';

/** `nightjar init`: a commented config to start from. */
export function initCommand(): Command {
  return new Command('init')
    .description('write a commented nightjar.config.ts to start from')
    .argument('[folder]', 'where to write it; it is made if it is not there', '.')
    .option('--json', 'print the path for a machine')
    .action(async (folder: string, options: { json?: boolean }) => {
      const file = resolve(folder, 'nightjar.config.ts');
      if (existsSync(file)) throw new ConfigError(`${file} is there already: it was left as it is`);
      await mkdir(resolve(folder), { recursive: true });
      await writeWhole(file, STARTER);
      if (options.json) console.log(JSON.stringify({ config: file }));
      else
        console.log(
          `${file}\nfill in your columns, then: ${CALL} --config ${folder} check <one of your files>`,
        );
    });
}

/** `nightjar check`: what a source's mapping makes of a real file. */
export function checkCommand(): Command {
  return new Command('check')
    .description('check the config, and show ten rows of a real file as they would be read')
    .argument('[file]', 'one of the shop’s files')
    .option('--source <name>', 'the source it belongs to (default: the only one)')
    .option('--json', 'print the rows for a machine')
    .action(
      async (file: string | undefined, options: { source?: string; json?: boolean }, command: Command) => {
        const { config } = await workspaceOf(command);
        const sources = Object.keys(config.sources);
        if (!file) {
          const tasks = Object.keys(config.tasks);
          if (options.json) console.log(JSON.stringify({ sources, tasks }));
          else console.log(`the config is right: sources ${sources.join(', ')}; tasks ${tasks.join(', ')}`);
          return;
        }
        const source = options.source ?? (sources.length === 1 ? sources[0]! : undefined);
        if (!source || !config.sources[source]) {
          throw new ConfigError(`say which source the file belongs to: --source ${sources.join(' | ')}`);
        }
        const named = { name: source, source: config.sources[source] };
        // Nothing is stored: any key seals the users on their way through.
        const pseudonyms = createPseudonyms(randomBytes(64));
        const preview = await previewDrop({ file, named, config, pseudonyms });
        if (options.json) console.log(JSON.stringify(preview, null, 2));
        if (preview.status === 'refused') {
          throw new NightjarError(`${file} would be refused: ${preview.reason}. ${preview.hint}`);
        }
        if (options.json) return;
        const columns = Object.keys(preview.rows[0] ?? {});
        const cell = (value: unknown) =>
          value === null || value === undefined ? '–' : String(value).slice(0, 32);
        console.log(
          table(
            columns,
            preview.rows.map((row) => columns.map((column) => cell(row[column]))),
          ),
        );
        for (const { row, reason } of preview.errors) console.log(`row ${row}: ${reason}`);
        const { rowsIn, clean, duplicates, quarantined } = preview;
        console.log(`\n${rowsIn} rows in: ${clean} clean, ${duplicates} duplicates`);
        for (const [condition, rows] of Object.entries(preview.leftOut))
          console.log(`left out     ${rows} rows: ${condition}`);
        for (const [reason, rows] of Object.entries(quarantined))
          console.log(`quarantined  ${rows} rows: ${reason}`);
      },
    );
}
