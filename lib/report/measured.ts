import { formatDay, parseDay } from '../data/index.ts';
import type { ClassAssessment, LabelsAssessment, NumbersAssessment } from '../engine/metrics/index.ts';
import { plural } from './format.ts';
import type {
  BinaryMeasures,
  DemandMeasures,
  ListMeasures,
  UpliftMeasures,
  Validation,
  ValueMeasures,
} from './measure-types.ts';
import type {
  BinaryTaskReport,
  ClassTaskReport,
  DemandTaskReport,
  LabelsTaskReport,
  NextTaskReport,
  NumberTaskReport,
  TaskReport,
  UpliftTaskReport,
  ValueTaskReport,
} from './task-types.ts';
import type { RunReport } from './types.ts';
import { wordsOf } from './words.ts';

/** What a task's figures were measured on. */
export type Basis = 'outcome' | 'validation';

export interface Measured<M> {
  readonly basis: Basis;
  readonly measures: M;
}

/** The outcome where it is known, else the validation, else nothing. */
export function measuredOf(task: BinaryTaskReport): Measured<BinaryMeasures> | undefined;
export function measuredOf(task: NextTaskReport): Measured<ListMeasures> | undefined;
export function measuredOf(task: ValueTaskReport): Measured<ValueMeasures> | undefined;
export function measuredOf(task: DemandTaskReport): Measured<DemandMeasures> | undefined;
export function measuredOf(task: UpliftTaskReport): Measured<UpliftMeasures> | undefined;
export function measuredOf(task: ClassTaskReport): Measured<ClassAssessment> | undefined;
export function measuredOf(task: LabelsTaskReport): Measured<LabelsAssessment> | undefined;
export function measuredOf(task: NumberTaskReport): Measured<NumbersAssessment> | undefined;
export function measuredOf(task: TaskReport): Measured<{ readonly n: number }> | undefined {
  if (task.evaluation) return { basis: 'outcome', measures: task.evaluation };
  return task.validation && { basis: 'validation', measures: task.validation.assessment };
}

/** What is counted: users as of one day, or rows: of a table, or users at several days, each of whom may count more than once. */
export function countedAs(task: BinaryTaskReport, basis: Basis): 'Users' | 'Rows' {
  if (basis === 'outcome') return task.kind === 'label' ? 'Rows' : 'Users';
  const days = task.validation?.days;
  return days && days[0] === days[1] ? 'Users' : 'Rows';
}

/** First day behind the window of a task that is asked as of a day. */
const closing = (day: string, horizonDays: number): string => formatDay(parseDay(day) + horizonDays);

/** On what the measures were taken, in a sentence. */
export function measuredOn(task: TaskReport, run: RunReport): string {
  const words = wordsOf(task);
  if (task.evaluation) {
    const users = plural(task.evaluation.n, words.one, words.many);
    if (task.kind === 'label' || run.asOf === undefined || task.horizonDays === undefined) {
      return `Measured on ${users} that the training did not see.`;
    }
    if (task.kind === 'demand') {
      return `Measured on what then happened: the ${users} that had sold most before ${run.asOf}, and the ${task.horizonDays} days up to ${closing(run.asOf, task.horizonDays - 1)}.`;
    }
    return `Measured on what then happened: ${users}, scored as of ${run.asOf}, and the ${task.horizonDays} days up to ${closing(run.asOf, task.horizonDays - 1)}.`;
  }
  if (!task.validation)
    return 'Not measured: the history is too short to hold a whole window of it out, or has too few outcomes of either kind.';
  const caution =
    task.kind === 'demand'
      ? 'Weights and intervals of each day came from windows that were over by then.'
      : task.kind === 'next'
        ? 'The model that serves has learnt from these days, too: the figures are a validation, not a test.'
        : task.kind === 'uplift'
          ? 'Each was told by models of other users; the form was chosen by these rows, so the figures are a validation, not a test.'
          : 'The model was chosen by these figures, so they are a validation, not a test: expect somewhat less.';
  return `${validationSentence(task.validation, task)} ${caution}`;
}

function validationSentence(
  { by, days, assessment }: Validation<{ readonly n: number }>,
  task: TaskReport,
): string {
  const { one, many } = wordsOf(task);
  const users = plural(assessment.n, one, many);
  if (by === 'rows' || days === null) {
    return task.kind === 'uplift'
      ? `Measured on ${users} of the training part.`
      : `Measured on ${users} of the training part that were kept aside when the model was chosen.`;
  }
  const [first, last] = days;
  const window = `the ${task.horizonDays ?? 0} days behind ${first === last ? 'it' : 'each'}`;
  if (by === 'day' && first !== last) {
    const scores = plural(assessment.n, 'score', 'scores');
    return `Measured on earlier days: ${scores} of ${many} as of ${first} to ${last}, each by a model that knew nothing later, and ${window}.`;
  }
  if (by === 'day') {
    return `Measured on an earlier day: ${users}, scored as of ${first} by a model that knew nothing later, and ${window}.`;
  }
  const when = first === last ? `as of ${first}` : `as of days from ${first} to ${last}`;
  return `Measured on ${plural(assessment.n, 'score', 'scores')} of a fifth of the ${many} that were held out, ${when}, and ${window}.`;
}

/** Why a task's outcome is not compared; nothing where it is. */
export function noOutcomeSentence({ noOutcome, kind, name }: TaskReport): string | undefined {
  if (!noOutcome) return undefined;
  if (noOutcome.why === 'open') {
    const what = kind === 'next' ? 'lists' : kind === 'demand' ? 'forecasts' : 'scores';
    return `What becomes of these ${what} is known once the window is over, on ${noOutcome.closes}.`;
  }
  return `Not compared: this backtest was asked about ${noOutcome.asked.join(', ')} alone. For ${name} run it with --task ${name}.`;
}
