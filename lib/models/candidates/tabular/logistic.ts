import { chooseL2, fitLogistic } from '../../../engine/linear/index.ts';
import type { Candidate, Material, Standardised } from '../candidate.ts';
import { FittedTabular, type TaskModel } from './fitted.ts';
import { anyKnown, type KnownRows, knownRows } from './known.ts';

/** Rows that a penalty is chosen on, at most, and the folds of users. */
const MOST_ROWS = 5000;
const FOLDS = 3;
/** Strengths of the penalty that are tried, as the variance of a normal prior over standardised weights. */
const PRIOR_VARIANCES = [0.1, 1e-2, 3e-3, 1e-3];

/** Of the gradient: beyond this the loss no longer moves in its sixth digit. */
const TOLERANCE = 1e-4;

export interface LogisticForm {
  readonly name: string;
  readonly family: 'logistic' | 'floor';
  /** Standardised by the rows of all cut-offs, or each by those of its own. */
  readonly by: 'own' | 'overall';
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
    const view = this.#view(material);
    return view !== undefined && this.#columns(material, view)?.length !== 0 && anyKnown(material);
  }

  async fit(material: Material): Promise<FittedTabular> {
    const view = this.#view(material)!;
    const columns = this.#columns(material, view);
    const models = material.heads.map((_, task) => {
      const known = knownRows(material, view, task, columns);
      return known ? fitTask(known, view.transform.kept.length, columns) : null;
    });
    return new FittedTabular(material, view, models);
  }

  #view(material: Material): Standardised | undefined {
    return this.#form.by === 'own' ? material : material.overall;
  }

  /** Numbers of the kept columns that it reads; undefined: all. */
  #columns({ names }: Material, { transform }: Standardised): number[] | undefined {
    const { only } = this.#form;
    return only && transform.kept.flatMap((j, k) => (only.test(names[j]!.name) ? [k] : []));
  }
}

function fitTask(known: KnownRows, kept: number, columns: readonly number[] | undefined): TaskModel {
  const variances = PRIOR_VARIANCES;
  const every = Math.max(1, Math.ceil(known.rows / MOST_ROWS));
  const some = every === 1 ? known : thinned(known, every);
  const folds = Int32Array.from(some.unit, (unit) => Math.floor(unit * FOLDS));
  // The prior's weight falls as rows are added: the variance is what is chosen, whatever their number.
  const { l2 } = chooseL2({ ...some, folds, candidates: variances.map((v) => 1 / (v * some.rows)) });
  const { weights, intercept } = fitLogistic({
    ...known,
    l2: (l2 * some.rows) / known.rows,
    tolerance: TOLERANCE,
  });
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

/** Every so many rows. */
function thinned({ rows, columns, values, labels, unit }: KnownRows, every: number): KnownRows {
  const at = Int32Array.from({ length: Math.floor(rows / every) }, (_, i) => i * every);
  const own = new Float32Array(at.length * columns);
  at.forEach((row, i) => {
    own.set(values.subarray(row * columns, (row + 1) * columns), i * columns);
  });
  return {
    rows: at.length,
    columns,
    values: own,
    labels: Float32Array.from(at, (row) => labels[row]!),
    unit: Float32Array.from(at, (row) => unit[row]!),
  };
}
