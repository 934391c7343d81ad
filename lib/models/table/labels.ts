import type { LabelTask } from '../../config/index.ts';
import { DataError } from '../../data/index.ts';

/** What the labels of a table are. */
export type Answers = NonNullable<LabelTask['answers']>;

/** A table's labels as numbers. */
export interface LabelOutcomes {
  /** The classes or labels that training rows have, ascending; the task's name for a yes or no and for a number. */
  readonly heads: readonly string[];
  /**
   * (rows, heads): 1 where a row has the class or label, else 0; the number itself. A row of a class that no training row has is 0 in
   * all of them, one whose label is no number NaN.
   */
  readonly labels: Float32Array;
}

/** More different labels than this are no classes: the column is an id, a text or a number. */
const MOST_HEADS = 500;

/**
 * The labels of a table as a task reads them. Classes are those of the training rows alone.
 * @param texts one per row
 * @param train row numbers
 * @throws DataError when the training rows tell nothing apart, or the labels are not what the task says
 */
export function outcomesOf(
  name: string,
  task: LabelTask,
  texts: readonly string[],
  train: Int32Array,
): LabelOutcomes {
  switch (task.answers ?? 'yes-no') {
    case 'yes-no':
      return yesOrNo(name, task, texts, train);
    case 'one-of':
      return classes(
        name,
        texts.map((text) => [text]),
        train,
      );
    case 'any-of':
      return classes(
        name,
        texts.map((text) => labelsIn(text, task.separator)),
        train,
      );
    case 'number':
      return numbers(name, texts, train);
  }
}

function yesOrNo(
  name: string,
  { positive }: LabelTask,
  texts: readonly string[],
  train: Int32Array,
): LabelOutcomes {
  const labels = Float32Array.from(texts, (text) => Number(text.toLowerCase() === positive.toLowerCase()));
  const positives = train.reduce((sum, row) => sum + labels[row]!, 0);
  if (positives === 0 || positives === train.length) {
    throw new DataError(
      `task ${name}: ${positives} of ${train.length} training rows have the label "${positive}"; the table's ` +
        `labels are ${someOf(texts)}: set tasks.${name}.positive to one of them`,
    );
  }
  return { heads: [name], labels };
}

/** @param each the classes or labels of each row */
function classes(name: string, each: readonly (readonly string[])[], train: Int32Array): LabelOutcomes {
  const heads = [...new Set(Array.from(train, (row) => each[row]!).flat())].sort();
  const seen = `the training rows have ${heads.length} different labels (${someOf(heads)})`;
  if (heads.length < 2) throw new DataError(`task ${name}: ${seen}; at least 2 are needed to tell apart`);
  if (heads.length > MOST_HEADS) {
    throw new DataError(
      `task ${name}: ${seen}; at most ${MOST_HEADS} can be told apart: map another column as the label, group rare ` +
        `ones by an expression, or set tasks.${name}.answers to 'number' if they are amounts`,
    );
  }
  const places = new Map(heads.map((head, k) => [head, k]));
  const labels = new Float32Array(each.length * heads.length);
  each.forEach((own, row) => {
    for (const label of own) {
      const k = places.get(label);
      if (k !== undefined) labels[row * heads.length + k] = 1;
    }
  });
  return { heads, labels };
}

function numbers(name: string, texts: readonly string[], train: Int32Array): LabelOutcomes {
  const labels = Float32Array.from(texts, numberIn);
  const known = new Set(Array.from(train, (row) => labels[row]!).filter((one) => !Number.isNaN(one)));
  if (known.size < 2) {
    throw new DataError(
      `task ${name}: the training rows have ${known.size} different numbers as labels; the table's labels are ` +
        `${someOf(texts)}: map a column of numbers as the label, or leave tasks.${name}.answers out`,
    );
  }
  return { heads: [name], labels };
}

/** The number that a label is; NaN where it is none. */
function numberIn(text: string): number {
  const number = text.trim() === '' ? Number.NaN : Number(text);
  return Number.isFinite(number) ? number : Number.NaN;
}

/** The labels of a row: a JSON list, or parts between separators; each once. */
export function labelsIn(text: string, separator = ','): string[] {
  return [...new Set(listed(text) ?? text.split(separator).map((part) => part.trim()))].filter(
    (label) => label !== '',
  );
}

function listed(text: string): string[] | undefined {
  if (!text.trimStart().startsWith('[')) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.map(String) : undefined;
  } catch {
    return undefined;
  }
}

const someOf = (texts: readonly string[]): string =>
  [...new Set(texts)]
    .slice(0, 5)
    .map((label) => `"${label}"`)
    .join(', ');
