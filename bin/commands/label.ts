import { resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { createPseudonyms, loadOrCreateKey } from '../../lib/data/index.ts';
import { labelFile, type NextRows, nextToLabel } from '../../lib/label/index.ts';
import { unlabelledOf } from '../../lib/run/index.ts';
import { writeWhole } from '../../lib/runtime/index.ts';
import { CALL } from '../home.ts';
import { fixed, table, thousands, workspaceOf } from './shared.ts';

interface LabelOptions {
  readonly next: number;
  readonly task?: string;
  readonly out?: string;
  readonly json?: boolean;
}

/** `nightjar label`: which rows without a label a person should label next. */
export function labelCommand(): Command {
  return new Command('label')
    .description(
      'choose rows that nobody has labelled for a person to label: those that the last night was least sure of, and no two alike (docs/recipes.md)',
    )
    .requiredOption('--next <n>', 'how many rows, 2,000 at most (required)', countArgument)
    .option('--task <name>', 'a label task with "unlabelled" (default: the only one)')
    .option('--out <file>', 'write them as csv to fill in and drop again, with what the model thinks')
    .option('--json', 'print it for a machine')
    .action(async (options: LabelOptions, command: Command) => {
      const { store, config, keyFile } = await workspaceOf(command);
      const tasks = Object.keys(config.tasks).filter((name) => unlabelledOf(config, name));
      const next = await nextToLabel({ store, tasks, task: options.task, count: options.next });
      const pseudonyms = createPseudonyms(await loadOrCreateKey(keyFile));
      const users = next.rows.map(({ user }) => (user === null ? null : pseudonyms.open(user)));
      const file = options.out === undefined ? undefined : labelFile(next, config, users);
      const path = options.out === undefined ? undefined : resolve(options.out);
      if (file && path !== undefined) await writeWhole(path, file.text);
      if (options.json) {
        const rows = next.rows.map((row, place) => ({ ...row, user: users[place]! }));
        const written = file ? { file: path, label: file.label, warnings: file.warnings } : {};
        console.log(JSON.stringify({ ...next, rows, ...written }, null, 2));
        return;
      }
      console.log(summary(next));
      if (!file) console.log(`\n${rowsText(next)}`);
      else {
        for (const warning of file.warnings) console.log(`note: ${warning}`);
        console.log(
          `fill in the column "${file.label}" of ${path}, then: ${CALL} drop ${options.out} --source ${next.source}`,
        );
      }
    });
}

/** '100 of 812 rows to label for intent, by the night of 2026-06-10 (12 say what another one says)' */
function summary({ rows, answered, repeated, unsuited, task, asOf }: NextRows): string {
  const notes = [
    ...(repeated > 0 ? [`${thousands(repeated)} say what a labelled row or another one says`] : []),
    ...(unsuited > 0
      ? [
          `${thousands(unsuited)} left out: no text, no user where the labelled table wants one, or a text that begins like a formula`,
        ]
      : []),
  ];
  const same = notes.length > 0 ? ` (${notes.join('; ')})` : '';
  return `${thousands(rows.length)} of ${thousands(answered)} rows to label for ${task}, by the night of ${asOf}${same}`;
}

/** Characters of a row's attributes. */
const SHOWN = 72;

const rowsText = ({ rows }: NextRows): string =>
  table(
    ['id', 'answer', 'probability', 'doubt', 'row'],
    rows.map(({ id, answer, probability, doubt, values }) => [
      ...[id, answer, fixed(probability), fixed(doubt)],
      Object.values(values)
        .filter((value) => value !== null)
        .join(' | ')
        .replaceAll(/\s+/g, ' ')
        .slice(0, SHOWN),
    ]),
  );

/** More rows than this no person labels in a day. */
const MOST = 2000;

function countArgument(text: string): number {
  const count = Number(text);
  if (Number.isInteger(count) && count >= 1 && count <= MOST) return count;
  throw new InvalidArgumentError(`a whole number from 1 to ${MOST} is expected`);
}
