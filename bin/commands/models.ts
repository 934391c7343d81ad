import { Command } from 'commander';
import type { Config } from '../../lib/config/index.ts';
import { ConfigError, NightjarError } from '../../lib/data/index.ts';
import { type GateRecord, gateRecords, leadingMeasure } from '../../lib/models/index.ts';
import {
  type Champion,
  championsOf,
  type Figure,
  promoteByHand,
  readVersions,
  rollBack,
  type VersionRecord,
} from '../../lib/registry/index.ts';
import { type TaskGroup, taskGroups } from '../../lib/run/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';
import { reasonArgument, table, workspaceOf } from './shared.ts';
import {
  askedStore,
  environmentOption,
  explained,
  regionOption,
  type StackOptions,
} from './stack-options.ts';

interface Options extends StackOptions {
  readonly json?: boolean;
  readonly why?: string;
}

interface Opened {
  readonly store: ObjectStore;
  readonly config: Config;
}

/** `nightjar models`: the registry of a bucket. */
export function modelsCommand(): Command {
  return new Command('models')
    .description('the models of a bucket: which serve, why, and what they were worth when they were trained')
    .addCommand(
      looking('list', 'every version of every group of tasks, and which one serves').action(
        (options: Options, command: Command) => opened(options, command, (at) => list(at, options)),
      ),
    )
    .addCommand(
      looking('show', 'one version: its data, figures and the checks that decided about it')
        .argument('<task>', 'a task of the config')
        .argument('[version]', 'default: the one that serves')
        .action((task: string, version: string | undefined, options: Options, command: Command) =>
          opened(options, command, (at) => show(at, task, version, options)),
        ),
    )
    .addCommand(
      looking('diff', 'what differs between two versions: data, settings, figures')
        .argument('<task>', 'a task of the config')
        .argument('<one>', 'a version')
        .argument('<other>', 'another one')
        .action((task: string, one: string, other: string, options: Options, command: Command) =>
          opened(options, command, (at) => diff(at, task, [one, other], options)),
        ),
    )
    .addCommand(
      changing('promote', 'let a version serve from the next night on, whatever the checks said')
        .argument('<task>', 'a task of the config')
        .argument('<version>', 'the version')
        .action((task: string, version: string, options: Options, command: Command) =>
          opened(options, command, (at) => promoteTo(at, task, version, options)),
        ),
    )
    .addCommand(
      changing('rollback', 'let the version that served before serve again from the next night on')
        .argument('<task>', 'a task of the config')
        .action((task: string, options: Options, command: Command) =>
          opened(options, command, (at) => takeBack(at, task, options)),
        ),
    );
}

const looking = (name: string, description: string): Command =>
  new Command(name)
    .description(description)
    .option('--stack', 'of a deployed environment instead of the folder')
    .addOption(environmentOption())
    .addOption(regionOption())
    .option('--json', 'print it for a machine');

const changing = (name: string, description: string): Command =>
  looking(name, description).requiredOption(
    '--why <reason>',
    'stands in the record (required)',
    reasonArgument,
  );

function opened(options: Options, command: Command, work: (at: Opened) => Promise<void>): Promise<void> {
  return explained(async () =>
    work(await askedStore(options, command, () => workspaceOf(command, { looking: true }))),
  );
}

/** What is known of a group's versions. */
interface Known {
  readonly group: TaskGroup;
  readonly versions: readonly VersionRecord[];
  /** Who serves, and who did before, newest first. */
  readonly champions: readonly Champion[];
  readonly withdrawn: readonly string[];
}

async function knownOf(store: ObjectStore, group: TaskGroup): Promise<Known> {
  return {
    group,
    versions: await readVersions(store, group.name),
    ...(await championsOf(store, group.name)),
  };
}

function groupOf({ config }: Opened, task: string): TaskGroup {
  const groups = taskGroups(config);
  const found = groups.find(({ name, tasks }) => tasks.includes(task) || name === task);
  if (found) return found;
  throw new ConfigError(
    `the config has no task "${task}"; it has ${groups.flatMap(({ tasks }) => tasks).join(', ')}`,
  );
}

/** In a word or two: what a version is to its group. */
function stateOf({ champions, withdrawn }: Known, version: string): string {
  if (champions[0]?.version === version) return 'serves';
  if (withdrawn.includes(version)) return 'taken back';
  return champions.some((one) => one.version === version) ? 'served before' : 'never served';
}

async function list({ store, config }: Opened, { json }: Options): Promise<void> {
  const known = await Promise.all(taskGroups(config).map((group) => knownOf(store, group)));
  if (json) {
    const groups = known.map(({ group, champions, ...rest }) => ({
      ...{ group: group.name, tasks: group.tasks, champion: champions[0] ?? null },
      ...{ before: champions.slice(1), ...rest },
    }));
    console.log(JSON.stringify({ groups }, null, 2));
    return;
  }
  const rows = known.flatMap((one) => {
    const { group, versions, champions } = one;
    // Champions of releases before have no record.
    const others = champions.filter(({ version }) => !versions.some((own) => own.version === version));
    const tasks = group.tasks.join(', ');
    return [
      ...versions.map((own) => [
        tasks,
        own.version,
        own.asOf ?? '–',
        stateOf(one, own.version),
        leading(own),
      ]),
      ...others.map(({ version, asOf }) => [tasks, version, asOf ?? '–', stateOf(one, version), '–']),
    ];
  });
  const none = 'no model was trained with these settings yet: "nightjar run" trains the first ones';
  console.log(rows.length === 0 ? none : table(['tasks', 'version', 'as of', 'state', 'held out'], rows));
}

