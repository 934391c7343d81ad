import { Command, Option } from 'commander';
import type { ExplainedLetter, QueueName, StackQueue } from '../../lib/operate/index.ts';
import { table } from './shared.ts';
import {
  configOf,
  confirm,
  environmentOption,
  explained,
  operations,
  regionOption,
  type StackOptions,
} from './stack-options.ts';

interface RedriveOptions extends StackOptions {
  readonly queue?: QueueName;
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Letters that are shown; the others are moved all the same. */
const SHOWN = 100;

/** `nightjar redrive`: dead letters, why they died, and back into their queue with them. */
export function redriveCommand(): Command {
  return new Command('redrive')
    .description('show the dead letters of a deployed environment and why they died, then move them back')
    .option('--stack', 'of a deployed environment: the only place that has dead letters')
    .addOption(environmentOption())
    .addOption(regionOption())
    .addOption(new Option('--queue <name>', 'one queue alone').choices(['clean', 'features']))
    .option('--dry-run', 'only show them')
    .option('--yes', 'move them without asking')
    .option('--json', 'print it for a machine')
    .action((options: RedriveOptions, command: Command) => explained(() => redriveAll(options, command)));
}

async function redriveAll(options: RedriveOptions, command: Command): Promise<void> {
  const { config } = await configOf(command);
  const { explainDead, openStack, redrive } = await operations();
  const stack = await openStack({
    environment: options.env,
    region: options.region,
    shop: config.shop.name,
  });
  const queues = stack.queues.filter(({ name }) => options.queue === undefined || name === options.queue);
  const results: Result[] = [];
  for (const queue of queues) {
    const { dead } = await queue.queue.depth();
    const letters = dead > 0 ? await explainDead(stack, queue, config, SHOWN) : [];
    if (!options.json) print(queue, letters, dead);
    const result = { queue: queue.name, letters: letters.map(shown), moved: 0, left: dead };
    const movable = letters.some(({ readable }) => readable);
    if (movable && !options.dryRun && (options.yes || (await confirm(`Move them back to ${queue.name}?`)))) {
      Object.assign(result, await redrive(stack, queue, new Date()));
      if (!options.json) console.log(`moved ${result.moved} back to ${queue.name}, left ${result.left}`);
    }
    results.push(result);
  }
  if (options.json) console.log(JSON.stringify({ queues: results }, null, 2));
}

interface Result {
  readonly queue: QueueName;
  readonly letters: ReturnType<typeof shown>[];
  moved: number;
  left: number;
}

const shown = ({ id, keys, received, sentAt, why, readable }: ExplainedLetter) => ({
  id,
  keys,
  received,
  sentAt: sentAt.toISOString(),
  why,
  readable,
});

function print({ name }: StackQueue, letters: readonly ExplainedLetter[], dead: number): void {
  if (letters.length === 0) {
    console.log(`${name}: no dead letters`);
    return;
  }
  console.log(`${name}: ${dead} dead letters${dead > letters.length ? `, the first ${letters.length}` : ''}`);
  const rows = letters.map(({ keys, received, sentAt, why }) => [
    keys.join(', ') || '–',
    received,
    sentAt.toISOString().slice(0, 16).replace('T', ' '),
    why,
  ]);
  console.log(table(['object', 'received', 'sent', 'why'], rows));
}
