import type { Recommender } from './interactions.ts';

/** Users and items as vectors: a score is their product, and where items have one, the item's bias. */
export interface Factors extends Recommender {
  /** (users, width) */
  readonly userFactors: Float64Array;
  /** (items, width) */
  readonly itemFactors: Float64Array;
  /** (items); absent where there is none. */
  readonly itemBias?: Float64Array;
}

/** @param width numbers of a vector */
export function recommenderOf(parts: Omit<Factors, 'scores'>, width: number): Factors {
  const { userFactors, itemFactors, itemBias } = parts;
  const items = itemFactors.length / width;
  return {
    ...parts,
    scores(user, out) {
      const from = user * width;
      for (let i = 0; i < items; i++) {
        let score = itemBias ? itemBias[i]! : 0;
        for (let f = 0; f < width; f++) score += userFactors[from + f]! * itemFactors[i * width + f]!;
        out[i] = score;
      }
    },
  };
}