/** The figure that speaks for each task. */
const leading = ({ figures }: VersionRecord): string =>
  Object.entries(figures)
    .flatMap(([task, own]) => {
      const name = leadingMeasure(own);
      return name === undefined ? [] : [`${task} ${name} ${own[name]!.value.toFixed(3)}`];
    })
    .join(', ') || '–';

async function show(at: Opened, task: string, asked: string | undefined, { json }: Options): Promise<void> {
  const known = await knownOf(at.store, groupOf(at, task));
  const version = asked ?? known.champions[0]?.version;
  if (version === undefined)
    throw new NightjarError(`nobody serves ${task} yet: "nightjar run" trains the first model`);
  const record = recordOf(known, version);
  const champion = known.champions.find((one) => one.version === version);
  const gate = (await gateRecords(at.store, record.runId, { groups: [known.group] })).find(
    (one) => one.version === version,
  );
  if (json) {
    console.log(JSON.stringify({ ...record, state: stateOf(known, version), champion, gate }, null, 2));
    return;
  }
  const { data, asOf, runId, parent } = record;
  const lines = [
    `version   ${version} of ${known.group.tasks.join(', ')}: ${stateOf(known, version)}`,
    ...(champion ? [`why       ${champion.reason}`] : []),
    `trained   by ${runId}${asOf === null ? '' : ` as of ${asOf}`}${parent ? `, when ${parent} served` : ''}`,
    `data      ${data.drops} drops${data.firstDay === null ? '' : `, events of ${data.firstDay} to ${data.lastDay}`}`,
    '',
    figuresTable([record]),
    ...(gate ? ['', ...gateLines(gate)] : []),
  ];
  console.log(lines.join('\n'));
}

function gateLines({ checks, unknown, refused, champion }: GateRecord): string[] {
  return [
    refused === undefined
      ? `checks    passed${champion === null ? ': nobody served before' : `, compared with ${champion}`}`
      : `refused   ${refused}`,
    ...checks.map(({ task, passed, said }) => `  ${passed ? 'ok  ' : 'FAIL'}  ${task}: ${said}`),
    ...unknown.map((said) => `  not known: ${said}`),
  ];
}

async function diff(at: Opened, task: string, versions: readonly string[], { json }: Options): Promise<void> {
  const known = await knownOf(at.store, groupOf(at, task));
  const records = versions.map((version) => recordOf(known, version));
  if (json) {
    console.log(JSON.stringify(records, null, 2));
    return;
  }
  const facts: [string, (record: VersionRecord) => string][] = [
    ['as of', ({ asOf }) => asOf ?? '–'],
    ['run', ({ runId }) => runId],
    ['drops', ({ data }) => `${data.drops}`],
    ['first day', ({ data }) => data.firstDay ?? '–'],
    ['last day', ({ data }) => data.lastDay ?? '–'],
    ['inputs', ({ data }) => data.inputs],
    ['config', ({ config }) => config],
    ['seed', ({ seed }) => `${seed}`],
  ];
  const rows = facts.map(([name, of]) => {
    const told = records.map(of);
    return [name, ...told, told[0] === told[1] ? '' : 'differs'];
  });
  console.log(`${table(['', ...versions, ''], rows)}\n\n${figuresTable(records)}`);
}

function figuresTable(records: readonly VersionRecord[]): string {
  const names = new Map<string, [task: string, measure: string]>();
  for (const { figures } of records) {
    for (const [task, own] of Object.entries(figures)) {
      for (const measure of Object.keys(own)) names.set(`${task} ${measure}`, [task, measure]);
    }
  }
  const rows = [...names.values()].map(([task, measure]) => [
    task,
    measure,
    ...records.map(({ figures }) => figureText(figures[task]?.[measure])),
  ]);
  return table(['task', 'held out', ...records.map(({ version }) => version)], rows);
}

function figureText(figure: Figure | undefined): string {
  if (!figure) return '–';
  const { value, interval } = figure;
  return `${value.toFixed(4)}${interval ? ` (${interval[0].toFixed(4)} to ${interval[1].toFixed(4)})` : ''}`;
}

function recordOf({ group, versions }: Known, version: string): VersionRecord {
  const found = versions.find((one) => one.version === version);
  if (found) return found;
  const names = versions.map((one) => one.version).join(', ') || 'none';
  throw new NightjarError(
    `${group.tasks.join(', ')}: version ${version} is not on record; there are: ${names}`,
  );
}

async function promoteTo(at: Opened, task: string, version: string, { why, json }: Options): Promise<void> {
  const known = await knownOf(at.store, groupOf(at, task));
  const { asOf, runId } = known.champions.find((one) => one.version === version) ?? recordOf(known, version);
  const champion = { version, asOf, reason: `promoted by hand: ${why}`, ...(runId ? { runId } : {}) };
  if (await promoteByHand(at.store, known.group.name, champion)) tell(known.group, champion, json);
  else if (json) console.log(JSON.stringify({ group: known.group.name, champion: known.champions[0] }));
  else console.log(`${version} serves ${known.group.tasks.join(', ')} already: nothing was changed`);
}

async function takeBack(at: Opened, task: string, { why, json }: Options): Promise<void> {
  const group = groupOf(at, task);
  tell(group, await rollBack(at.store, group.name, why!), json);
}

function tell({ name, tasks }: TaskGroup, champion: Champion, json = false): void {
  console.log(
    json
      ? JSON.stringify({ group: name, champion })
      : `${champion.version} serves ${tasks.join(', ')} from the next night on (${champion.reason})`,
  );
}
