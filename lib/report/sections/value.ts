import { calibrationFigure } from '../charts/index.ts';
import { count, decimal, isNumber, percent, plural, significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { ValueMeasures } from '../measure-types.ts';
import { type Basis, measuredOf, measuredOn, noOutcomeSentence } from '../measured.ts';
import type { ValueTaskReport } from '../task-types.ts';
import type { RunReport } from '../types.ts';
import { featureFigure, groupFigure } from './reasons.ts';
import { table, withInterval } from './table.ts';

/** 12,345 EUR; 12,345 units. */
function amount(value: number | null | undefined, { of, currency }: ValueTaskReport): string {
  const unit = of === 'money' ? currency : of;
  return unit === undefined ? significant(value) : `${significant(value)}\u00a0${unit}`;
}

/** What to do with the values, for somebody who runs a campaign. */
export function valueAdvice(task: ValueTaskReport, run: RunReport): Html {
  const { name, ranked, expected } = task;
  const measured = measuredOf(task)?.measures;
  const top = measured?.topShare10;
  return html`<div class="advice"><div><h3>${name}</h3>
<p class="intro"><b>${plural(ranked, 'user', 'users')}</b> ${ranked === 1 ? 'is' : 'are'} expected to come to <b>${amount(expected, task)}</b> together (<code>${name}_value</code>${measured && measured.coverage !== null && html`, with an interval of 80 % from <code>${name}_low</code> to <code>${name}_high</code>`}).${
    isNumber(top) &&
    html` The tenth with the highest values (<code>${name}_decile = 1</code>) held <b>${percent(top, 0)}</b> of what all came to: care for them first.`
  }</p>
<p class="muted basis">${measuredOn(task, run)} ${noOutcomeSentence(task) ?? ''}</p></div></div>`;
}

/** Rows of measures: of the outcome, of the validation, or of both. */
export function valueRows(
  task: ValueTaskReport,
): { task: ValueTaskReport; basis: Basis; measures: ValueMeasures }[] {
  return [
    ...(task.evaluation ? [{ task, basis: 'outcome' as const, measures: task.evaluation }] : []),
    ...(task.validation
      ? [{ task, basis: 'validation' as const, measures: task.validation.assessment }]
      : []),
  ];
}

export function valueTable(rows: ReturnType<typeof valueRows>): Html {
  return table(
    'How good the values are, with 95 % intervals over resampled users. Spearman: how well the order is that of what happened; 0 is a random order, 1 the right one. First tenth: the share of all that came from the users with the highest values. MAE and RMSE: how far a value is off. Within: the share of users who came to lie within their interval of 80 %.',
    rows,
    [
      { head: 'Task', cell: ({ task }) => task.name },
      { head: 'Measured on', cell: ({ basis }) => basis },
      { head: 'Rows', number: true, cell: ({ measures }) => count(measures.n) },
      { head: 'Mean', number: true, cell: ({ measures }) => significant(measures.meanTruth) },
      { head: 'Expected', number: true, cell: ({ measures }) => significant(measures.meanPrediction) },
      {
        head: 'Spearman',
        number: true,
        cell: ({ measures }) => withInterval(measures.spearman, measures.intervals.spearman, 3),
      },
      {
        head: 'First tenth',
        number: true,
        cell: ({ measures }) => withInterval(measures.topShare10, measures.intervals.topShare10, 3),
      },
      {
        head: 'MAE',
        number: true,
        cell: ({ measures }) => withInterval(measures.mae, measures.intervals.mae, 1),
      },
      { head: 'RMSE', number: true, cell: ({ measures }) => decimal(measures.rmse, 1) },
      { head: 'Within', number: true, cell: ({ measures }) => percent(measures.coverage) },
    ],
  );
}

export function valueFigures(task: ValueTaskReport): Html {
  const measured = measuredOf(task);
  return html`<div class="grid below">
${measured && calibrationFigure(measured.measures, `${measured.basis}, ${plural(measured.measures.n, 'row', 'rows')}`)}${featureFigure(task)}${groupFigure(task)}
</div>`;
}
