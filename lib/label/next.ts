import type { LabelTask } from '../config/index.ts';
import { ConfigError, NightjarError } from '../data/index.ts';
import { CURRENT_VIEW, type ExportManifest } from '../export/index.ts';
import { type AttributeColumn, type AttributeTable, readAttributes } from '../features/index.ts';
import { readUnlabelled } from '../models/index.ts';
import { type RunManifest, readManifest, unlabelledOf, unlabelledScoresKey } from '../run/index.ts';
import { getBytes, type ObjectStore, readJson } from '../runtime/index.ts';
import { decodeScores } from '../score/index.ts';
import { chooseNext } from './choose.ts';
import { doubtsOf, type Said } from './doubt.ts';
import { isFormula } from './formula.ts';
import { pointsOf } from './points.ts';

/** A row that a person should label. */
export interface NextRow extends Said {
  readonly id: string;
  /** Pseudonym of whom it is from; null where the row names nobody. */
  readonly user: string | null;
  /** When it came, ms UTC. */
  readonly time: number;
  /** Its attributes, texts first; null where one is missing. */
  readonly values: Readonly<Record<string, string | null>>;
  /** From 0, where one answer is certain, to 1. */
  readonly doubt: number;
}

/** Rows to label next, the first one first. */
export interface NextRows {
  readonly runId: string;
  readonly asOf: string;
  readonly task: string;
  /** The labelled table that they are for. */
  readonly source: string;
  /** Rows that the night answered, … */
  readonly answered: number;
  /** … and how many of them say what a labelled row, or another one of them, says. */
  readonly repeated: number;
  /** Rows that no file can bring back labelled: without any text, without the user that the table wants, or with a text that the guard against formulas would change. */
  readonly unsuited: number;
  readonly rows: readonly NextRow[];
}

/**
 * Which rows without a label a person should label next, by what the last night said of them. Rows that say what a labelled row says
 * are left out, and of several alike all but one.
 * @param task may be left out where one task alone answers such rows
 * @throws ConfigError where no task is meant, NightjarError where no night has answered any
 */
export async function nextToLabel(args: {
  store: ObjectStore;
  task?: string | undefined;
  count: number;
  /** Tasks that answer rows without a label. */
  tasks: readonly string[];
}): Promise<NextRows> {
  const { store, count, tasks } = args;
  const task = taskOf(tasks, args.task);
  const { manifest, runId } = await lastNight(store, task);
  const key = unlabelledScoresKey(runId, task);
  const bytes = await getBytes(store, key);
  const unlabelled = await readUnlabelled(store, manifest, task);
  if (!bytes || !unlabelled) throw notAnswered(task);
  const scores = decodeScores(bytes, key);
  const { table, keys, times } = unlabelled;
  const learnt = manifest.config.tasks[task]!;
  const { source, exclude }: Pick<LabelTask, 'source' | 'exclude'> =
    learnt.kind === 'label' ? learnt : { source: '', exclude: [] };
  const read = { columns: table.columns.filter(({ name }) => !exclude.includes(name)) };
  const suited = Array.from(keys, (_, row) => row).filter(
    (row) => !isUnsuited(manifest.config, source, table, row),
  );
  const rows = unlike(read, suited, await labelledContents(store, manifest, source, read));
  const { doubt, saidOf } = doubtsOf(manifest.config, task, scores);
  // What a person reads comes first.
  const isText = ({ kind }: AttributeColumn) => Number(kind === 'text');
  const told = [...table.columns].sort((a, b) => isText(b) - isText(a));
  const chosen = chooseNext(doubt, rows, count, (pool) => pointsOf(read, pool));
  return {
    ...{ runId, asOf: manifest.asOf!, task, source, answered: keys.length },
    repeated: suited.length - rows.length,
    unsuited: keys.length - suited.length,
    rows: chosen.map((row) => ({
      id: keys[row]!,
      user: table.ids[row] === '' ? null : table.ids[row]!,
      time: times[row]!,
      values: Object.fromEntries(told.map(({ name, values }) => [name, shown(values[row])])),
      ...saidOf(row),
      doubt: doubt[row]!,
    })),
  };
}

function taskOf(tasks: readonly string[], given: string | undefined): string {
  const listed = tasks.join(', ');
  if (tasks.length === 0) {
    throw new ConfigError(
      'no task answers rows without a label: give a task of kind "label" the setting "unlabelled" (docs/config.md)',
    );
  }
  if (given === undefined && tasks.length > 1) {
    throw new ConfigError(`say for which task rows are to be labelled: --task with one of ${listed}`);
  }
  const task = given ?? tasks[0]!;
  if (tasks.includes(task)) return task;
  throw new ConfigError(`"${task}" is no task that answers rows without a label; there are: ${listed}`);
}

const notAnswered = (task: string): NightjarError =>
  new NightjarError(
    `no night has answered rows without a label for ${task} yet: drop some, then "nightjar run" (their days are those before the as-of day)`,
  );

async function lastNight(
  store: ObjectStore,
  task: string,
): Promise<{ manifest: RunManifest; runId: string }> {
  const current = await readJson<ExportManifest>(store, CURRENT_VIEW);
  if (!current) throw notAnswered(task);
  const manifest = await readManifest(store, current.runId);
  if (!unlabelledOf(manifest.config, task)) throw notAnswered(task);
  return { manifest, runId: current.runId };
}

type Columns = Pick<AttributeTable, 'columns'>;

/** What a row says, as a text: equal of rows whose attributes are. */
const contentOf = ({ columns }: Columns, row: number): string =>
  JSON.stringify(columns.map(({ values }) => shown(values[row])));

const shown = (value: string | number | undefined): string | null =>
  value === undefined || Number.isNaN(value) ? null : String(value);

/** What the labelled rows of the night say. */
async function labelledContents(
  store: ObjectStore,
  { inputs }: RunManifest,
  source: string,
  { columns }: Columns,
): Promise<Set<string>> {
  const own = inputs.labels.filter((input) => input.source === source);
  const table = await readAttributes(
    store,
    own.map(({ clean }) => clean),
  );
  const found = new Map(table.columns.map((column) => [column.name, column]));
  const alike = { columns: columns.flatMap(({ name }) => found.get(name) ?? []) };
  return new Set(Array.from({ length: table.rows }, (_, row) => contentOf(alike, row)));
}

function isUnsuited(
  { sources, exports }: RunManifest['config'],
  source: string,
  { columns, ids }: Pick<AttributeTable, 'columns' | 'ids'>,
  row: number,
): boolean {
  const labelled = sources[source];
  if (labelled?.table === 'labels' && labelled.columns.user !== undefined && ids[row] === '') return true;
  const texts = columns.filter(({ kind }) => kind === 'text').map(({ values }) => shown(values[row]) ?? '');
  if (texts.length > 0 && texts.every((text) => text.trim() === '')) return true;
  const written = columns.map(({ values }) => shown(values[row]) ?? '');
  return exports.csvFormulas !== 'keep' && written.some(isFormula);
}

/** Of these rows those that say what no known row and none before them says. */
function unlike(read: Columns, rows: readonly number[], known: Set<string>): number[] {
  const seen = new Set(known);
  return rows.filter((row) => {
    const content = contentOf(read, row);
    if (seen.has(content)) return false;
    seen.add(content);
    return true;
  });
}
