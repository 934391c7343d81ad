import { spearman } from '../../engine/metrics/index.ts';
import { blended, deviance, type Predictions } from './fit.ts';

/** Predictions of held-out rows beside what was true. */
export interface HeldOut extends Predictions {
  readonly truth: Float64Array;
}

const STEPS = 10;
/** Deviances are alike within this part of the least: a few large customers decide them. */
const ALIKE = 0.03;

/**
 * Weights of the members, from 0 in tenths, together 1. Of those whose mean deviance over the trials is like the least, the ones
 * that order the rows best (Spearman's correlation, the mean over the trials); of equal ones those that lean on the
 * fewest members. A member that could not be fitted in every trial has none.
 * @param trials with a member at least that could be fitted in all of them
 */
export function chooseWeights(trials: readonly HeldOut[], members: number): number[] {
  const overTrials = (of: (trial: HeldOut) => number) =>
    trials.reduce((sum, trial) => sum + of(trial) / trials.length, 0);
  const ways = simplex(members, STEPS)
    .filter((weights) =>
      weights.every((weight, m) => weight === 0 || trials.every((trial) => trial.members[m])),
    )
    .map((weights) => ({
      weights,
      loss: overTrials(({ truth, members: own }) => deviance(truth, blended(own, weights, truth.length))),
    }));
  const least = Math.min(...ways.map(({ loss }) => loss));
  let best = ways.find(({ loss }) => loss === least)!.weights;
  let order = Number.NEGATIVE_INFINITY;
  for (const { weights, loss } of ways) {
    if (loss > least + ALIKE * Math.abs(least)) continue;
    const own = overTrials(({ truth, members: said }) =>
      spearman(truth, blended(said, weights, truth.length)),
    );
    if (own > order) [best, order] = [weights, own];
  }
  return best;
}

/** All ways to share `steps` parts among `n`, as shares; those that give all to one come first. */
function simplex(n: number, steps: number): number[][] {
  const ways: number[][] = [];
  const add = (given: number[], left: number) => {
    if (given.length === n - 1) ways.push([...given, left]);
    else for (let k = 0; k <= left; k++) add([...given, k], left - k);
  };
  add([], steps);
  const used = (way: number[]) => way.filter((k) => k > 0).length;
  return ways.sort((a, b) => used(a) - used(b)).map((way) => way.map((k) => k / steps));
}
