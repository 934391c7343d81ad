import { gatherRows } from '../../engine/host/index.ts';
import {
  type BoostingOptions,
  fitBoosting,
  predictRaw,
  type TreeModel,
  type TreeTable,
} from '../../engine/trees/index.ts';

/** Small trees and many of them: rows of one user at many cut-offs are far from independent. */
const OPTIONS = {
  learningRate: 0.04,
  l2: 5,
  subsample: 0.8,
  columnSubsample: 0.5,
  maxLeaves: 12,
} satisfies BoostingOptions;
const MOST_TREES = 400;
const FEWEST_TREES = 10;
const PATIENCE = 30;
/** Users that are kept aside to find how many trees there should be. */
const ASIDE = 0.2;

/** Rows that a part of a model is fitted on: what is to be told of each, and a number in [0, 1) per user. */
export interface PartRows {
  readonly values: Float32Array;
  readonly columns: number;
  readonly labels: Float32Array;
  /** All 1 if left out. */
  readonly weights?: Float32Array | undefined;
  readonly unit: Float32Array;
}

export interface FittedPart {
  readonly model: TreeModel;
  /** Raw scores of the users kept aside, by a model that has not seen them, beside what was true. */
  readonly aside: { readonly raw: Float64Array; readonly labels: Float32Array };
}

/** Boosted trees: as many as are best for users kept aside, then fitted again on all. */
export async function fitPart(
  part: PartRows,
  options: BoostingOptions,
  run: { readonly seed: number; readonly threads: number },
): Promise<FittedPart> {
  const all = tableOf(part, () => true);
  const settings: BoostingOptions = {
    ...OPTIONS,
    ...options,
    minRowsInLeaf: Math.round(Math.min(50, Math.max(10, all.rows / 100))),
    threads: run.threads,
  };
  // The upper end, not the lower: folds of other purposes begin at 0.
  const learnt = tableOf(part, (unit) => unit < 1 - ASIDE);
  const valid = tableOf(part, (unit) => unit >= 1 - ASIDE);
  let trees = FEWEST_TREES;
  let aside: FittedPart['aside'] = { raw: new Float64Array(0), labels: new Float32Array(0) };
  // A handful of users may all stand on one side.
  if (learnt.rows > 0 && valid.rows > 0) {
    const tried = await fitBoosting({
      ...learnt,
      valid,
      seed: run.seed,
      options: { ...settings, trees: MOST_TREES, patience: PATIENCE },
    });
    trees = Math.max(FEWEST_TREES, tried.model.roots.length);
    aside = { raw: predictRaw(tried.model, valid.values), labels: valid.labels };
  }
  const { model } = await fitBoosting({ ...all, seed: run.seed, options: { ...settings, trees } });
  return { model, aside };
}

function tableOf(
  { values, columns, labels, weights, unit }: PartRows,
  takes: (unit: number) => boolean,
): TreeTable & { readonly labels: Float32Array } {
  const at = Int32Array.from({ length: labels.length }, (_, i) => i).filter((i) => takes(unit[i]!));
  return {
    rows: at.length,
    columns,
    values: gatherRows(values, columns, at),
    labels: gatherRows(labels, 1, at),
    ...(weights ? { weights: gatherRows(weights, 1, at) } : {}),
  };
}
