import { Command, InvalidArgumentError } from 'commander';
import { ConfigError, DataError, formatDay, parseDay } from '../../lib/data/index.ts';
import { type ComparedTask, compareModels, horizonOf } from '../../lib/evaluate/index.ts';
import { FAMILIES, type Trials } from '../../lib/models/index.ts';
import { lastDays, overUsers, planRun, taskGroups } from '../../lib/run/index.ts';
import { ingestStep, type RunContext } from './run.ts';
import { dayArgument, fixed, runSteps, type Step, table, thousands, workplaceOf } from './shared.ts';

interface CompareOptions {
  readonly asOf?: readonly string[];
  readonly task: string;
  readonly models?: readonly string[];
  readonly budget?: number;
  readonly json?: boolean;
}

interface CompareContext extends RunContext {
  trials?: Trials;
}

/** `nightjar compare`: every kind of model side by side over past days. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('try every kind of model as of past days, side by side: quality, calibration, time, size')
    .requiredOption('--task <name>', 'a task of the config')
    .option(
      '--as-of <days>',
      'past days (YYYY-MM-DD,…); default: the latest whose windows are over',
      daysArgument,
    )
    .option(
      '--models <names>',
      'families or names of models (logistic,trees,forest,network,…); default: of the config',
      namesArgument,
    )
    .option('--budget <minutes>', 'begin no further fit after so many minutes', minutesArgument)
    .option('--json', 'print the comparison for a machine')
    .action(async (options: CompareOptions, command: Command) => {
      const context: CompareContext = { workspace: await workplaceOf(command), seconds: {} };
      await runSteps(context, [ingestStep, planned(options), tried(options)], options.json ?? false);
      const compared = compareModels(context.trials!, options.task);
      if (!compared)
        throw new DataError(`no window of ${options.task} was over after these days: name earlier ones`);
      if (options.json) console.log(JSON.stringify(compared));
      else print(compared);
    });
}

const planned = ({ task }: CompareOptions): Step<CompareContext> => ({
  title: 'name the inputs',
  async run(context) {
    const { store, config } = context.workspace;
    if (!config.tasks[task]) {
      throw new ConfigError(
        `there is no task "${task}"; the config has: ${Object.keys(config.tasks).join(', ')}`,
      );
    }
    const drops = context.drops!;
    const dated = taskGroups(config, task).some(overUsers);
    const asOf = dated ? formatDay((await lastDays(store, config, drops))!.complete + 1) : null;
    context.planned = await planRun({ store, config, drops, purpose: 'backtest', asOf, only: task });
    return asOf === null ? undefined : `what happened is known until ${asOf}`;
  },
});

const tried = (options: CompareOptions): Step<CompareContext> => ({
  title: 'try the models',
  async run(context, tell) {
    const { store, config } = context.workspace;
    const { manifest } = context.planned!;
    const group = manifest.groups.find(({ tasks }) => tasks.includes(options.task))!;
    const family = FAMILIES[group.kind];
    if (!family.trials) {
      throw new ConfigError(
        `${options.task} is a task of lists, which have one kind of model: nothing to compare`,
      );
    }
    const until = Date.now() + (options.budget ?? Number.POSITIVE_INFINITY) * 60_000;
    context.trials = await family.trials({
      store,
      manifest,
      group,
      progress: tell,
      names: options.models,
      task: options.task,
      days:
        manifest.asOf === null || !options.asOf
          ? undefined
          : daysOf(options.asOf, parseDay(manifest.asOf), options.task, horizonOf({ config }, options.task)),
      goOn: () => Date.now() < until,
    });
    return undefined;
  },
});

/** @param known day until which events are known @throws DataError for a day whose window is not over */
function daysOf(asOf: readonly string[], known: number, task: string, horizon: number): number[] {
  const days = asOf.map(parseDay).sort((a, b) => a - b);
  const open = days.find((day) => day + horizon > known);
  if (open !== undefined) {
    throw new DataError(
      `the ${horizon} days of ${task} after ${formatDay(open)} are not over: events are known until ${formatDay(known)}, ` +
        `so choose a day up to ${formatDay(known - horizon)}`,
    );
  }
  return days;
}

function print({ task, days, n, models, leftOut }: ComparedTask): void {
  const when = days.length > 0 ? `as of ${days.join(', ')}` : 'on held-out training rows';
  console.log(`${task} ${when}: ${thousands(n)} rows`);
  const between = (interval: readonly [number, number] | null) =>
    interval ? `${fixed(interval[0])} to ${fixed(interval[1])}` : '–';
  const head = ['model', 'log loss', '95 %', 'behind', 'AUROC', '95 %', 'ECE', 'fit s', 'rows/s', 'kB'];
  const rows = models.map((one) => [
    one.name,
    fixed(one.logLoss, 4),
    between(one.logLossInterval),
    one.behind ? `${fixed(one.behind.difference, 4)}${one.behind.noise ? ' (noise)' : ''}` : '',
    fixed(one.auroc, 4),
    between(one.aurocInterval),
    fixed(one.ece),
    fixed(one.fitSeconds, 1),
    one.rowsPerSecond === null ? '–' : thousands(Math.round(one.rowsPerSecond)),
    one.bytes === null ? '–' : thousands(Math.round(one.bytes / 1000)),
  ]);
  console.log(table(head, rows));
  if (leftOut.length > 0) console.log(`not at every day: ${leftOut.join(', ')}`);
  console.log(
    '"behind" is the log loss above that of the first; (noise): a paired bootstrap over users cannot tell them apart',
  );
}

const daysArgument = (text: string): string[] => text.split(',').map((day) => dayArgument(day.trim()));
const namesArgument = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');

function minutesArgument(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new InvalidArgumentError('a number of minutes above 0 is expected.');
  return minutes;
}
