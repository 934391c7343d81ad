import { createReadStream, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import {
  ConfigError,
  createPseudonyms,
  DataError,
  loadOrCreateKey,
  NightjarError,
} from '../../lib/data/index.ts';
import { checkClosed, evaluateRun, horizonOf, metricsOf } from '../../lib/evaluate/index.ts';
import { LARGEST, type Outcomes } from '../../lib/models/index.ts';
import { isDated, taskGroups } from '../../lib/run/index.ts';
import { writeWhole } from '../../lib/runtime/index.ts';
import { EXAMPLES, exampleDrops, exampleHome } from '../example-data.ts';
import { FROM_SOURCES } from '../home.ts';
import { openWorkspace, type Workspace } from '../workspace.ts';
import { checkStep, ingestStep, planStep, type RunContext, stageStep } from './run.ts';
import { dayArgument, fixed, runSteps, type Step, table, thousands, workplaceOf } from './shared.ts';
import { listsJson } from './validation-table.ts';

interface BacktestOptions {
  readonly asOf?: string;
  readonly task: string;
  readonly example?: string;
  readonly predictions?: string;
  readonly items: number;
  readonly json?: boolean;
}

interface BacktestContext extends RunContext {
  outcomes?: Outcomes;
  report?: string;
}

/** `nightjar backtest`: what would have been predicted on a past day, and what then happened. */
export function backtestCommand(): Command {
  return new Command('backtest')
    .description(
      'train on what was known before a past day, score that day, and compare with what then happened',
    )
    .option(
      '--as-of <day>',
      'the past day (YYYY-MM-DD); a labelled table needs none, its split decides',
      dayArgument,
    )
    .requiredOption('--task <name>', 'a task of the config')
    .option('--example <name>', "take an example's config and drops instead of the project's own")
    .option('--predictions <file>', 'write the predictions as CSV')
    .option('--items <n>', 'of demand: judge so many items, those that had sold most', itemsArgument, LARGEST)
    .option('--json', 'print the metrics as one JSON object')
    .action(async (options: BacktestOptions, command: Command) => {
      const workspace = options.example
        ? await openExample(options.example, command.optsWithGlobals<{ store?: string }>().store)
        : await workplaceOf(command);
      const task = workspace.config.tasks[options.task];
      if (!task) {
        const known = Object.keys(workspace.config.tasks).join(', ');
        throw new ConfigError(`there is no task "${options.task}"; the config has: ${known}`);
      }
      const context: BacktestContext = { workspace, seconds: {} };
      const dated = hasDay(workspace, options.task);
      const asOf = dated ? (options.asOf ?? null) : null;
      await runSteps(
        context,
        [
          ingestStep,
          planStep({ purpose: 'backtest', asOf, only: options.task }),
          windowStep(options.task),
          checkStep,
          enoughStep(options.task),
          stageStep('finetune'),
          stageStep('score'),
          compareStep(options.task),
        ],
        options.json ?? false,
      );
      await finish(context, options, asOf);
    });
}

function itemsArgument(text: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number from 1 is expected.');
  return Number(text);
}

/** Is the task asked as of a day? A labelled table has none. */
const hasDay = ({ config }: Workspace, task: string): boolean => taskGroups(config, task).some(isDated);

/** Before anything is trained: what cannot be compared need not be scored. */
const windowStep = (task: string): Step<BacktestContext> => ({
  title: 'look whether the window is over',
  async run({ planned }) {
    checkClosed(planned!.manifest, planned!.manifest, [task]);
    return undefined;
  },
});

/** A task that cannot be trained has nothing to be compared. */
const enoughStep = (task: string): Step<BacktestContext> => ({
  title: 'look whether the task can be trained',
  async run({ checked }) {
    const left = checked?.leftOut.find((one) => one.task === task);
    if (left) throw new DataError(`task ${task} cannot be trained as of this day: ${left.why}`);
    return undefined;
  },
});

const compareStep = (task: string): Step<BacktestContext> => ({
  title: 'compare with what happened',
  async run(context) {
    const { outcomes, path, report } = await evaluateRun({
      store: context.workspace.store,
      runId: context.planned!.runId,
      drops: context.drops!,
      seconds: context.seconds,
      tasks: [task],
      now: () => new Date(),
    });
    context.outcomes = outcomes[task]!;
    context.report = join(context.workspace.root, path);
    context.page = report;
    return `${thousands(context.outcomes.ids.length)} compared`;
  },
});

async function finish(
  context: BacktestContext,
  options: BacktestOptions,
  asOf: string | null,
): Promise<void> {
  const { workspace } = context;
  const outcomes = context.outcomes!;
  const dated = hasDay(workspace, options.task);
  const horizonDays = dated ? horizonOf(workspace, options.task) : null;
  const metrics = metricsOf(outcomes, options.items);
  const model = context.page!.models.find(({ tasks }) => tasks.some(({ name }) => name === options.task));
  const kept = model?.comparison?.rows.find((row) => row.kept)?.name;
  const chosen = { ...(kept === undefined ? {} : { kept }), selection: model?.selection ?? [] };
  if (options.predictions) await writePredictions(options.predictions, outcomes, workspace, !dated);
  if (options.json) {
    const lists = outcomes.kind === 'list' ? listsJson(context.page!)[options.task] : {};
    console.log(JSON.stringify({ task: options.task, asOf, horizonDays, ...metrics, ...chosen, ...lists }));
    return;
  }
  const rows = Object.entries(metrics).map(([name, value]) => [
    name,
    COUNTS.has(name) ? thousands(Math.round(value)) : fixed(value, 4),
  ]);
  console.log(table(['measure', 'value'], rows));
  for (const note of chosen.selection) console.log(note);
  const others = context
    .page!.models.flatMap(({ tasks }) => tasks)
    .filter(({ noOutcome }) => noOutcome?.why === 'not asked')
    .map(({ name }) => name);
  if (others.length > 0) {
    console.log(`not compared: ${others.join(', ')} (trained with ${options.task}; ask with --task)`);
  }
  console.log(`report   ${context.report}`);
  if (options.predictions) console.log(`predictions   ${options.predictions}`);
}

/** Measures that are numbers of things. */
const COUNTS: ReadonlySet<string> = new Set([
  ...['n', 'k', 'real', 'expected', 'unknown'],
  ...['treated', 'control', 'persuadables'],
]);

async function writePredictions(
  file: string,
  outcomes: Outcomes,
  workspace: Workspace,
  rows: boolean,
): Promise<void> {
  const pseudonyms = createPseudonyms(await loadOrCreateKey(workspace.keyFile));
  const idOf = (id: string) => (rows ? id : csv(pseudonyms.open(id)));
  await writeWhole(file, `${predictionLines(outcomes, idOf, rows).join('\n')}\n`);
}

function predictionLines(outcomes: Outcomes, idOf: (id: string) => string, rows: boolean): string[] {
  const id = rows ? 'row_id' : 'user_id';
  if (outcomes.kind === 'demand') {
    const { ids, units, low, high, real } = outcomes;
    return [
      'item,units,low,high,real',
      ...ids.map((item, i) => `${csv(item)},${units[i]},${low[i]},${high[i]},${real[i]}`),
    ];
  }
  if (outcomes.kind === 'list') {
    const { ids, lists } = outcomes;
    return [
      `${id},item,rank`,
      ...ids.flatMap((user, i) => lists[i]!.map((item, rank) => `${idOf(user)},${csv(item)},${rank + 1}`)),
    ];
  }
  if (outcomes.kind === 'value') {
    const { ids, values, low, high } = outcomes;
    return [
      `${id},value,low,high`,
      ...ids.map((user, i) => `${idOf(user)},${values[i]},${low[i]},${high[i]}`),
    ];
  }
  if (outcomes.kind === 'uplift') {
    const { ids, uplifts } = outcomes;
    return [`${id},uplift`, ...ids.map((user, i) => `${idOf(user)},${uplifts[i]}`)];
  }
  if (outcomes.kind === 'number') {
    const { ids, numbers, low, high } = outcomes;
    return [`${id},number,low,high`, ...ids.map((row, i) => `${row},${numbers[i]},${low[i]},${high[i]}`)];
  }
  if (outcomes.kind === 'one-of' || outcomes.kind === 'any-of') {
    const { ids, classes, probabilities } = outcomes;
    const own = (row: number) => probabilities.subarray(row * classes.length, (row + 1) * classes.length);
    return [[id, ...classes.map(csv)].join(), ...ids.map((row, i) => [row, ...own(i)].join())];
  }
  const { ids, probabilities } = outcomes;
  return [`${id},probability`, ...ids.map((user, i) => `${idOf(user)},${probabilities[i]}`)];
}

const csv = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

/** The workspace of an example, with its drops in place. */
export async function openExample(name: string, store?: string): Promise<Workspace> {
  const folder = join(EXAMPLES, name);
  if (!existsSync(join(folder, 'nightjar.config.ts'))) {
    const known = readdirSync(EXAMPLES).filter((entry) =>
      existsSync(join(EXAMPLES, entry, 'nightjar.config.ts')),
    );
    const others = FROM_SOURCES ? '' : ' (a clone has the others)';
    throw new ConfigError(`there is no example "${name}"; there are: ${known.join(', ')}${others}`);
  }
  const bucket = store ?? (FROM_SOURCES ? undefined : join(exampleHome(name), 'bucket'));
  const workspace = await openWorkspace({ config: folder, store: bucket, working: 'backtest' });
  const drops = await exampleDrops(name);
  if (drops === undefined) {
    if (store) return workspace;
    throw new NightjarError(
      `example ${name} brings no data: drop its files yourself, "nightjar --config ${folder} drop FILE --source NAME"`,
    );
  }
  for (const file of readdirSync(drops, { recursive: true, withFileTypes: true })) {
    if (!file.isFile()) continue;
    const from = join(file.parentPath, file.name);
    const key = `drop/${from.slice(drops.length + 1).replaceAll('\\', '/')}`;
    if (!(await workspace.store.head(key))) await workspace.store.put(key, createReadStream(from));
  }
  return workspace;
}
