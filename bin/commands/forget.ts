import { Command } from 'commander';
import { forget, personOf, type Receipt } from '../../lib/forget/index.ts';
import { collected, idsOf, pseudonymsOf } from './person.ts';
import { runSteps, table, thousands, workplaceOf } from './shared.ts';
import { confirm } from './stack-options.ts';

interface ForgetOptions {
  readonly user?: readonly string[];
  readonly file?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly retrainWithin: string;
  readonly json?: boolean;
}

/** `nightjar forget`: every trace of a person. */
export function forgetCommand(): Command {
  return new Command('forget')
    .description(
      "take a person's rows out of the drops and of all that was made of them; it is shown before anything is changed",
    )
    .option(
      '--user <id>',
      "the shop's id of the person; may be given again for further ids of the same person",
      collected,
    )
    .option('--file <path>', 'further ids of the same person, one a line')
    .option('--dry-run', 'only show it')
    .option('--yes', 'do it without asking')
    .option('--retrain-within <days>', 'when models that were trained before are due', '30')
    .option('--json', 'print it for a machine')
    .action(forgetPerson);
}

async function forgetPerson(options: ForgetOptions, command: Command): Promise<void> {
  const ids = await idsOf(options.user ?? [], options.file);
  const workspace = await workplaceOf(command);
  const { store, config } = workspace;
  const pseudonyms = await pseudonymsOf(workspace);
  const person = await personOf(store, pseudonyms, ids);
  const quiet = options.json === true;
  const look = async (write: boolean): Promise<Receipt> => {
    const context: { receipt?: Receipt } = {};
    const input = {
      store,
      config,
      pseudonyms,
      person,
      now: new Date(),
      retrainWithinDays: Number(options.retrainWithin),
    };
    await runSteps(
      context,
      [
        {
          title: write ? 'forget' : 'look',
          run: async (into, tell) => {
            into.receipt = await forget({ ...input, write, progress: tell });
            return undefined;
          },
        },
      ],
      quiet,
    );
    return context.receipt!;
  };
  const found = await look(false);
  if (!quiet) console.log(told(found, person.shared));
  const nothing = found.drops.length + found.objects.length === 0;
  const question = `Take these rows out of ${thousands(found.drops.length)} drops, and out of ${thousands(found.objects.length)} objects?`;
  const wanted = !nothing && !options.dryRun && (options.yes || (await confirm(question)));
  const done = wanted ? await look(true) : undefined;
  if (quiet)
    console.log(
      JSON.stringify({ ...(done ?? found), shared: person.shared.length, done: done !== undefined }, null, 2),
    );
  else if (done)
    console.log(
      `done; the receipt is forgotten/${person.hash}.json, models are due for training by ${done.retrainBy}`,
    );
}

/** What was found, as a person reads it. */
function told({ drops, objects, ids, models }: Receipt, shared: readonly string[]): string {
  if (drops.length + objects.length === 0) return 'nothing is known of this person';
  const lines = [`${ids === 1 ? 'one id' : `${ids} ids, linked ones among them`}`];
  const theirs = drops.filter(({ records }) => records > 0);
  if (theirs.length > 0)
    lines.push(
      table(
        ['drop', 'records'],
        theirs.map(({ key, records }) => [key, records]),
      ),
    );
  const prefixes = new Map<string, number>();
  for (const { key, action } of objects) {
    const name = `${key.slice(0, key.indexOf('/') + 1)} ${action}`;
    prefixes.set(name, (prefixes.get(name) ?? 0) + 1);
  }
  if (prefixes.size > 0) {
    lines.push(
      table(
        ['prefix', 'what becomes of it', 'objects'],
        [...prefixes].map(([name, count]) => {
          const [prefix, ...action] = name.split(' ');
          return [prefix!, action.join(' '), count];
        }),
      ),
    );
  }
  for (const { key, records, shared: mixed, unclear } of drops) {
    if (mixed > 0)
      lines.push(
        `${key}: ${mixed} records hold rows of others, too: write them anew by hand and drop the file again`,
      );
    if (records === 0 && unclear) lines.push(`${key} may name this person (${unclear}): look at it yourself`);
  }
  if (shared.length > 0) lines.push(`${shared.length} ids are linked to others as well and are left alone`);
  if (models.length > 0)
    lines.push(`${models.length} models were trained before and serve until they are trained anew`);
  return lines.join('\n\n');
}
