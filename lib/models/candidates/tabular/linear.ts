import {
  fitMultinomial,
  fitRidge,
  type MultinomialModel,
  multinomialScores,
} from '../../../engine/linear/index.ts';
import { multiclassLogLoss } from '../../../engine/metrics/index.ts';
import type { GraphBuilder, Value } from '../../../engine/onnx/index.ts';
import type { Candidate, Material } from '../candidate.ts';
import type { JointAnswers } from '../heads.ts';
import { FittedTabular, type TaskModel } from './fitted.ts';
import { jointRows, logChances } from './joint.ts';
import { type KnownRows, rowsOf } from './known.ts';

/** Strengths of the penalty that are tried, as the variance of a normal prior over standardised weights. */
const PRIOR_VARIANCES = [3e-3, 1, 0.1, 3e-2, 1e-2, 1e-3];
/** Of the numbers themselves: a weight says how many deviations a number moves by one of a column. */
const RIDGE_VARIANCES = [1, 0.1, 1e-2, 1e-3, 1e-4];
const FOLDS = 5;
/** Rows that a penalty of classes is chosen on, at most, and the share of them that judges. */
const MOST_ROWS = 4000;
const JUDGING = 0.25;
/** Of the slopes: beyond this the loss no longer moves in its fifth digit. */
const TOLERANCE = 1e-4;
const ITERATIONS = 150;
/** A weak prior on intercepts, in rows: a class that no row has keeps a finite one. */
const INTERCEPT_ROWS = 0.01;

/** Regression that is linear in the features: multinomial logistic for classes, ridge for a number. */
export class LinearCandidate implements Candidate {
  readonly name: string;
  readonly family = 'logistic';
  readonly reads = ['features'];
  readonly #answers: JointAnswers;

  constructor(name: string, answers: JointAnswers) {
    this.name = name;
    this.#answers = answers;
  }

  applies({ answers }: Material): boolean {
    return answers === this.#answers;
  }

  async fit(material: Material): Promise<FittedTabular> {
    const known = jointRows(material, material);
    const model = this.#answers === 'one-of' ? classes(known, material.heads.length) : number(known);
    return new FittedTabular(material, material, [model]);
  }
}

function classes(known: KnownRows, count: number): TaskModel {
  const fit = (rows: KnownRows, variance: number, start?: MultinomialModel) =>
    fitMultinomial({
      ...rows,
      classes: count,
      l2: 1 / (variance * rows.rows),
      interceptL2: INTERCEPT_ROWS / rows.rows,
      tolerance: TOLERANCE,
      maxIterations: ITERATIONS,
      ...(start ? { start } : {}),
    });
  const { weights, intercepts } = fit(known, classVariance(known, count, fit));
  return modelOf(known.columns, weights, intercepts, (g, scores) => logChances(g, scores, count));
}

/** The variance that rows kept aside like best, on a part of the rows. */
function classVariance(
  known: KnownRows,
  count: number,
  fit: (rows: KnownRows, variance: number, start?: MultinomialModel) => MultinomialModel,
): number {
  const every = Math.ceil(known.rows / MOST_ROWS);
  const some = every === 1 ? known : rowsOf(known, (place) => place % every === 0);
  const learnt = rowsOf(some, (_, unit) => unit >= JUDGING);
  const judging = rowsOf(some, (_, unit) => unit < JUDGING);
  if (learnt.rows === 0 || judging.rows === 0) return PRIOR_VARIANCES[0]!;
  let start: MultinomialModel | undefined;
  let best = { variance: PRIOR_VARIANCES[0]!, loss: Number.POSITIVE_INFINITY };
  for (const variance of [...PRIOR_VARIANCES].sort((a, b) => a - b)) {
    start = fit(learnt, variance, start);
    const scores = multinomialScores(start, judging.values);
    const loss = multiclassLogLoss({
      labels: judging.labels,
      probabilities: softmax(scores, count),
      classes: count,
    });
    if (loss < best.loss) best = { variance, loss };
  }
  return best.variance;
}

function softmax(scores: Float64Array, classes: number): Float64Array {
  const shares = new Float64Array(scores.length);
  for (let from = 0; from < scores.length; from += classes) {
    const own = scores.subarray(from, from + classes);
    const most = own.reduce((a, b) => Math.max(a, b));
    const exps = own.map((one) => Math.exp(one - most));
    const sum = exps.reduce((a, b) => a + b);
    shares.set(
      exps.map((one) => one / sum),
      from,
    );
  }
  return shares;
}

function number(known: KnownRows): TaskModel {
  const folds = Int32Array.from(known.unit, (unit) => Math.floor(unit * FOLDS));
  const candidates = RIDGE_VARIANCES.map((variance) => 1 / (variance * known.rows));
  const { weights, intercept } = fitRidge({ ...known, folds, candidates });
  return modelOf(known.columns, weights, Float64Array.of(intercept), (_, scores) => scores);
}

/** @param weights (columns, outputs) */
function modelOf(
  columns: number,
  weights: Float64Array,
  intercepts: Float64Array,
  told: (g: GraphBuilder, scores: Value) => Value,
): TaskModel {
  const outputs = intercepts.length;
  const matrix = { dtype: 'float32', shape: [columns, outputs], data: Float32Array.from(weights) } as const;
  return {
    score: (g, x) => told(g, g.add(g.matmul(x, g.constant(matrix)), g.constant([...intercepts]))),
    parts(g, x, groupOf, groups) {
      const data = new Float32Array(columns * outputs * groups);
      groupOf.forEach((group, j) => {
        for (let k = 0; k < outputs; k++)
          data[(j * outputs + k) * groups + group] = weights[j * outputs + k]!;
      });
      const shape = [columns, outputs * groups];
      const flat = g.matmul(x, g.constant({ dtype: 'float32', shape, data }));
      return g.reshape(flat, [-1, outputs, groups]);
    },
  };
}
