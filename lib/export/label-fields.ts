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
  const reasons: Column = {
    name: `${task}_reasons`,
    type: 'VARCHAR',
    list: 'values',
    means: 'as of other tasks, of the most probable class, the most probable label, or the number',
  };
  const probabilities: Column = {
    name: `${task}_probabilities`,
    type: 'VARCHAR',
    list: 'values',
    means: 'of every class or label, most probable first',
  };
  switch (form) {
    case 'one-of':
      return [
        { name: `${task}_class`, type: 'VARCHAR', means: 'the most probable class' },
        { name: `${task}_probability`, type: 'DOUBLE', means: 'its probability' },
        probabilities,
        reasons,
      ];
    case 'any-of':
      return [
        {
          name: `${task}_labels`,
          type: 'VARCHAR',
          list: 'values',
          means: 'labels with a probability of 0.5 or more, most probable first',
        },
        probabilities,
        reasons,
      ];
    case 'number':
      return [
        { name: `${task}_number`, type: 'DOUBLE', means: 'the expected number' },
        { name: `${task}_low`, type: 'DOUBLE', means: 'lower end of an interval that holds 80 %' },
        { name: `${task}_high`, type: 'DOUBLE', means: 'upper end of it' },
        reasons,
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
