import type { ClassScores, NumberScores } from '../models/index.ts';
import { type TextColumn, textsOf } from './text-column.ts';

/** Columns of labelled tables whose labels are no yes or no: `<task>.class.<i>`, a class each, or `.number`, `.low`, `.high`; `.reasons`. */

/** As `ClassScores`; a column for each class. */
export interface ClassColumns extends Pick<ClassScores, 'exclusive' | 'classes'> {
  readonly chances: readonly Float64Array[];
  readonly reasons: TextColumn;
}

/** As `NumberScores`. */
export type NumberColumns = Readonly<Record<(typeof NUMBERS)[number], Float64Array>> & {
  readonly reasons: TextColumn;
};

export const NUMBERS = ['number', 'low', 'high'] as const;

/** Metadata of the file: the classes of each task, as names may hold any sign. */
const CLASSES = 'nightjar.classes';

interface Writer {
  number(name: string, data: Float64Array): void;
  text(name: string, values: (string | null)[]): void;
}

/** Writes the columns. @returns what the file's metadata must say */
export function writeLabels(
  {
    classes = {},
    numbers = {},
  }: {
    classes?: Readonly<Record<string, ClassScores>> | undefined;
    numbers?: Readonly<Record<string, NumberScores>> | undefined;
  },
  to: Writer,
): Record<string, string> {
  for (const [task, { classes: names, probabilities, reasons }] of Object.entries(classes)) {
    const rows = probabilities.length / names.length;
    names.forEach((_, k) => {
      const column = Float64Array.from({ length: rows }, (_, row) => probabilities[row * names.length + k]!);
      to.number(`${task}.class.${k}`, column);
    });
    to.text(`${task}.reasons`, reasons);
  }
  for (const [task, own] of Object.entries(numbers)) {
    for (const name of NUMBERS) to.number(`${task}.${name}`, own[name]);
    to.text(`${task}.reasons`, own.reasons);
  }
  const told = Object.entries(classes).map(([task, { exclusive, classes: names }]) => [
    task,
    { exclusive, classes: names },
  ]);
  return told.length === 0 ? {} : { [CLASSES]: JSON.stringify(Object.fromEntries(told)) };
}

interface Reader {
  readonly metadata: ReadonlyMap<string, string>;
  /** Names of the tasks that have a column of this ending. */
  named(suffix: string): string[];
  numbers(column: string): Float64Array;
  text(column: string): TextColumn;
}

/** The columns of what `writeLabels` wrote. */
export function readLabels({ metadata, named, numbers, text }: Reader): {
  readonly classes: Readonly<Record<string, ClassColumns>>;
  readonly numbers: Readonly<Record<string, NumberColumns>>;
} {
  const told: Record<string, Pick<ClassScores, 'exclusive' | 'classes'>> = JSON.parse(
    metadata.get(CLASSES) ?? '{}',
  );
  return {
    classes: Object.fromEntries(
      Object.entries(told).map(([task, { exclusive, classes }]) => [
        task,
        {
          ...{ exclusive, classes },
          chances: classes.map((_, k) => numbers(`${task}.class.${k}`)),
          reasons: text(`${task}.reasons`),
        },
      ]),
    ),
    numbers: Object.fromEntries(
      named('.number').map((task) => {
        const [number, low, high] = NUMBERS.map((name) => numbers(`${task}.${name}`));
        return [task, { number: number!, low: low!, high: high!, reasons: text(`${task}.reasons`) }];
      }),
    ),
  };
}

/** The scores of columns. */
export function classScores(
  { exclusive, classes, chances, reasons }: ClassColumns,
  rows: number,
): ClassScores {
  const width = classes.length;
  const probabilities = Float64Array.from(
    { length: rows * width },
    (_, i) => chances[i % width]![Math.floor(i / width)]!,
  );
  return { exclusive, classes, probabilities, reasons: textsOf(reasons, rows) };
}
