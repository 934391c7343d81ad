import type { ShardScores } from '../family.ts';
import { probabilityOf, strongest } from '../shared/index.ts';
import { chancesOf } from './chances.ts';
import { intervalOf } from './interval.ts';
import type { Told } from './manifest.ts';

/** What a model's graph said of all rows, in their order. */
export interface RowAnswers {
  readonly heads: number;
  /** What the reasons are of, in words, and how many of them are told. */
  readonly names: readonly string[];
  readonly count: number;
  /** (rows, heads). */
  readonly logits: Float64Array;
  /** (rows, heads, names). */
  readonly effects: Float32Array;
  /** (rows, 2), of a number alone. */
  readonly bounds: Float32Array;
}

/** The scores of a labelled table, as its labels are. */
export function scoresOf(
  task: string,
  told: Told | undefined,
  answers: RowAnswers,
): Pick<ShardScores, 'tasks' | 'classes' | 'numbers'> {
  const { logits, heads } = answers;
  if (!told) {
    const reasons = reasonsOf(answers, () => 0);
    return { tasks: { [task]: { logit: logits, probability: logits.map(probabilityOf), reasons } } };
  }
  if (told.form === 'number') {
    const { mean, deviation } = told.scale;
    const ends = Array.from(logits, (number, row) => {
      const own = [answers.bounds[2 * row]!, answers.bounds[2 * row + 1]!] as const;
      return intervalOf(own, number, told.widened).map((one) => mean + deviation * one);
    });
    const numbers = {
      number: logits.map((one) => mean + deviation * one),
      low: Float64Array.from(ends, ([low]) => low!),
      high: Float64Array.from(ends, ([, high]) => high!),
      reasons: reasonsOf(answers, () => 0),
    };
    return { tasks: {}, numbers: { [task]: numbers } };
  }
  const exclusive = told.form === 'one-of';
  const probabilities = exclusive ? chancesOf(logits, heads) : logits.map(probabilityOf);
  const reasons = reasonsOf(answers, (row) => mostProbable(probabilities, row * heads, heads), exclusive);
  return { tasks: {}, classes: { [task]: { exclusive, classes: told.classes, probabilities, reasons } } };
}

function mostProbable(probabilities: Float64Array, from: number, heads: number): number {
  let best = 0;
  for (let k = 1; k < heads; k++) if (probabilities[from + k]! > probabilities[from + best]!) best = k;
  return best;
}

/**
 * The reasons of one head of each row.
 * @param apart less the mean over the heads: what raises all classes alike moves none of them
 */
function reasonsOf(
  { logits, effects, heads, names, count }: RowAnswers,
  headOf: (row: number) => number,
  apart = false,
): string[] {
  const width = names.length;
  return Array.from({ length: logits.length / heads }, (_, row) => {
    const from = row * heads * width;
    const head = headOf(row);
    const own = effects.slice(from + head * width, from + (head + 1) * width);
    if (apart) {
      for (let k = 0; k < heads; k++) {
        for (let j = 0; j < width; j++) own[j]! -= effects[from + k * width + j]! / heads;
      }
    }
    return strongest(names, own, count);
  });
}
