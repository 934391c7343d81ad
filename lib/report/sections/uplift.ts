import { qiniFigure, upliftDecilesFigure } from '../charts/index.ts';
import { count, decimal, isNumber, plural, significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { Interval, Measure, UpliftMeasures } from '../measure-types.ts';
import { type Basis, measuredOf, measuredOn, noOutcomeSentence } from '../measured.ts';
import type { UpliftTaskReport } from '../task-types.ts';
import type { RunReport } from '../types.ts';
import { wordsOf } from '../words.ts';
import { featureFigure, groupFigure } from './reasons.ts';
import { table } from './table.ts';

const SPACE = '\u00a0';

/** 0.0123 -> '+1.23 points' of a chance; an amount in its unit. */
const effectIn =
  ({ of, currency }: UpliftTaskReport) =>
  (value: Measure | undefined): string => {
    if (!isNumber(value)) return '–';
    const sign = value > 0 ? '+' : '';
    if (of === 'chance') return `${sign}${decimal(100 * value, 2)}${SPACE}points`;
    return `${sign}${significant(value)}${currency === undefined ? '' : `${SPACE}${currency}`}`;
  };

function within(task: UpliftTaskReport, value: Measure, interval: Interval): Html {
  const amount = effectIn(task);
  return html`${amount(value)}${
    interval !== null &&
    html` <span class="muted interval">${amount(interval[0])} to ${amount(interval[1])}</span>`
  }`;
}

/** Whom to treat, for somebody who runs a campaign. */
export function upliftAdvice(task: UpliftTaskReport, run: RunReport): Html {
  const { name, ranked, persuadable, least } = task;
  const { one, many } = wordsOf(task);
  const amount = effectIn(task);
  const measures = measuredOf(task)?.measures;
  const chosen = measures?.chosen;
  return html`<div class="advice"><div><h3>${name}</h3>
<p class="intro">Of <b>${plural(ranked, one, many)}</b>, <b>${count(persuadable.n)}</b> are persuadable: the treatment is expected to change their outcome (${task.outcome}) by more than ${amount(least)}, by ${amount(persuadable.n > 0 ? persuadable.expected / persuadable.n : null)} each in the mean (<code>${name}_uplift</code>, <code>${name}_persuadable</code>). Treat these, and let the others be.${
    chosen &&
    isNumber(chosen.effect) &&
    html` Of ${plural(chosen.n, one, many)} who were expected to gain more than that, the treated came to ${within(task, chosen.effect, chosen.interval)} more than the control.`
  }${
    measures &&
    noOrder(measures) &&
    html` <b>The order is not proven:</b> the interval of the Qini coefficient reaches down to zero, so the first of the list may gain no more than others.`
  }</p>
<p class="muted basis">${measuredOn(task, run)} ${noOutcomeSentence(task) ?? ''}</p></div></div>`;
}

const noOrder = ({ intervals: { qini } }: UpliftMeasures): boolean => qini === null || qini[0] <= 0;

/** Rows of measures: of the outcome, of the validation, or of both. */
export function upliftRows(
  task: UpliftTaskReport,
): { task: UpliftTaskReport; basis: Basis; measures: UpliftMeasures }[] {
  return [
    ...(task.evaluation ? [{ task, basis: 'outcome' as const, measures: task.evaluation }] : []),
    ...(task.validation
      ? [{ task, basis: 'validation' as const, measures: task.validation.assessment }]
      : []),
  ];
}

export function upliftTable(rows: ReturnType<typeof upliftRows>): Html {
  return table(
    'What the treatment changed, and how well that was told apart, with 95 % intervals over resampled users. Effect: mean outcome of the treated less that of the control. Qini: the area between the Qini curve and a list in random order; 0 is a random order. AUUC: the area under the uplift curve; half the effect is a random order. Persuadable: the effect among those who were expected to gain more than the least.',
    rows,
    [
      { head: 'Task', cell: ({ task }) => task.name },
      { head: 'Measured on', cell: ({ basis }) => basis },
      { head: 'Treated', number: true, cell: ({ measures }) => count(measures.treated) },
      { head: 'Control', number: true, cell: ({ measures }) => count(measures.control) },
      {
        head: 'Effect',
        number: true,
        cell: ({ task, measures }) => within(task, measures.effect, measures.intervals.effect),
      },
      {
        head: 'Expected',
        number: true,
        cell: ({ task, measures }) => effectIn(task)(measures.meanPrediction),
      },
      {
        head: 'Qini',
        number: true,
        cell: ({ task, measures }) => within(task, measures.qini, measures.intervals.qini),
      },
      {
        head: 'AUUC',
        number: true,
        cell: ({ task, measures }) => within(task, measures.auuc, measures.intervals.auuc),
      },
      {
        head: 'Persuadable',
        number: true,
        cell: ({ task, measures: { chosen } }) =>
          html`${count(chosen.n)}: ${within(task, chosen.effect, chosen.interval)}`,
      },
    ],
  );
}

export function upliftFigures(task: UpliftTaskReport): Html {
  const measured = measuredOf(task);
  const { one, many } = wordsOf(task);
  const on = measured && `${measured.basis}, ${plural(measured.measures.n, one, many)}`;
  const amount = effectIn(task);
  const named = (arms: readonly string[]) => arms.map((arm) => `"${arm}"`).join(', ');
  return html`<div class="notice" role="note"><b>Who was compared</b><ul><li>Treated: ${named(task.treated)}; control: ${named(task.control)}.</li><li>${task.balance}</li>${task.leftOut.map(
    (line) => html`<li>Left out, ${line}.</li>`,
  )}</ul></div>
<div class="grid below">
${measured && on !== undefined && html`${upliftDecilesFigure(measured.measures, amount, on)}${qiniFigure(measured.measures, amount, on)}`}${featureFigure(task, 'in parts of the uplift')}${groupFigure(task)}
</div>
${measured && html`<details><summary>Numbers of ${task.name}</summary><div class="card">${decileTable(task, measured.measures)}</div></details>`}`;
}

function decileTable(task: UpliftTaskReport, { deciles }: UpliftMeasures): Html {
  const mean = (value: Measure) => (task.of === 'chance' ? decimal(value, 4) : significant(value));
  return table('Deciles, highest expected uplift first', deciles, [
    { head: 'Decile', cell: (row) => count(row.decile) },
    { head: 'Rows', number: true, cell: (row) => count(row.n) },
    { head: 'Mean, treated', number: true, cell: (row) => mean(row.meanTreated) },
    { head: 'Mean, control', number: true, cell: (row) => mean(row.meanControl) },
    { head: 'Uplift', number: true, cell: (row) => within(task, row.effect, row.interval) },
    { head: 'Expected', number: true, cell: (row) => effectIn(task)(row.meanPrediction) },
  ]);
}
