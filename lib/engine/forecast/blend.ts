import { ForecastError } from './errors.ts';

/** Members are taken so many times: a weight is a multiple of a tenth. */
const TAKEN = 10;

/**
 * Weights of forecasts in a blend: members are taken one by one, each time the one that makes the mean of those taken the best, and
 * one may be taken again (Caruana, Niculescu-Mizil, Crew, Ksikes, "Ensemble selection from libraries of models", ICML 2004,
 * sections 2 and 2.1). Best is the smallest sum of absolute errors, which is the smallest WAPE. Of equal ones the first counts.
 * @param members of each its forecasts, in one order
 * @returns a weight for each member, with the sum 1
 * @throws ForecastError where there is no member or they are of other lengths than `real`
 */
export function blendWeights(members: readonly Float64Array[], real: Float64Array): Float64Array {
  if (members.length === 0 || members.some(({ length }) => length !== real.length)) {
    throw new ForecastError(
      `${members.length} forecasts of ${members.map(({ length }) => length).join(', ')} values cannot be blended: expected one or more, each with the ${real.length} values that then came`,
    );
  }
  const sum = new Float64Array(real.length);
  const counts = new Float64Array(members.length);
  for (let taken = 1; taken <= TAKEN; taken++) {
    let best = 0;
    let least = Number.POSITIVE_INFINITY;
    for (const [m, member] of members.entries()) {
      let error = 0;
      for (let i = 0; i < real.length; i++) error += Math.abs((sum[i]! + member[i]!) / taken - real[i]!);
      if (error < least) [best, least] = [m, error];
    }
    const member = members[best]!;
    for (let i = 0; i < real.length; i++) sum[i]! += member[i]!;
    counts[best]! += 1;
  }
  return counts.map((count) => count / TAKEN);
}
