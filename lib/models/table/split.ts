import type { Config, LabelTask, Source } from '../../config/index.ts';
import { DataError } from '../../data/index.ts';
import type { AttributeTable } from '../../features/index.ts';

/** A split of a labelled table by time. */
export type TimeSplit = NonNullable<Extract<Source, { table: 'labels' }>['split']>;

/** Share of the training rows that choose the model, where time says which: the latest, and all of one time. */
const LATEST = 0.15;

/**
 * How a task's table is split by time, if it is, and the attributes that are the column which splits it: of a time that
 * only test rows have a model has learnt nothing.
 */
export function splitOf(
  { sources }: Config,
  { source: name }: Pick<LabelTask, 'source'>,
): { readonly split: TimeSplit | undefined; readonly without: ReadonlySet<string> } {
  const source = sources[name];
  if (source?.table !== 'labels' || !source.split) return { split: undefined, without: new Set() };
  const { split, attributes } = source;
  const same = (expression: string) => columnName(expression) === columnName(split.by);
  const without = Object.values(attributes).flatMap((set) =>
    Array.isArray(set)
      ? set.filter(same)
      : Object.entries(set ?? {}).flatMap(([attribute, expression]) => (same(expression) ? [attribute] : [])),
  );
  return { split, without: new Set(without) };
}

/** A name alone, however it is quoted and spelt. */
const columnName = (expression: string): string =>
  expression
    .trim()
    .replace(/^"(.*)"$/s, '$1')
    .replaceAll('""', '"')
    .toLowerCase();

/** The splits where the latest training rows are 'valid'; as they are where all are of one time. */
export function withLatest({
  splits,
  splitAt,
}: Pick<AttributeTable, 'splits' | 'splitAt'>): readonly string[] {
  const times = Float64Array.from(splitAt.filter((_, row) => splits[row] === 'train')).sort();
  const at = times[Math.floor((1 - LATEST) * times.length)]!;
  const first = at > times[0]! ? at : times.find((time) => time > at);
  if (first === undefined) return splits;
  return splits.map((split, row) => (split === 'train' && splitAt[row]! >= first ? 'valid' : split));
}

/** What is wrong where a split by time leaves no row to train on, or none to test. */
export function emptySide(task: string, source: string, split: TimeSplit, tests: number): DataError {
  const { by, testFrom, train, test } = split;
  const listed = (values: readonly string[] = []) => values.map((value) => `"${value}"`).join(', ');
  if (testFrom !== undefined) {
    const [side, when] = tests === 0 ? ['test', `${testFrom} or later`] : ['training', `before ${testFrom}`];
    return new DataError(
      `task ${task} has no ${side} rows: no row's ${by} is ${when}: set sources.${source}.split.testFrom to another day`,
    );
  }
  const [side, values] = tests === 0 ? (['test', test] as const) : (['train', train] as const);
  return new DataError(
    `task ${task} has no ${side === 'test' ? 'test' : 'training'} rows: no row's ${by} is ${listed(values)}: correct ` +
      `sources.${source}.split.${side}`,
  );
}
