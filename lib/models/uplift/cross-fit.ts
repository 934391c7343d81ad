import { doublyRobust } from '../../engine/uplift/index.ts';
import { BASE_KINDS, type BaseKind, type FitRun } from './base-model.ts';
import {
  type ArmModels,
  drLearner,
  fitArms,
  LEARNERS,
  type Learner,
  predictArms,
  tLearner,
  transformationLearner,
  xLearner,
} from './learners.ts';
import { mixedUnit, pick, placesOf, type UpliftTable } from './rows.ts';
import { predictSum, type SumModel } from './sum-model.ts';

const FOLDS = 3;
const HALVES = 2;

/** Every learner over every kind of base model, by name, in one order. */
export const FORMS = BASE_KINDS.flatMap((kind) =>
  LEARNERS.map((learner) => ({ name: `${learner} (${kind})`, kind, learner })),
);

/** What every row is told by models that have not seen its user. */
export interface CrossFitted {
  /** Doubly robust pseudo-outcomes. */
  readonly pseudo: Float64Array;
  /** The same, and predicted effects by form, each less its mean over the row's fold. */
  readonly centred: Float64Array;
  readonly effects: ReadonlyMap<string, Float64Array>;
}

/** Fits all forms on folds of users, and lets each fold be told by what was fitted without it. */
export async function crossFit(
  table: UpliftTable,
  run: FitRun,
  progress: (text: string) => void,
): Promise<CrossFitted> {
  const { rows, columns } = table;
  const pseudo = new Float64Array(rows);
  const centred = new Float64Array(rows);
  const effects = new Map(FORMS.map(({ name }) => [name, new Float64Array(rows)]));
  for (let fold = 0; fold < FOLDS; fold++) {
    progress(`fold ${fold + 1} of ${FOLDS}`);
    const isOut = (row: number) => Math.floor(table.unit[row]! * FOLDS) === fold;
    const out = placesOf(table, isOut);
    const held = pick(table, out);
    const learnt = pick(
      table,
      placesOf(table, (row) => !isOut(row)),
    );
    const arms = await armsOf(learnt, run);
    const models = await fitForms(learnt, arms, await pseudoOutcomes(learnt, run), run);
    const robust = doublyRobust(held, meanArms(arms, held.values));
    put(out, robust, pseudo);
    put(out, lessMean(robust), centred);
    for (const [name, model] of models) {
      put(out, lessMean(predictSum(model, held.values, columns)), effects.get(name)!);
    }
  }
  return { pseudo, centred, effects };
}

function put(at: Int32Array, values: Float64Array, into: Float64Array): void {
  at.forEach((row, i) => {
    into[row] = values[i]!;
  });
}

/**
 * Where chance gave a fold a large effect, the others have a small one, and so have models of them: across folds, predictions and
 * truth would go against each other.
 */
function lessMean(values: Float64Array): Float64Array {
  const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
  return values.map((one) => one - mean);
}

/** Arm models over each kind of base model. */
export type Arms = ReadonlyMap<BaseKind, ArmModels>;

export async function armsOf(table: UpliftTable, run: FitRun): Promise<Arms> {
  const arms = new Map<BaseKind, ArmModels>();
  for (const kind of BASE_KINDS) arms.set(kind, await fitArms(kind, table, run));
  return arms;
}

/**
 * Fits forms on all rows given.
 * @param pseudo doubly robust pseudo-outcomes of the rows
 * @param names of the forms; default: all
 */
export async function fitForms(
  table: UpliftTable,
  arms: Arms,
  pseudo: ArrayLike<number>,
  run: FitRun,
  names?: ReadonlySet<string>,
): Promise<Map<string, SumModel>> {
  const models = new Map<string, SumModel>();
  for (const { name, kind, learner } of FORMS) {
    if (names && !names.has(name)) continue;
    models.set(name, await fitLearner(learner, kind, { table, arms: arms.get(kind)!, pseudo, run }));
  }
  return models;
}

interface Fitting {
  readonly table: UpliftTable;
  readonly arms: ArmModels;
  readonly pseudo: ArrayLike<number>;
  readonly run: FitRun;
}

async function fitLearner(
  learner: Learner,
  kind: BaseKind,
  { table, arms, pseudo, run }: Fitting,
): Promise<SumModel> {
  switch (learner) {
    case 'T-learner':
      return tLearner(arms);
    case 'X-learner':
      return xLearner(kind, table, arms, run);
    case 'DR-learner':
      return drLearner(kind, table, pseudo, run);
    case 'class transformation':
      return transformationLearner(kind, table, run);
  }
}

/**
 * Pseudo-outcomes of rows, each by planes of the other half of the users. Where chance put rows into arms any model of the outcomes
 * will do: it takes away noise alone.
 */
async function pseudoOutcomes(table: UpliftTable, run: FitRun): Promise<Float64Array> {
  const pseudo = new Float64Array(table.rows);
  for (let half = 0; half < HALVES; half++) {
    const isOut = (row: number) => Math.floor(mixedUnit(table.unit[row]!, 'halves') * HALVES) === half;
    const out = placesOf(table, isOut);
    const held = pick(table, out);
    const learnt = pick(
      table,
      placesOf(table, (row) => !isOut(row)),
    );
    const arms = await fitArms('linear', learnt, run);
    put(out, doublyRobust(held, predictArms(arms, held.values)), pseudo);
  }
  return pseudo;
}

function meanArms(arms: Arms, values: Float32Array): { control: Float64Array; treated: Float64Array } {
  const each = [...arms.values()].map((own) => predictArms(own, values));
  const mean = (of: (one: (typeof each)[number]) => Float64Array) =>
    of(each[0]!).map((_, i) => each.reduce((sum, one) => sum + of(one)[i]! / each.length, 0));
  return { control: mean((one) => one.control), treated: mean((one) => one.treated) };
}
