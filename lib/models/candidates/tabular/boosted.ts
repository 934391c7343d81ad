import { type BoostingOptions, fitBoosting, type TreeModel } from '../../../engine/trees/index.ts';
import { type KnownRows, rowsOf } from './known.ts';

/** Small trees and many of them, each of a part of rows and columns: rows of one user at many cut-offs are far from independent. */
const OPTIONS = {
  learningRate: 0.04,
  l2: 5,
  subsample: 0.8,
  columnSubsample: 0.5,
} satisfies BoostingOptions;
const MOST_TREES = 400;
const PATIENCE = 30;
/** Users that are kept aside to find how many trees there should be. */
const ASIDE = 0.2;

export interface BoostedFit {
  readonly model: TreeModel;
  /** Users kept aside, and a model that has not seen them; absent where a handful of users all stand on one side. */
  readonly aside?: { readonly rows: KnownRows; readonly model: TreeModel };
}

/**
 * Boosted trees: as many as are best for users kept aside, then fitted again on all.
 * @param options what differs from small trees, many of them: the loss, the leaves and their rows
 * @param fewest trees at least
 */
export async function fitBoosted(
  known: KnownRows,
  options: BoostingOptions,
  { seed, threads, fewest }: { readonly seed: number; readonly threads: number; readonly fewest: number },
): Promise<BoostedFit> {
  const settings: BoostingOptions = {
    ...OPTIONS,
    ...options,
    minRowsInLeaf: options.minRowsInLeaf ?? Math.round(Math.min(50, Math.max(10, known.rows / 100))),
    threads,
  };
  // The upper end, not the lower: folds of other purposes begin at 0.
  const learnt = rowsOf(known, (_, unit) => unit < 1 - ASIDE);
  const valid = rowsOf(known, (_, unit) => unit >= 1 - ASIDE);
  const tried =
    learnt.rows > 0 && valid.rows > 0
      ? await fitBoosting({
          ...learnt,
          valid,
          seed,
          options: { ...settings, trees: MOST_TREES, patience: PATIENCE },
        })
      : undefined;
  const trees = Math.max(fewest, tried?.model.roots.length ?? 0);
  const { model } = await fitBoosting({ ...known, seed, options: { ...settings, trees } });
  return { model, ...(tried ? { aside: { rows: valid, model: tried.model } } : {}) };
}
