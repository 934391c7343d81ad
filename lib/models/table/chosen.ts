import {
  assessClasses,
  assessLabels,
  assessNumbers,
  type BinaryAssessment,
  type Validation,
} from '../../engine/metrics/index.ts';
import {
  type Candidate,
  type Choice,
  type Comparison,
  choose,
  chosenLogits,
  selected,
  selectedTogether,
  type Trial,
} from '../candidates/index.ts';
import { probabilityOf } from '../shared/index.ts';
import { chancesOf } from './chances.ts';
import { boundsOf, fitQuantiles, intervalOf, widening } from './interval.ts';
import { type LabelledTable, sharesOf, usualOf } from './labelled.ts';
import type { Told } from './manifest.ts';
import type { TableMaterial } from './material.ts';

/** What was chosen on held-out training rows, and how it did there. */
export interface Chosen {
  readonly choice: Choice;
  readonly losses: Choice['losses'];
  readonly notes: readonly string[];
  readonly comparison?: Comparison;
  readonly validation?: Record<string, Validation<BinaryAssessment>>;
  /** Absent for a yes or no; the scale of a number is that of the rows that it was chosen on. */
  readonly told?: Told;
}

/** A trial on some rows, and what it was fitted on. */
export interface TableTrial {
  readonly trial: Trial;
  readonly material: TableMaterial;
}

/** Chooses the form of a table's model. @param asked those that may be chosen */
export async function chosenOf(
  task: string,
  labelled: LabelledTable,
  asked: readonly Candidate[],
  tried: TableTrial,
): Promise<Chosen> {
  switch (labelled.answers) {
    case 'yes-no': {
      const of = { candidates: asked, tasks: [task], horizons: [0], by: 'rows' } as const;
      return selected(of, [tried.trial]);
    }
    case 'one-of':
      return chosenClass(labelled, asked, tried);
    case 'any-of':
      return chosenLabels(labelled, asked, tried);
    case 'number':
      return chosenNumber(labelled, asked, tried);
  }
}

const heldOut = <A>(assessment: A): Validation<A> => ({ by: 'rows', days: null, assessment });

function chosenClass(
  { heads, table, labels }: LabelledTable,
  asked: readonly Candidate[],
  { trial, material }: TableTrial,
): Chosen {
  const said = selectedTogether(asked, 'one-of', heads.length, trial);
  const validation = assessClasses({
    classes: heads,
    truth: Array.from(trial.users, (row) => table.labels[row]!),
    probabilities: chancesOf(said.heldOut, heads.length),
    shares: sharesOf(labels, heads.length, material.used),
  });
  return { ...said, told: { form: 'one-of', classes: heads, validation: heldOut(validation) } };
}

/** Each label is a yes or no of its own, with weights of its own. */
function chosenLabels(
  { heads, labels }: LabelledTable,
  asked: readonly Candidate[],
  { trial, material }: TableTrial,
): Chosen {
  const choice = choose(
    asked,
    [trial],
    heads.map(() => 0),
  );
  const validation = assessLabels({
    labels: heads,
    truth: trial.outcomes,
    probabilities: chosenLogits(choice, trial).map(probabilityOf),
    shares: sharesOf(labels, heads.length, material.used),
  });
  const told = choice.losses.map(({ name, loss }) => `${name} ${loss.toFixed(4)}`).join(', ');
  return {
    choice,
    losses: choice.losses,
    notes: [
      `Kept: ${choice.kept}, with weights of its own for each of ${heads.length} labels (held-out log loss, the mean over the ` +
        `labels: ${told || 'of none: too few outcomes of either kind'}).`,
    ],
    told: { form: 'any-of', classes: heads, validation: heldOut(validation) },
  };
}

async function chosenNumber(
  { labels, train }: LabelledTable,
  asked: readonly Candidate[],
  { trial, material }: TableTrial,
): Promise<Chosen> {
  const said = selectedTogether(asked, 'number', 1, trial);
  const bounds = await boundsOf(await fitQuantiles(material), material, trial.rows);
  const widened = widening(bounds, trial.outcomes);
  const { mean, deviation } = material.scale;
  const scaled = (number: number) => mean + deviation * number;
  const apart = widenedApart(bounds, trial.outcomes);
  const ends = Array.from(said.heldOut, (number, i) =>
    intervalOf([bounds[2 * i]!, bounds[2 * i + 1]!], number, apart[i]!),
  );
  const validation = assessNumbers({
    truth: Array.from(trial.rows, (row) => labels[row]!),
    predictions: said.heldOut.map(scaled),
    low: ends.map(([low]) => scaled(low)),
    high: ends.map(([, high]) => scaled(high)),
    usual: usualOf(labels, material.used),
  });
  const many = train.length === 1 ? 'row' : 'rows';
  return {
    ...said,
    notes: [
      ...said.notes,
      `Intervals of 80 %: quantiles by boosted trees, ${widened < 0 ? 'narrower' : 'wider'} at each end by ` +
        `${Math.abs(deviation * widened).toPrecision(3)}, as ${trial.rows.length} of ${train.length} training ${many} ask.`,
    ],
    told: { form: 'number', scale: material.scale, widened, validation: heldOut(validation) },
  };
}

/** Parts of the held-out rows, each of which is told by what the others ask. */
const FOLDS = 5;

/** For each row the widening that rows of the other parts ask for. */
function widenedApart(bounds: Float32Array, truth: Float32Array): Float64Array {
  const each = Array.from({ length: FOLDS }, (_, fold) => {
    const others = Array.from(truth.keys()).filter((row) => row % FOLDS !== fold);
    return widening(
      Float32Array.from(others.flatMap((row) => [bounds[2 * row]!, bounds[2 * row + 1]!])),
      others.map((row) => truth[row]!),
    );
  });
  return Float64Array.from(truth, (_, row) => each[row % FOLDS]!);
}
