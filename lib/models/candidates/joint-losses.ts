import type { JointAnswers } from './heads.ts';

/** What was said of rows whose heads hang together, and what is known of them. */
export interface JointRows {
  readonly answers: JointAnswers;
  readonly heads: number;
  /** The number of each row's class, or its number. */
  readonly truth: Float64Array;
}

/** @param outcomes (rows, heads), see `Material.outcomes` */
export function jointTruth(outcomes: Float32Array, answers: JointAnswers, heads: number): JointRows {
  const truth = Float64Array.from({ length: outcomes.length / heads }, (_, row) =>
    answers === 'number' ? outcomes[row]! : outcomes.subarray(row * heads, (row + 1) * heads).indexOf(1),
  );
  return { answers, heads, truth };
}

/** The loss of each row: -ln of the chance of its class, or the squared error. @param said (rows, heads) */
export function rowLosses({ answers, heads, truth }: JointRows, said: ArrayLike<number>): Float64Array {
  return truth.map((own, row) => {
    if (answers === 'number') return (said[row]! - own) ** 2;
    const from = row * heads;
    let most = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < heads; k++) most = Math.max(most, said[from + k]!);
    let sum = 0;
    for (let k = 0; k < heads; k++) sum += Math.exp(said[from + k]! - most);
    return most + Math.log(sum) - said[from + own]!;
  });
}

export const meanOf = (values: Float64Array): number =>
  values.reduce((sum, one) => sum + one, 0) / values.length;

/** Mean loss of what a candidate said of held-out rows. */
export const jointMeanLoss = (
  said: Float32Array,
  outcomes: Float32Array,
  answers: JointAnswers,
  heads: number,
): number => meanOf(rowLosses(jointTruth(outcomes, answers, heads), said));
