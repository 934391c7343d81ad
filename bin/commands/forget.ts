import { Command } from 'commander';
import { findTraces, forget, personOf, type Receipt, receiptKey } from '../../lib/forget/index.ts';
import { readJson } from '../../lib/runtime/index.ts';
import { collected, idsOf, pseudonymsOf, watchedStep } from './person.ts';
import { daysArgument, table, thousands, workplaceOf } from './shared.ts';
import { confirm } from './stack-options.ts';

interface ForgetOptions {
  readonly user?: readonly string[];
  readonly file?: string;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly retrainWithin: number;
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
    .option('--retrain-within <days>', 'when models that were trained before are due', daysArgument, 30)
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
  const input = {
    ...{ store, config, pseudonyms, person, now: new Date(), progress: () => {} },
    retrainWithinDays: options.retrainWithin,
  };
  const watched = (title: string, work: (progress: (text: string) => void) => Promise<Receipt>) =>
    watchedStep(title, quiet, work);
  const found = await watched('look', (progress) => findTraces({ ...input, progress }));
  const nothing = found.drops.length + found.objects.length === 0;
  // Of an interrupted command nothing may be left but to say that it is done.
  const begun = await readJson<Receipt>(store, receiptKey(person.hash));
  const unfinished = begun !== undefined && !begun.done;
  if (!quiet) console.log(told(found, person.shared));
  const question = `Take these rows out of ${thousands(found.drops.length)} drops and ${thousands(found.objects.length)} objects?`;
  const wanted = !options.dryRun && (nothing ? unfinished : options.yes || (await confirm(question)));
  const receipt = wanted
    ? await watched('forget', (progress) => forget({ ...input, progress }, found))
    : found;
  if (quiet) console.log(JSON.stringify({ ...receipt, linkedToOthers: person.shared.length }, null, 2));
  else if (wanted) {
    console.log(
      `done; the receipt is ${receiptKey(person.hash)}, models are due for training by ${receipt.retrainBy}`,
    );
  }
}

/** What was found, as a person reads it. */
function told({ drops, objects, ids, models }: Receipt, shared: readonly string[]): string {
  if (drops.length + objects.length === 0) return 'nothing is known of this person';
  const parts = [`${ids === 1 ? 'one id' : `${ids} ids, linked ones among them`}`];
  const rows = drops.filter(({ records }) => records > 0).map(({ key, records }) => [key, records]);
  if (rows.length > 0) parts.push(table(['drop', 'records'], rows));
  const counted = new Map<string, [prefix: string, action: string, objects: number]>();
  for (const { key, action } of objects) {
    const prefix = key.slice(0, key.indexOf('/') + 1);
    const line = counted.get(prefix + action) ?? [prefix, action, 0];
    counted.set(prefix + action, [prefix, action, line[2] + 1]);
  }
  if (counted.size > 0) parts.push(table(['prefix', 'what becomes of it', 'objects'], [...counted.values()]));
  for (const { key, shared: mixed, unclear } of drops) {
    if (mixed > 0) {
      parts.push(
        `${key}: ${mixed} records hold rows of others, too: write them anew by hand and drop the file again`,
      );
    }
    if (unclear) parts.push(`${key} may name this person (${unclear}): look at it yourself`);
  }
  if (shared.length > 0) parts.push(`${shared.length} ids are linked to others as well and are left alone`);
  if (models.length > 0) {
    parts.push(`${models.length} models were trained before and serve until they are trained anew`);
  }
  return parts.join('\n\n');
}
