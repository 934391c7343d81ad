import { fitRidge, type LinearModel, linearLogits } from '../../engine/linear/index.ts';
import type { GraphBuilder, Value } from '../../engine/onnx/index.ts';
import { predictRaw, type TreeModel, treeParts, treeScores } from '../../engine/trees/index.ts';
import { fitBoosted, fitPenalised, type KnownRows } from '../candidates/index.ts';
import { probabilityOf } from '../shared/index.ts';

/** What learners of effects are made of: a model of one number, by a plane or by trees. */
export type BaseModel = (
  | { readonly kind: 'linear'; readonly model: LinearModel }
  | { readonly kind: 'trees'; readonly model: TreeModel }
) & {
  /** Predictions are chances, and the model's own scores their logits. */
  readonly logistic: boolean;
};

export const BASE_KINDS = ['linear', 'trees'] as const;
export type BaseKind = (typeof BASE_KINDS)[number];

export interface FitRun {
  readonly seed: number;
  readonly threads: number;
}

/** Effects are small beside the noise of outcomes: leaves of many rows, few of them. */
const LEAVES = 6;
const FEWEST_TREES = 10;
const LEAF_SHARE = 100;
const LEAF_ROWS = { least: 20, most: 500 } as const;
/** Penalties of ridge regressions, for standardised columns. */
const PENALTIES = [1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3, 10];
const FOLDS = 3;
/** A chance beyond these is none. */
const EDGE = 1e-4;

/**
 * Fits labels by columns.
 * @param logistic labels are 0 or 1, and chances are wanted
 */
export async function fitBase(
  kind: BaseKind,
  known: KnownRows,
  logistic: boolean,
  { seed, threads }: FitRun,
): Promise<BaseModel> {
  const constant = constantOf(known, logistic);
  if (constant) return constant;
  if (kind === 'linear') {
    if (logistic) return { kind, logistic, model: fitPenalised(known) };
    const folds = Int32Array.from(known.unit, (unit) => Math.floor(unit * FOLDS));
    return { kind, logistic, model: fitRidge({ ...known, folds, candidates: PENALTIES }) };
  }
  const leaf = Math.min(LEAF_ROWS.most, Math.max(LEAF_ROWS.least, Math.round(known.rows / LEAF_SHARE)));
  const { model } = await fitBoosted(
    known,
    { loss: logistic ? 'logistic' : 'squared', maxLeaves: LEAVES, minRowsInLeaf: leaf },
    { seed, threads, fewest: FEWEST_TREES },
  );
  return { kind, logistic, model };
}

/** Rows whose labels are all alike tell no more than that. */
function constantOf({ columns, labels }: KnownRows, logistic: boolean): BaseModel | undefined {
  const first = labels[0] ?? 0;
  if (labels.some((label) => label !== first)) return undefined;
  const chance = Math.min(1 - EDGE, Math.max(EDGE, first));
  const intercept = logistic ? Math.log(chance / (1 - chance)) : first;
  return { kind: 'linear', logistic, model: { weights: new Float64Array(columns), intercept } };
}

/** @param values (rows, columns) */
export function predictBase({ kind, model, logistic }: BaseModel, values: Float32Array): Float64Array {
  const scores = Float64Array.from(
    kind === 'linear' ? linearLogits(model, values) : predictRaw(model, values),
  );
  return logistic ? scores.map(probabilityOf) : scores;
}

/** x (batch, columns) -> (batch, 1) predictions. */
export function baseScore(g: GraphBuilder, base: BaseModel, x: Value): Value {
  const score = base.kind === 'trees' ? treeScores(g, base.model, x) : linearScore(g, base.model, x);
  return base.logistic ? g.sigmoid(score) : score;
}

/**
 * What groups of columns add to a prediction; a chance is taken to move with its logit by p (1 - p).
 * @param score of `baseScore`
 * @returns (batch, 1, groups)
 */
export function baseParts(
  g: GraphBuilder,
  base: BaseModel,
  { x, score }: { readonly x: Value; readonly score: Value },
  groupOf: readonly number[],
  groups: number,
): Value {
  const parts =
    base.kind === 'trees'
      ? treeParts(g, base.model, x, groupOf, groups)
      : linearParts(g, base.model, x, groupOf, groups);
  return base.logistic ? g.mul(parts, g.unsqueeze(g.mul(score, g.sub(1, score)), [2])) : parts;
}

function linearScore(g: GraphBuilder, { weights, intercept }: LinearModel, x: Value): Value {
  const data = Float32Array.from(weights);
  return g.add(g.matmul(x, g.constant({ dtype: 'float32', shape: [data.length, 1], data })), intercept);
}

function linearParts(
  g: GraphBuilder,
  { weights }: LinearModel,
  x: Value,
  groupOf: readonly number[],
  groups: number,
): Value {
  const data = new Float32Array(weights.length * groups);
  groupOf.forEach((group, k) => {
    data[k * groups + group] = weights[k]!;
  });
  return g.unsqueeze(
    g.matmul(x, g.constant({ dtype: 'float32', shape: [weights.length, groups], data })),
    [1],
  );
}
