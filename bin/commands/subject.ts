import { writeFile } from 'node:fs/promises';
import { Command } from 'commander';
import { personOf, subject } from '../../lib/forget/index.ts';
import { collected, idsOf, pseudonymsOf, watchedStep } from './person.ts';
import { workspaceOf } from './shared.ts';

interface SubjectOptions {
  readonly user?: readonly string[];
  readonly file?: string;
  readonly out?: string;
}

/** `nightjar subject`: what is known of one person. */
export function subjectCommand(): Command {
  return new Command('subject')
    .description(
      'all that is known of one person, as JSON: rows as they were dropped, and what was made of them',
    )
    .option(
      '--user <id>',
      "the shop's id of the person; may be given again for further ids of the same person",
      collected,
    )
    .option('--file <path>', 'further ids of the same person, one a line')
    .option('--out <path>', 'a file to write it to (default: standard output)')
    .action(tellSubject);
}

async function tellSubject(options: SubjectOptions, command: Command): Promise<void> {
  const ids = await idsOf(options.user ?? [], options.file);
  const workspace = await workspaceOf(command, { looking: true });
  const { store, config } = workspace;
  const pseudonyms = await pseudonymsOf(workspace);
  const person = await personOf(store, pseudonyms, ids);
  const known = await watchedStep('look', options.out === undefined, (progress) =>
    subject({ store, config, pseudonyms, person, progress }),
  );
  const text = `${JSON.stringify(known, null, 2)}\n`;
  // Nobody else on the machine is to read it.
  if (options.out !== undefined) await writeFile(options.out, text, { mode: 0o600 });
  else process.stdout.write(text);
}
