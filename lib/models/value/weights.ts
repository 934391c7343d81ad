import { blended, deviance, type Predictions } from './fit.ts';

/** Predictions of held-out rows beside what was true. */
export interface HeldOut extends Predictions {
  readonly truth: Float64Array;
}

const STEPS = 10;

/**
 * Weights of the members, from 0 in tenths, together 1: those with the least mean deviance over the trials, and of equal ones
 * those that lean on the fewest. Members that could not be fitted in every trial have none.
 */
export function chooseWeights(trials: readonly HeldOut[], members: number): number[] {
  let best: number[] = [];
  let least = Number.POSITIVE_INFINITY;
  for (const weights of simplex(members, STEPS)) {
    if (weights.some((weight, m) => weight > 0 && trials.some((trial) => !trial.members[m]))) continue;
    const loss = trials.reduce((sum, trial) => {
      return sum + deviance(trial.truth, blended(trial.members, weights, trial.truth.length)) / trials.length;
    }, 0);
    if (loss < least) [best, least] = [weights, loss];
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
