import { solvePositive } from '../host/index.ts';
import { compareMeans, type MeanComparison, type Numbers } from './compare.ts';
import { UpliftError } from './errors.ts';

/** What was measured of a group's users, row by row. */
export interface Measured {
  readonly outcome: Numbers;
  /** Known before the treatment, in the same order in both groups: nothing that the treatment may have changed. */
  readonly covariates: readonly Numbers[];
}

export interface Cuped extends MeanComparison {
  /** What was taken off the outcome for each unit of a covariate; 0 for one that says nothing beside the others. */
  readonly theta: readonly number[];
  /** Share by which the variance of the difference fell; may be below zero by luck. */
  readonly varianceReduction: number;
}

/**
 * Compares two means after what was known before has been taken off: y - θ'(x - mean x), which has the same expectation in a
 * randomised comparison and less variance (Deng, Xu, Kohavi & Walker 2013, "Improving the sensitivity of online controlled
 * experiments by utilizing pre-experiment data", section 3). θ is that of both groups together, from deviations within each of
 * them, so that the effect itself does not enter it.
 * @throws UpliftError where covariates do not match, and as compareMeans
 */
export function cuped(treated: Measured, control: Measured, level = 0.95): Cuped {
  const groups = [treated, control];
  const width = treated.covariates.length;
  if (control.covariates.length !== width)
    throw new UpliftError(
      `the groups have ${width} and ${control.covariates.length} covariates; the same ones are expected`,
    );
  for (const { outcome, covariates } of groups) {
    const wrong = covariates.find((one) => one.length !== outcome.length);
    if (wrong)
      throw new UpliftError(
        `a covariate has ${wrong.length} rows where the outcome has ${outcome.length}; as many are expected`,
      );
  }
  const raw = compareMeans(treated.outcome, control.outcome, level);
  const theta = thetaOf(groups, width);
  const rows = treated.outcome.length + control.outcome.length;
  const centre = Array.from({ length: width }, (_, k) =>
    groups.reduce((sum, { covariates }) => sum + sumOf(covariates[k]!) / rows, 0),
  );
  const adjusted = groups.map(({ outcome, covariates }) =>
    Float64Array.from(outcome, (y, i) =>
      theta.reduce((left, t, k) => left - t * (covariates[k]![i]! - centre[k]!), y),
    ),
  );
  const compared = compareMeans(adjusted[0]!, adjusted[1]!, level);
  const varianceReduction = raw.standardError > 0 ? 1 - (compared.standardError / raw.standardError) ** 2 : 0;
  return { ...compared, theta, varianceReduction };
}

/** Least squares of the outcome on the covariates, both as deviations from their group's mean. */
function thetaOf(groups: readonly Measured[], width: number): number[] {
  const products = new Float64Array(width * width);
  const withOutcome = new Float64Array(width);
  for (const { outcome, covariates } of groups) {
    const y = deviations(outcome);
    const x = covariates.map(deviations);
    for (let j = 0; j < width; j++) {
      withOutcome[j]! += dot(x[j]!, y);
      for (let k = 0; k <= j; k++) products[j * width + k]! += dot(x[j]!, x[k]!);
    }
  }
  // One that is constant, or that others tell already, is left out: the first ones stay.
  const used: number[] = [];
  let solution = new Float64Array();
  for (let j = 0; j < width; j++) {
    const tried = [...used, j];
    const scale = tried.map((k) => Math.sqrt(products[k * width + k]!));
    if (scale.at(-1) === 0) continue;
    const matrix = Float64Array.from({ length: tried.length ** 2 }, (_, at) => {
      const [row, column] = [Math.floor(at / tried.length), at % tried.length];
      const [high, low] = [Math.max(tried[row]!, tried[column]!), Math.min(tried[row]!, tried[column]!)];
      return products[high * width + low]! / (scale[row]! * scale[column]!);
    });
    const solved = solvePositive(
      matrix,
      tried.map((k, i) => withOutcome[k]! / scale[i]!),
    );
    if (!solved) continue;
    used.push(j);
    solution = solved.map((value, i) => value / scale[i]!);
  }
  return Array.from({ length: width }, (_, k) => solution[used.indexOf(k)] ?? 0);
}

function deviations(values: Numbers): Float64Array {
  const mean = sumOf(values) / values.length;
  return Float64Array.from(values, (value) => value - mean);
}

function sumOf(values: Numbers): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}
