import { figure, nothing, predictedFigure } from '../charts/index.ts';
import { count, decimal, percent, plural, significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import { type Basis, measuredOf, measuredOn, noOutcomeSentence } from '../measured.ts';
import type {
  ClassTaskReport,
  LabelledTaskReport,
  LabelsTaskReport,
  NumberTaskReport,
  TaskReport,
} from '../task-types.ts';
import type { RunReport } from '../types.ts';
import { featureFigure, groupFigure } from './reasons.ts';
import { type Tile, table, withInterval } from './table.ts';

/** Tasks over a labelled table that tell a class, labels or a number of each row. */

export const isLabelled = (task: TaskReport): task is LabelledTaskReport =>
  task.kind === 'one-of' || task.kind === 'any-of' || task.kind === 'number';

/** Classes that a matrix shows; of more, the most frequent confusions are listed. */
const MOST_IN_MATRIX = 12;
const MOST_CONFUSIONS = 20;

/** What the columns of the export say. */
export function labelledAdvice(task: LabelledTaskReport, run: RunReport): Html {
  const { name, ranked } = task;
  const columns = {
    'one-of': html`the most probable class (<code>${name}_class</code>) and its probability (<code>${name}_probability</code>)`,
    'any-of': html`the labels that are more likely than not (<code>${name}_labels</code>)`,
    number: html`a number (<code>${name}_number</code>) with an interval of 80 % from <code>${name}_low</code> to <code>${name}_high</code>`,
  }[task.kind];
  return html`<div class="advice"><div><h3>${name}</h3>
<p class="intro"><b>${plural(ranked, 'row has', 'rows have')}</b> ${columns}.</p>
<p class="muted basis">${measuredOn(task, run)} ${noOutcomeSentence(task) ?? ''}</p></div></div>`;
}

/** The figure of a task for the head of the page. */
export function labelledTile(task: LabelledTaskReport): Tile {
  if (task.kind === 'number') {
    const measured = measuredOf(task);
    const { r2, mae } = measured?.measures ?? { r2: null, mae: null };
    const note = measured ? `${measured.basis}; MAE ${significant(mae)}` : 'not measured yet';
    return { name: `${task.name}, R²`, value: decimal(r2), note };
  }
  if (task.kind === 'one-of') {
    const measured = measuredOf(task);
    const usual = measured?.measures.baseline.accuracy;
    const note = measured
      ? `${measured.basis}; always the most frequent class: ${percent(usual)}`
      : 'not measured yet';
    return { name: `${task.name}, accuracy`, value: percent(measured?.measures.accuracy), note };
  }
  const measured = measuredOf(task);
  const note = measured
    ? `${measured.basis}; macro F1 ${decimal(measured.measures.macroF1)}`
    : 'not measured yet';
  return { name: `${task.name}, micro F1`, value: decimal(measured?.measures.microF1), note };
}

interface Row<T extends LabelledTaskReport> {
  readonly task: T;
  readonly basis: Basis;
  readonly measures: NonNullable<T['evaluation']>;
}

function rowsOf<T extends LabelledTaskReport>(tasks: readonly T[]): Row<T>[] {
  return tasks.flatMap((task) => [
    ...(task.evaluation
      ? [{ task, basis: 'outcome' as const, measures: task.evaluation as Row<T>['measures'] }]
      : []),
    ...(task.validation
      ? [{ task, basis: 'validation' as const, measures: task.validation.assessment as Row<T>['measures'] }]
      : []),
  ]);
}

/** A table of measures for each kind that there is. */
export function labelledMeasures(tasks: readonly TaskReport[]): Html {
  const classes = rowsOf(tasks.filter((task): task is ClassTaskReport => task.kind === 'one-of'));
  const labels = rowsOf(tasks.filter((task): task is LabelsTaskReport => task.kind === 'any-of'));
  const numbers = rowsOf(tasks.filter((task): task is NumberTaskReport => task.kind === 'number'));
  return html`${classes.length > 0 && html`<div class="card">${classTable(classes)}</div>`}${
    labels.length > 0 && html`<div class="card">${labelTable(labels)}</div>`
  }${numbers.length > 0 && html`<div class="card">${numberTable(numbers)}</div>`}`;
}

const classTable = (rows: readonly Row<ClassTaskReport>[]): Html =>
  table(
    'How often the class is right, with 95 % intervals over resampled rows. Top 3: how often it is among the three most probable. Macro F1: the mean of the classes, each alike. Beside them always the most frequent class of the training rows. Rows of a class that was never learnt count as wrong.',
    rows,
    [
      { head: 'Task', cell: ({ task }) => task.name },
      { head: 'Measured on', cell: ({ basis }) => basis },
      { head: 'Rows', number: true, cell: ({ measures }) => count(measures.n) },
      { head: 'Never learnt', number: true, cell: ({ measures }) => count(measures.unknown) },
      {
        head: 'Accuracy',
        number: true,
        cell: ({ measures }) => withInterval(measures.accuracy, measures.intervals.accuracy, 3),
      },
      { head: 'Most frequent', number: true, cell: ({ measures }) => decimal(measures.baseline.accuracy, 3) },
      { head: 'Top 3', number: true, cell: ({ measures }) => decimal(measures.top3, 3) },
      {
        head: 'Macro F1',
        number: true,
        cell: ({ measures }) => withInterval(measures.macroF1, measures.intervals.macroF1, 3),
      },
      {
        head: 'Log loss',
        number: true,
        cell: ({ measures }) => withInterval(measures.logLoss, measures.intervals.logLoss, 3),
      },
    ],
  );

const labelTable = (rows: readonly Row<LabelsTaskReport>[]): Html =>
  table(
    'How well labels are told, with 95 % intervals over resampled rows. Micro F1: all rows and labels together. Macro F1 and AUROC: the mean of the labels, each alike. Exact: rows whose labels are all right.',
    rows,
    [
      { head: 'Task', cell: ({ task }) => task.name },
      { head: 'Measured on', cell: ({ basis }) => basis },
      { head: 'Rows', number: true, cell: ({ measures }) => count(measures.n) },
      {
        head: 'Micro F1',
        number: true,
        cell: ({ measures }) => withInterval(measures.microF1, measures.intervals.microF1, 3),
      },
      {
        head: 'Macro F1',
        number: true,
        cell: ({ measures }) => withInterval(measures.macroF1, measures.intervals.macroF1, 3),
      },
      { head: 'AUROC', number: true, cell: ({ measures }) => decimal(measures.auroc, 3) },
      { head: 'Exact', number: true, cell: ({ measures }) => percent(measures.exact) },
    ],
  );

const numberTable = (rows: readonly Row<NumberTaskReport>[]): Html =>
  table(
    'How far numbers are off, with 95 % intervals over resampled rows. R²: the share of the variance that is explained; always saying the mean gets 0. Within: the share of rows inside their interval of 80 %. In the last column the MAE of always saying the median of the training rows.',
    rows,
    [
      { head: 'Task', cell: ({ task }) => task.name },
      { head: 'Measured on', cell: ({ basis }) => basis },
      { head: 'Rows', number: true, cell: ({ measures }) => count(measures.n) },
      {
        head: 'MAE',
        number: true,
        cell: ({ measures }) => withInterval(measures.mae, measures.intervals.mae, 3),
      },
      {
        head: 'RMSE',
        number: true,
        cell: ({ measures }) => withInterval(measures.rmse, measures.intervals.rmse, 3),
      },
      {
        head: 'R²',
        number: true,
        cell: ({ measures }) => withInterval(measures.r2, measures.intervals.r2, 3),
      },
      {
        head: 'Spearman',
        number: true,
        cell: ({ measures }) => withInterval(measures.spearman, measures.intervals.spearman, 3),
      },
      { head: 'Within', number: true, cell: ({ measures }) => percent(measures.coverage) },
      { head: 'MAE of the median', number: true, cell: ({ measures }) => decimal(measures.baseline.mae, 3) },
    ],
  );

export function labelledFigures(task: LabelledTaskReport): Html {
  return html`<div class="grid below">
${task.kind === 'number' ? numberFigure(task) : classFigures(task)}${featureFigure(task)}${groupFigure(task)}
</div>`;
}

function numberFigure(task: NumberTaskReport): Html | false {
  const measured = measuredOf(task);
  return measured !== undefined && predictedFigure(measured.measures, measured.basis);
}

function classFigures(task: ClassTaskReport | LabelsTaskReport): Html {
  const each =
    task.kind === 'one-of' ? measuredOf(task)?.measures.classes : measuredOf(task)?.measures.labels;
  return html`${task.kind === 'one-of' && confusionFigure(task)}<div class="card">${table(
    task.kind === 'one-of' ? 'Classes' : 'Labels',
    each ?? [],
    [
      { head: 'Name', cell: ({ name }) => name },
      { head: 'Rows', number: true, cell: ({ support }) => count(support) },
      { head: 'Told', number: true, cell: ({ predicted }) => count(predicted) },
      { head: 'Precision', number: true, cell: ({ precision }) => percent(precision) },
      { head: 'Recall', number: true, cell: ({ recall }) => percent(recall) },
      { head: 'F1', number: true, cell: ({ f1 }) => decimal(f1) },
    ],
  )}</div>`;
}

function confusionFigure(task: ClassTaskReport): Html {
  const { confusion = [], classes = [] } = measuredOf(task)?.measures ?? {};
  const text = {
    title: 'Right and wrong',
    read: 'Rows of the table are what was real, columns what was told; the diagonal is right.',
    worry: 'one column holds nearly everything: all are told the same.',
  };
  if (classes.length === 0) return figure(text, nothing('No rows were measured.'));
  const names = classes.map(({ name }) => name);
  if (names.length > MOST_IN_MATRIX) {
    const wrong = confusion
      .filter(({ truth, told }) => truth !== told)
      .sort((a, b) => b.n - a.n)
      .slice(0, MOST_CONFUSIONS);
    return html`<div class="card">${table('The most frequent confusions', wrong, [
      { head: 'Real', cell: ({ truth }) => truth },
      { head: 'Told', cell: ({ told }) => told },
      { head: 'Rows', number: true, cell: ({ n }) => count(n) },
    ])}</div>`;
  }
  const cells = new Map(confusion.map(({ truth, told, n }) => [JSON.stringify([truth, told]), n]));
  const cell = (truth: string, told: string) =>
    html`<td class="${truth === told ? 'right' : 'wrong'}"><b>${count(cells.get(JSON.stringify([truth, told])) ?? 0)}</b></td>`;
  return figure(
    text,
    html`<table class="confusion"><thead><tr><td></td>${names.map((told) => html`<th scope="col">${told}</th>`)}</tr></thead><tbody>
${names.map((truth) => html`<tr><th scope="row">${truth}</th>${names.map((told) => cell(truth, told))}</tr>`)}
</tbody></table>`,
  );
}
