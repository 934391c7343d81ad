import type { Config } from '../config/index.ts';
import { TOLD_FROM } from '../engine/metrics/index.ts';
import type { ShardScores } from '../models/index.ts';

/** What the model says of a row, as a person reads it. */
export interface Said {
  readonly answer: string;
  /** Of a yes or no and of a class the probability of that answer; null of labels and numbers. */
  readonly probability: number | null;
}

/** What a model said of rows, and how little it is sure of each: 1 where two answers are equally likely, 0 where one is certain. */
export interface Doubts {
  readonly doubt: Float64Array;
  readonly saidOf: (row: number) => Said;
}

/**
 * Of a yes or no and of classes one less the margin between the two most probable answers; of labels that of the most doubtful one; of
 * a number the width of its interval as a share of the widest one.
 */
export function doubtsOf({ tasks }: Pick<Config, 'tasks'>, name: string, scores: ShardScores): Doubts {
  const chances = scores.tasks[name]?.probability;
  if (chances) {
    const task = tasks[name];
    const positive = task?.kind === 'label' ? task.positive : '1';
    return {
      doubt: chances.map((chance) => 1 - Math.abs(2 * chance - 1)),
      saidOf: (row) => {
        const yes = chances[row]! >= 0.5;
        return {
          answer: yes ? positive : `not ${positive}`,
          probability: yes ? chances[row]! : 1 - chances[row]!,
        };
      },
    };
  }
  const numbers = scores.numbers?.[name];
  if (numbers) {
    const { number, low, high } = numbers;
    const widths = high.map((end, row) => end - low[row]!);
    const widest = widths.reduce((most, width) => Math.max(most, width), 0);
    return {
      doubt: widths.map((width) => (widest > 0 ? width / widest : 1)),
      saidOf: (row) => ({ answer: String(Number(number[row]!.toPrecision(4))), probability: null }),
    };
  }
  const { classes, exclusive, probabilities } = scores.classes![name]!;
  const of = (row: number) => probabilities.subarray(row * classes.length, (row + 1) * classes.length);
  return {
    doubt: Float64Array.from(scores.users, (_, row) =>
      exclusive ? marginal(of(row)) : mostDoubtful(of(row)),
    ),
    saidOf: (row) => {
      const ranked = classes
        .map((answer, k) => ({ answer, probability: of(row)[k]! }))
        .sort((a, b) => b.probability - a.probability);
      if (exclusive) return ranked[0]!;
      const told = ranked.filter(({ probability }) => probability >= TOLD_FROM).map(({ answer }) => answer);
      return { answer: JSON.stringify(told), probability: null };
    },
  };
}

function marginal(chances: Float64Array): number {
  const [second = 0, first = 1] = chances.slice().sort().slice(-2);
  return 1 - (first - second);
}

const mostDoubtful = (chances: Float64Array): number =>
  chances.reduce((most, chance) => Math.max(most, 1 - Math.abs(2 * chance - 1)), 0);
