import { Command } from 'commander';
import { deployOf } from '../../lib/config/index.ts';
import { superseded } from '../../lib/run/index.ts';
import { daysArgument, table, workplaceOf, workspaceOf } from './shared.ts';
import {
  askedStore,
  confirm,
  environmentOption,
  explained,
  regionOption,
  type StackOptions,
} from './stack-options.ts';

interface PruneOptions extends StackOptions {
  readonly olderThan?: number;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** `nightjar prune`: deletes what nothing reads any more. */
export function pruneCommand(): Command {
  return new Command('prune')
    .description(
      'delete rows of outdated revisions and what past runs left: all that no run of now or of the last days reads',
    )
    .option('--stack', 'of a deployed environment instead of the folder')
    .addOption(environmentOption())
    .addOption(regionOption())
    .option('--older-than <days>', 'keep what is younger (default: deploy.retention.runDays)', daysArgument)
    .option('--dry-run', 'only show it')
    .option('--yes', 'delete without asking')
    .option('--json', 'print it for a machine')
    .action((options: PruneOptions, command: Command) => explained(() => prune(options, command)));
}

async function prune(options: PruneOptions, command: Command): Promise<void> {
  const { store, config } = await askedStore(options, command, () =>
    options.dryRun ? workspaceOf(command, { looking: true }) : workplaceOf(command),
  );
  const keepDays = options.olderThan ?? deployOf(config, options.env).retention.runDays;
  const keys: string[] = [];
  const found = new Map<string, { objects: number; bytes: number }>();
  for await (const { key, size } of superseded(store, config, { now: new Date(), keepDays })) {
    keys.push(key);
    const prefix = key.slice(0, key.indexOf('/') + 1);
    const sum = found.get(prefix) ?? { objects: 0, bytes: 0 };
    found.set(prefix, { objects: sum.objects + 1, bytes: sum.bytes + size });
  }
  const parts = [...found].map(([prefix, sum]) => ({ prefix, ...sum }));
  if (!options.json) {
    const rows = parts.map(({ prefix, objects, bytes }) => [prefix, objects, bytes / 2 ** 20]);
    const none = `nothing to delete that is older than ${keepDays} days`;
    console.log(rows.length === 0 ? none : table(['prefix', 'objects', 'MiB'], rows));
  }
  const question = `Delete ${keys.length} objects?`;
  const wanted = keys.length > 0 && !options.dryRun && (options.yes || (await confirm(question)));
  if (wanted) for (const key of keys) await store.delete(key);
  const deleted = wanted ? keys.length : 0;
  if (options.json) console.log(JSON.stringify({ keepDays, parts, deleted }, null, 2));
  else if (wanted) console.log(`deleted ${deleted} objects`);
}
