import type { Config } from '../config/index.ts';
import { TOLD_FROM } from '../engine/metrics/index.ts';
import { namedValues } from '../models/index.ts';
import type { ScoreColumns } from '../score/index.ts';
import type { CsvWriter } from './csv.ts';
import type { Column } from './table-file.ts';

/** A task over a labelled table that tells more than yes or no. */
export interface LabelledAnswers {
  readonly task: string;
  readonly form: 'one-of' | 'any-of' | 'number';
}

/** What a task tells of rows; undefined where it is a yes or no. */
export function answersOf({ tasks }: Pick<Config, 'tasks'>, task: string): LabelledAnswers | undefined {
  const own = tasks[task];
  const form = own?.kind === 'label' ? own.answers : undefined;
  return form === undefined || form === 'yes-no' ? undefined : { task, form };
}

/** The columns of a task, in order. */
export function labelColumns({ task, form }: LabelledAnswers): Column[] {
  const values = (part: string, means: string): Column => ({
    ...{ name: `${task}_${part}`, type: 'VARCHAR', list: 'values' },
    means,
  });
  const number = (part: string, means: string): Column => ({
    name: `${task}_${part}`,
    type: 'DOUBLE',
    means,
  });
  switch (form) {
    case 'one-of':
      return [
        { name: `${task}_class`, type: 'VARCHAR', means: 'the most probable class' },
        number('probability', 'its probability; the probabilities of all classes sum to 1'),
        values('probabilities', 'all classes with their probability, most probable first'),
        values('reasons', 'what speaks for that class: parts of its score less their mean over the classes'),
      ];
    case 'any-of':
      return [
        values('labels', 'labels with a probability of 0.5 or more, most probable first'),
        values('probabilities', 'all labels with their probability'),
        values('reasons', 'what speaks for the most probable label'),
      ];
    case 'number':
      return [
        number('number', 'the expected number'),
        number('low', 'lower end of an interval that holds the number with a chance of 80 %'),
        number('high', 'upper end of it'),
        values('reasons', "what moves the number, in standard deviations of the training rows' numbers"),
      ];
  }
}

/** Writes the fields of a task for a row. */
export function writeLabelFields(
  csv: CsvWriter,
  { task, form }: LabelledAnswers,
  { classes, numbers }: ScoreColumns,
  row: number,
): void {
  if (form === 'number') {
    const { number, low, high, reasons } = numbers[task]!;
    for (const values of [number, low, high]) csv.plain(String(values[row]));
    csv.cell(reasons, row);
    return;
  }
  const { classes: names, chances, reasons } = classes[task]!;
  const ranked = names
    .map((name, k) => ({ name, value: chances[k]![row]! }))
    .sort((a, b) => b.value - a.value);
  if (form === 'one-of') {
    csv.text(ranked[0]!.name);
    csv.plain(String(ranked[0]!.value));
  } else csv.text(namedValues(ranked.filter(({ value }) => value >= TOLD_FROM)));
  csv.text(namedValues(ranked));
  csv.cell(reasons, row);
}
