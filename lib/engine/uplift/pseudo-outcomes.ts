import { UpliftError } from './errors.ts';

type Numbers = ArrayLike<number>;

/** Rows of two arms: 1 for treated, 0 for control; and the chance that each had to be treated, in (0, 1). */
export interface AssignedRows {
  readonly treated: Numbers;
  readonly outcomes: Numbers;
  readonly propensity: Numbers;
}

/**
 * Doubly robust pseudo-outcomes: their mean given what is known of rows is the effect of the treatment if the propensity is right or
 * the predicted outcomes are (Kennedy 2023, "Towards optimal doubly robust estimation of heterogeneous causal effects",
 * section 3):
 *
 *   mu1 - mu0 + (w - e) / (e (1 - e)) x (y - mu_w)
 *
 * @param predicted what is expected of each row under control and when treated, by models that have not seen the row
 * @throws UpliftError when lengths differ, or a propensity is not between 0 and 1
 */
export function doublyRobust(
  rows: AssignedRows,
  predicted: { readonly control: Numbers; readonly treated: Numbers },
): Float64Array {
  check(rows, predicted.control, predicted.treated);
  const { treated, outcomes, propensity } = rows;
  return Float64Array.from({ length: outcomes.length }, (_, i) => {
    const [w, e] = [treated[i]!, propensity[i]!];
    const [mu0, mu1] = [predicted.control[i]!, predicted.treated[i]!];
    return mu1 - mu0 + ((w - e) / (e * (1 - e))) * (outcomes[i]! - (w === 1 ? mu1 : mu0));
  });
}

/**
 * Transformed outcomes y (w - e) / (e (1 - e)): their mean given what is known of rows is the effect of the treatment (Athey & Imbens
 * 2015, "Machine learning methods for estimating heterogeneous causal effects", section 3.1). For outcomes of yes and no
 * and halves of rows it is the class transformation.
 * @throws UpliftError when lengths differ, or a propensity is not between 0 and 1
 */
export function transformedOutcomes(rows: AssignedRows): Float64Array {
  check(rows);
  const { treated, outcomes, propensity } = rows;
  return Float64Array.from({ length: outcomes.length }, (_, i) => {
    const [w, e] = [treated[i]!, propensity[i]!];
    return (outcomes[i]! * (w - e)) / (e * (1 - e));
  });
}

/**
 * The class transformation (Jaskowski & Jaroszewicz 2012, "Uplift modeling for clinical trial data", section 3): a row is of class 1
 * where the outcome is yes and it was treated, or no and it was not. With each row weighed by 1 / the chance of its own arm, the
 * chance of class 1 is (1 + effect) / 2.
 * @param rows whose outcomes are 0 or 1
 * @throws UpliftError when lengths differ, a propensity is not between 0 and 1, or an outcome is neither 0 nor 1
 */
export function classTransformation(rows: AssignedRows): {
  readonly classes: Float32Array;
  readonly weights: Float32Array;
} {
  check(rows);
  const { treated, outcomes, propensity } = rows;
  const n = outcomes.length;
  for (let i = 0; i < n; i++) {
    if (outcomes[i] === 0 || outcomes[i] === 1) continue;
    throw new UpliftError(`row ${i} has the outcome ${outcomes[i]}: 0 or 1 is expected`);
  }
  return {
    classes: Float32Array.from({ length: n }, (_, i) => Number(outcomes[i] === treated[i])),
    weights: Float32Array.from(
      { length: n },
      (_, i) => 0.5 / (treated[i] === 1 ? propensity[i]! : 1 - propensity[i]!),
    ),
  };
}

function check({ treated, outcomes, propensity }: AssignedRows, ...others: readonly Numbers[]): void {
  const n = outcomes.length;
  for (const { length } of [treated, propensity, ...others]) {
    if (length === n) continue;
    throw new UpliftError(
      `there are ${n} outcomes and ${length} numbers beside them: one for each is expected`,
    );
  }
  for (let i = 0; i < n; i++) {
    if (propensity[i]! > 0 && propensity[i]! < 1 && (treated[i] === 0 || treated[i] === 1)) continue;
    throw new UpliftError(
      `row ${i} is of arm ${treated[i]} with a propensity of ${propensity[i]}: 0 or 1 and a number between 0 and 1 are expected`,
    );
  }
}
