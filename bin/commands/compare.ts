import { Command, InvalidArgumentError } from 'commander';
import type { Config } from '../../lib/config/index.ts';
import { ConfigError, DataError, formatDay, parseDay } from '../../lib/data/index.ts';
import { type ComparedTask, compareLists, compareModels, horizonOf } from '../../lib/evaluate/index.ts';
import {
  CANDIDATES,
  FAMILIES,
  type ListTrials,
  offered,
  offeredLists,
  type Trials,
  type TrialsContext,
} from '../../lib/models/index.ts';
import { isDated, lastDays, planRun, taskGroups, withGatheredUsers } from '../../lib/run/index.ts';
import { printComparedLists } from './compared-lists.ts';
import { ingestStep, type RunContext } from './run.ts';
import {
  behindBy,
  between,
  dayArgument,
  fixed,
  runSteps,
  type Step,
  table,
  thousands,
  workplaceOf,
} from './shared.ts';

interface CompareOptions {
  readonly asOf?: readonly string[];
  readonly task: string;
  readonly models?: readonly string[];
  readonly budget?: number;
  readonly json?: boolean;
}

interface CompareContext extends RunContext {
  trials?: Trials;
  /** Of a list task. */
  lists?: ListTrials;
  /** Was the time over before all was tried? */
  cut?: boolean;
}

/** `nightjar compare`: every kind of model side by side over past days. */
export function compareCommand(): Command {
  return new Command('compare')
    .description('try every kind of model as of past days, side by side: quality, calibration, time, size')
    .requiredOption('--task <name>', 'a task of the config')
    .option(
      '--as-of <days>',
      'past days (YYYY-MM-DD,…); default: the latest whose windows are over; not for a labelled table',
      daysArgument,
    )
    .option(
      '--models <names>',
      'families or names of models (logistic,trees,forest,network,…; of lists neighbours,als,bpr); default: of the config, of lists all',
      namesArgument,
    )
    .option('--budget <minutes>', 'begin no further fit after so many minutes', minutesArgument)
    .option('--json', 'print the comparison for a machine')
    .action(async (options: CompareOptions, command: Command) => {
      const workspace = await workplaceOf(command);
      checkAsked(workspace.config, options);
      const context: CompareContext = { workspace, seconds: {} };
      await runSteps(context, [ingestStep, planned(options), tried(options)], options.json ?? false);
      const { trials, lists } = context;
      const compared = trials && compareModels(trials, options.task);
      const comparedLists = lists && compareLists(lists);
      if (!compared && !comparedLists) {
        const days = (trials ?? lists)!.trials.flatMap(({ day }) => (day === null ? [] : formatDay(day)));
        throw new DataError(
          `no row has an outcome of ${options.task} ${whenOf(days)}: ` +
            'its windows are not over yet, or nobody was in its population then',
        );
      }
      if (options.json) {
        console.log(JSON.stringify(compared ?? comparedLists));
        return;
      }
      if (compared) print(compared);
      if (comparedLists) printComparedLists(comparedLists);
      if (context.cut) console.log(`the time was over, ${options.budget} minutes: no further fit was begun`);
    });
}

/** @throws ConfigError for what cannot be compared, whatever the data are */
function checkAsked(config: Config, { task, asOf, models }: CompareOptions): void {
  const [group] = taskGroups(config, task);
  if (!group) {
    throw new ConfigError(
      `there is no task "${task}"; the config has: ${Object.keys(config.tasks).join(', ')}`,
    );
  }
  const { trials, listTrials } = FAMILIES[group.kind];
  if (!trials && !listTrials) {
    throw new ConfigError(
      `${task} is a task of ${group.kind}, which has no models to choose from: nothing to compare`,
    );
  }
  if (asOf && !isDated(group)) {
    throw new ConfigError(
      `${task} is a task of a labelled table, which has no days: leave --as-of out, its split decides`,
    );
  }
  if (listTrials) offeredLists(models);
  else offered(CANDIDATES, config, models);
}

const planned = ({ task }: CompareOptions): Step<CompareContext> => ({
  title: 'name the inputs',
  async run(context) {
    const { store, config } = context.workspace;
    const drops = context.drops!;
    const dated = taskGroups(config, task).some(isDated);
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
    const until = Date.now() + (options.budget ?? Number.POSITIVE_INFINITY) * 60_000;
    const { trials, listTrials } = FAMILIES[group.kind];
    await withGatheredUsers(store, manifest, { progress: tell }, async (users) => {
      const asked: TrialsContext = {
        store,
        manifest,
        users,
        group,
        progress: tell,
        names: options.models,
        task: options.task,
        days:
          manifest.asOf === null || !options.asOf
            ? undefined
            : daysOf(
                options.asOf,
                parseDay(manifest.asOf),
                options.task,
                horizonOf({ config }, options.task),
              ),
        goOn: () => {
          context.cut = Date.now() >= until;
          return !context.cut;
        },
      };
      if (listTrials) context.lists = await listTrials(asked);
      else context.trials = await trials!(asked);
    });
    return undefined;
  },
});

/** @param known day until which events are known @throws DataError for a day whose window is not over */
function daysOf(asOf: readonly string[], known: number, task: string, horizon: number): number[] {
  const days = [...new Set(asOf.map(parseDay))].sort((a, b) => a - b);
  const open = days.find((day) => day + horizon > known);
  if (open !== undefined) {
    throw new DataError(
      `the ${horizon} days of ${task} after ${formatDay(open)} are not over: events are known until ${formatDay(known)}, ` +
        `so choose a day up to ${formatDay(known - horizon)}`,
    );
  }
  return days;
}

const whenOf = (days: readonly string[]): string =>
  days.length > 0 ? `as of ${days.join(', ')}` : 'on held-out training rows';

function print({ task, days, n, models, leftOut }: ComparedTask): void {
  console.log(`${task} ${whenOf(days)}: ${thousands(n)} rows`);
  const head = ['model', 'log loss', '95 %', 'behind', 'AUROC', '95 %', 'ECE', 'fit s', 'rows/s', 'kB'];
  const rows = models.map((one) => [
    one.name,
    fixed(one.logLoss, 4),
    between(one.logLossInterval),
    behindBy(one.behind),
    fixed(one.auroc, 4),
    between(one.aurocInterval),
    fixed(one.ece),
    fixed(one.fitSeconds, 1),
    one.rowsPerSecond === null ? '–' : thousands(Math.round(one.rowsPerSecond)),
    one.bytes === null ? '–' : thousands(Math.round(one.bytes / 1000)),
  ]);
  console.log(table(head, rows));
  if (leftOut.length > 0) {
    console.log(`left out, not begun in time or not possible at every day: ${leftOut.join(', ')}`);
  }
  console.log(
    '"behind" is the log loss above that of the first; (noise): a paired bootstrap over users cannot tell them apart',
  );
}

const daysArgument = (text: string): string[] => text.split(',').map((day) => dayArgument(day.trim()));

function namesArgument(text: string): string[] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) throw new InvalidArgumentError('families or names of models are expected.');
  return names;
}

function minutesArgument(text: string): number {
  const minutes = Number(text);
  if (!(minutes > 0)) throw new InvalidArgumentError('a number of minutes above 0 is expected.');
  return minutes;
}
