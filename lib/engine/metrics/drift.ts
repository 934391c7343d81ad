import { softplus } from '../host/index.ts';
import { fitBias, fitPlatt, type Sigmoid } from './calibration.ts';
import type { Numbers } from './input.ts';

/** Rows of one cut-off, with logits of a model that was fitted on what was known before it. */
export interface CutoffRows {
  readonly logits: Numbers;
  readonly labels: Numbers;
}

/** A correction of level and slope, and what it was made from. */
export interface DriftCorrection extends Sigmoid {
  /** Per cut-off its own slope, and the shift of its level once the common slope is applied. */
  readonly cutoffs: readonly { readonly slope: number; readonly shift: number }[];
  /** Mean log loss over the cut-offs, each corrected by what the others say; and without any correction. */
  readonly loss: { readonly corrected: number; readonly plain: number };
  /** Why nothing is corrected; absent where something is. */
  readonly none?: string;
}

/** With fewer there is no telling a lasting drift from the chance of one cut-off. */
const FEWEST = 3;

/**
 * How far probabilities are off at cut-offs that lie after everything a model has learnt from, as slope and intercept of
 * the logit, shrunk by how much the cut-offs differ among themselves: a factor 1 - error^2 / effect^2 where that is above 0
 * (James and Stein 1961, positive part), so that a shift which one cut-off has and another has not is left alone. One
 * cut-off decides nothing. The correction is kept where each cut-off, corrected by what the others say, has a lower mean
 * log loss than as it stands.
 * @param independent windows among the cut-offs that do not overlap: overlapping ones say the same thing twice; default: all
 * @throws CalibrationError as `fitPlatt`
 */
export function fitDrift(cutoffs: readonly CutoffRows[], independent = cutoffs.length): DriftCorrection {
  const usable = cutoffs.filter(({ labels }) => hasBoth(labels));
  const none = (why: string, loss: DriftCorrection['loss']): DriftCorrection => ({
    slope: 1,
    intercept: 0,
    cutoffs: [],
    loss,
    none: why,
  });
  const plain = mean(usable.map((rows) => lossOf(rows, { slope: 1, intercept: 0 })));
  if (usable.length < FEWEST || independent < 2) {
    const few = `cut-offs are too few to tell (${usable.length}, with ${Math.floor(independent)} windows apart; ${FEWEST} and 2 are needed)`;
    return none(few, { corrected: plain, plain });
  }
  const share = Math.min(1, independent / usable.length);
  const corrected = mean(
    usable.map((rows, i) => {
      const others = usable.filter((_, j) => j !== i);
      return lossOf(rows, correction(others, share));
    }),
  );
  if (!(corrected < plain)) {
    return none('it would not have helped at the cut-offs that are known', { corrected, plain });
  }
  return { ...correction(usable, share), loss: { corrected, plain } };
}

function correction(rows: readonly CutoffRows[], share: number): Omit<DriftCorrection, 'loss'> {
  const slopes = rows.map(({ logits, labels }) => (fitPlatt(logits, labels).params as Sigmoid).slope);
  const slope =
    1 +
    shrunk(
      slopes.map((one) => one - 1),
      share,
    );
  const shifts = rows.map(({ logits, labels }) => {
    const scaled = Float64Array.from({ length: logits.length }, (_, i) => slope * logits[i]!);
    return (fitBias(scaled, labels).params as Sigmoid).intercept;
  });
  return {
    slope,
    intercept: shrunk(shifts, share),
    cutoffs: rows.map((_, i) => ({ slope: slopes[i]!, shift: shifts[i]! })),
  };
}

/** The mean of effects, shrunk towards 0 by its squared error. @param share of the effects that count as independent */
function shrunk(effects: readonly number[], share: number): number {
  const effect = mean(effects);
  const squares = effects.reduce((sum, one) => sum + (one - effect) ** 2, 0);
  const error = squares / (effects.length - 1) / (effects.length * share);
  return effect === 0 ? 0 : effect * Math.max(0, 1 - error / effect ** 2);
}

function lossOf({ logits, labels }: CutoffRows, { slope, intercept }: Sigmoid): number {
  let sum = 0;
  for (let i = 0; i < labels.length; i++) {
    const z = slope * logits[i]! + intercept;
    sum += softplus(z) - labels[i]! * z;
  }
  return sum / labels.length;
}

function hasBoth(labels: Numbers): boolean {
  const all = Array.from(labels);
  return all.includes(0) && all.includes(1);
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
