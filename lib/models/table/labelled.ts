import type { Config, LabelTask } from '../../config/index.ts';
import { DataError, stableUnit } from '../../data/index.ts';
import {
  type AttributeEncoder,
  type AttributeTable,
  attributeNames,
  attributeWriter,
  readAttributes,
} from '../../features/index.ts';
import type { RunManifest } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { type Answers, type LabelOutcomes, outcomesOf } from './labels.ts';
import { emptySide, splitOf, withLatest } from './split.ts';

/** A table of labelled rows with the parts that its split names. */
export interface SplitTable {
  /** Attributes that are the column which splits it by time: no model reads them. */
  readonly without: readonly string[];
  /** Row numbers as the shop counts them, over all files in the order of their keys. */
  readonly rowIds: Int32Array;
  /** Places of rows with an outcome. */
  readonly train: Int32Array;
  readonly test: Int32Array;
  readonly table: AttributeTable;
}

/** A labelled table as numbers. `train` and `test` are places of rows with an outcome. */
export interface LabelledTable extends SplitTable, LabelOutcomes {
  readonly answers: Answers;
  /** Labels that are no numbers where numbers are asked: their rows are scored, and take part in nothing else. */
  readonly unread: readonly string[];
}

export function labelTask(config: Config, name: string): LabelTask {
  const task = config.tasks[name];
  if (task?.kind !== 'label') throw new DataError(`${name} is no task over a labelled table`);
  return task;
}

/**
 * Reads the table of a source. Rows of split 'test' are for testing, all others for training; without any split a
 * fifth of the rows, by a hash of the row number, is for testing. Where time splits it, the latest training rows have the
 * split 'valid', and attributes that are the column which splits are left out.
 * @param name of the task, for errors
 * @throws DataError when there are no rows, or a split by time leaves a side empty
 */
export async function readSplitTable(
  store: ObjectStore,
  manifest: RunManifest,
  name: string,
  task: Pick<LabelTask, 'source' | 'exclude'>,
): Promise<SplitTable> {
  const inputs = manifest.inputs.labels.filter(({ source }) => source === task.source);
  if (inputs.length === 0) {
    throw new DataError(`task ${name} has no rows: drop a file of source ${task.source} first`);
  }
  const parts = await Promise.all(inputs.map(({ clean }) => readAttributes(store, [clean])));
  const offsets: number[] = [];
  let next = 0;
  parts.forEach((part, i) => {
    next += inputs[i]!.rowsBefore ?? 0;
    offsets.push(next);
    next += inputs[i]!.rows ?? part.rows;
  });
  const whole =
    parts.length === 1
      ? parts[0]!
      : await readAttributes(
          store,
          inputs.map(({ clean }) => clean),
        );
  const rowIds = Int32Array.from(
    parts.flatMap((part, i) => Array.from(part.rowIds, (id) => id + offsets[i]!)),
  );
  const { split, without } = splitOf(manifest.config, task);
  const table = {
    ...whole,
    columns: whole.columns.filter(
      ({ name: column }) => !task.exclude.includes(column) && !without.has(column),
    ),
    splits: split ? withLatest(whole) : whole.splits,
  };
  const named = table.splits.some((split) => split !== '');
  const isTest = (row: number) =>
    named ? table.splits[row] === 'test' : stableUnit('split', String(rowIds[row])) < 0.2;
  const rows = Int32Array.from({ length: table.rows }, (_, i) => i).sort((a, b) => rowIds[a]! - rowIds[b]!);
  const train = rows.filter((row) => !isTest(row));
  const test = rows.filter(isTest);
  if (split && (train.length === 0 || test.length === 0))
    throw emptySide(name, task.source, split, test.length);
  return { without: [...without].sort(), rowIds, train, test, table };
}

/**
 * Reads the table of a label task.
 * @throws DataError as `readSplitTable`, or for labels that tell nothing apart
 */
export async function readLabelled(
  store: ObjectStore,
  manifest: RunManifest,
  name: string,
): Promise<LabelledTable> {
  const task = labelTask(manifest.config, name);
  const split = await readSplitTable(store, manifest, name, task);
  const { train, test, table } = split;
  const outcomes = outcomesOf(name, task, table.labels, train);
  const width = outcomes.heads.length;
  const known = (row: number) => !Number.isNaN(outcomes.labels[row * width]);
  const unread = table.labels.filter((_, row) => !known(row));
  return {
    ...split,
    ...outcomes,
    answers: task.answers ?? 'yes-no',
    train: train.filter(known),
    test: test.filter(known),
    unread,
  };
}

/** Of each head, the share of some rows that have it. @param labels (rows, heads) */
export const sharesOf = (labels: Float32Array, heads: number, rows: Int32Array): Float64Array =>
  Float64Array.from(
    { length: heads },
    (_, k) => rows.reduce((sum, row) => sum + labels[row * heads + k]!, 0) / rows.length,
  );

/** Mean and median of some rows' numbers. */
export function usualOf(labels: Float32Array, rows: Int32Array): { mean: number; median: number } {
  const sorted = Float64Array.from(rows, (row) => labels[row]!).sort();
  const middle = (sorted.length - 1) / 2;
  return {
    mean: sorted.reduce((sum, one) => sum + one, 0) / sorted.length,
    median: (sorted[Math.floor(middle)]! + sorted[Math.ceil(middle)]!) / 2,
  };
}

/**
 * Encodes the rows of a table. @returns (rows, width)
 * @throws DataError that names row and column where a value is too large to learn from
 */
export function tableFeatures(table: AttributeTable, encoder: AttributeEncoder): Float32Array {
  const writer = attributeWriter(encoder, table);
  const names = attributeNames(encoder);
  const features = new Float32Array(table.rows * writer.length);
  for (let row = 0; row < table.rows; row++) {
    const from = row * writer.length;
    writer.write(row, features, from);
    const k = features.subarray(from, from + writer.length).findIndex((value) => !Number.isFinite(value));
    if (k < 0) continue;
    throw new DataError(
      `row ${table.rowIds[row]} of a labelled table has a value in column ${names[k]!.group} that gives no finite ` +
        'number: correct it there, or leave such rows out by a rule with the action "quarantine"',
    );
  }
  return features;
}
