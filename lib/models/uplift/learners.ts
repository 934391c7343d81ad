import { classTransformation, transformedOutcomes } from '../../engine/uplift/index.ts';
import type { KnownRows } from '../candidates/index.ts';
import { type BaseKind, type BaseModel, type FitRun, fitBase, predictBase } from './base-model.ts';
import { mixedUnit, pick, placesOf, type UpliftTable } from './rows.ts';
import type { SumModel } from './sum-model.ts';

/** Names of the learners of effects; each is tried over planes and over trees. */
export const LEARNERS = ['T-learner', 'X-learner', 'DR-learner', 'class transformation'] as const;
export type Learner = (typeof LEARNERS)[number];

/** What is expected of rows of either arm. */
export interface ArmModels {
  readonly control: BaseModel;
  readonly treated: BaseModel;
}

/** One model of the outcome for each arm, of its own rows alone. */
export async function fitArms(kind: BaseKind, table: UpliftTable, run: FitRun): Promise<ArmModels> {
  const fit = (arm: number) => {
    const own = pick(
      table,
      placesOf(table, (row) => table.treated[row] === arm),
    );
    return fitBase(kind, knownOf(own, own.outcomes), table.binary, run);
  };
  return { control: await fit(0), treated: await fit(1) };
}

/** What arm models say of some rows. */
export const predictArms = (arms: ArmModels, values: Float32Array) => ({
  control: predictBase(arms.control, values),
  treated: predictBase(arms.treated, values),
});

/** Two models: the effect is the difference of what is expected in either arm (Künzel et al. 2019, section "T-learner"). */
export const tLearner = ({ control, treated }: ArmModels): SumModel => ({
  constant: 0,
  terms: [
    { factor: 1, base: treated },
    { factor: -1, base: control },
  ],
});

/**
 * The X-learner (Künzel, Sekhon, Bickel & Yu 2019, "Metalearners for estimating heterogeneous treatment effects", PNAS 116):
 * the differences of treated rows from what they would have done untreated, and of the others from what they would have done
 * treated, are learnt each by a model of their own, weighed by the share of the treated.
 */
export async function xLearner(
  kind: BaseKind,
  table: UpliftTable,
  arms: ArmModels,
  run: FitRun,
): Promise<SumModel> {
  const said = predictArms(arms, table.values);
  const fit = (arm: number) => {
    const at = placesOf(table, (row) => table.treated[row] === arm);
    const differences = Float32Array.from(at, (row) =>
      arm === 1 ? table.outcomes[row]! - said.control[row]! : said.treated[row]! - table.outcomes[row]!,
    );
    return fitBase(kind, knownOf(pick(table, at), differences), false, run);
  };
  const share = meanPropensity(table);
  return {
    constant: 0,
    terms: [
      { factor: share, base: await fit(0) },
      { factor: 1 - share, base: await fit(1) },
    ],
  };
}

/**
 * The second stage of the DR-learner (Kennedy 2023, algorithm 1).
 * @param pseudo doubly robust pseudo-outcomes, by models that have not seen the row
 */
export async function drLearner(
  kind: BaseKind,
  table: UpliftTable,
  pseudo: ArrayLike<number>,
  run: FitRun,
): Promise<SumModel> {
  const base = await fitBase(kind, knownOf(table, Float32Array.from(pseudo)), false, run);
  return { constant: 0, terms: [{ factor: 1, base }] };
}

/** Class transformation, or its form for outcomes that are numbers. */
export async function transformationLearner(
  kind: BaseKind,
  table: UpliftTable,
  run: FitRun,
): Promise<SumModel> {
  if (!table.binary) {
    const base = await fitBase(
      kind,
      knownOf(table, Float32Array.from(transformedOutcomes(table))),
      false,
      run,
    );
    return { constant: 0, terms: [{ factor: 1, base }] };
  }
  const { classes, weights } = classTransformation(table);
  const base = await fitBase(kind, { ...knownOf(table, classes), weights }, true, run);
  return { constant: -1, terms: [{ factor: 2, base }] };
}

export const meanPropensity = ({ propensity }: UpliftTable): number =>
  propensity.reduce((sum, one) => sum + one, 0) / propensity.length;

const knownOf = ({ rows, columns, values, unit }: UpliftTable, labels: Float32Array): KnownRows => ({
  rows,
  columns,
  values,
  labels,
  // Rows kept aside to find how many trees there should be must not be those of a fold.
  unit: unit.map((own) => mixedUnit(own, 'aside')),
});
