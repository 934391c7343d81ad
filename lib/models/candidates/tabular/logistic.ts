import { chooseL2, fitLogistic, type LinearModel } from '../../../engine/linear/index.ts';
import type { Candidate, Material, Standardised } from '../candidate.ts';
import { FittedTabular, type TaskModel } from './fitted.ts';
import { type KnownRows, knownRows, rowsOf, type Scale, standardisedBy } from './known.ts';

/** Rows that a penalty is chosen on, at most, and the folds of users. */
const MOST_ROWS = 5000;
const FOLDS = 3;
/** Strengths of the penalty that are tried, as the variance of a normal prior over standardised weights. */
const PRIOR_VARIANCES = [0.1, 1e-2, 3e-3, 1e-3];
const USUAL_VARIANCE = 3e-3;

/** Of the gradient: beyond this the loss no longer moves in its sixth digit. */
const TOLERANCE = 1e-4;
/** Penalties are ranked the same by fits that are less exact. */
const RANKING_TOLERANCE = 3e-4;

export interface LogisticForm {
  readonly name: string;
  readonly family: 'logistic' | 'floor';
  readonly by: Scale;
  /** Names of the features that it reads; default: all. */
  readonly only?: RegExp;
}

/**
 * Logistic regression on whole windows, all rows alike, with a normal prior over the standardised weights whose variance
 * is chosen by folds of users.
 */
export class LogisticCandidate implements Candidate {
  readonly name: string;
  readonly family: LogisticForm['family'];
  readonly reads = ['features'];
  readonly #form: LogisticForm;

  constructor(form: LogisticForm) {
    this.name = form.name;
    this.family = form.family;
    this.#form = form;
  }

  applies(material: Material): boolean {
    const view = standardisedBy(this.#form.by, material);
    return (
      material.answers === undefined && view !== undefined && this.#columns(material, view)?.length !== 0
    );
  }

  async fit(material: Material): Promise<FittedTabular> {
    const view = standardisedBy(this.#form.by, material)!;
    const columns = this.#columns(material, view);
    const models = material.heads.map((_, task) => {
      const known = knownRows(material, view, task, columns);
      return known ? fitTask(known, view.transform.kept.length, columns) : null;
    });
    return new FittedTabular(material, view, models);
  }

  /** Numbers of the kept columns that it reads; undefined: all. */
  #columns({ names }: Material, { transform }: Standardised): number[] | undefined {
    const { only } = this.#form;
    return only && transform.kept.flatMap((j, k) => (only.test(names[j]!.name) ? [k] : []));
  }
}

/**
 * A penalised logistic regression of some rows, by the variance that folds of their units like best.
 * @throws LinearError where not both labels are there
 */
export function fitPenalised(known: KnownRows): LinearModel {
  return fitLogistic({
    ...known,
    l2: 1 / (priorVariance(known) * known.rows),
    tolerance: TOLERANCE,
  });
}

function fitTask(known: KnownRows, kept: number, columns: readonly number[] | undefined): TaskModel {
  const { weights, intercept } = fitPenalised(known);
  const all = new Float32Array(kept);
  weights.forEach((weight, k) => {
    all[columns?.[k] ?? k] = weight;
  });
  return {
    score: (g, x) =>
      g.add(g.matmul(x, g.constant({ dtype: 'float32', shape: [kept, 1], data: all })), intercept),
    parts(g, x, groupOf, groups) {
      const matrix = new Float32Array(kept * groups);
      groupOf.forEach((group, k) => {
        matrix[k * groups + group] = all[k]!;
      });
      return g.unsqueeze(
        g.matmul(x, g.constant({ dtype: 'float32', shape: [kept, groups], data: matrix })),
        [1],
      );
    },
  };
}

/** The variance that folds of users like best, on a part of the rows; that of most shops where users fill one fold. */
function priorVariance(known: KnownRows): number {
  const every = Math.ceil(known.rows / MOST_ROWS);
  const some = every === 1 ? known : rowsOf(known, (place) => place % every === 0);
  const folds = Int32Array.from(some.unit, (unit) => Math.floor(unit * FOLDS));
  if (!bothInTwoFolds(some.labels, folds)) return USUAL_VARIANCE;
  // The prior weighs less as rows are added: the variance is what is chosen, whatever their number.
  const candidates = PRIOR_VARIANCES.map((variance) => 1 / (variance * some.rows));
  const { l2 } = chooseL2({ ...some, folds, candidates, tolerance: RANKING_TOLERANCE });
  return 1 / (l2 * some.rows);
}

/** Whether rows of both outcomes are left, whichever fold is held out. */
function bothInTwoFolds(labels: Float32Array, folds: Int32Array): boolean {
  return [0, 1].every((label) => new Set(folds.filter((_, i) => labels[i] === label)).size > 1);
}
