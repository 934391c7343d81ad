import { formatDay, parseDay } from '../../data/index.ts';
import { bars, figure, forecastChart, nameOf } from '../charts/index.ts';
import { count, decimal, isNumber, percent, plural } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { DemandMeasures } from '../measure-types.ts';
import { type Basis, measuredOf, measuredOn, noOutcomeSentence } from '../measured.ts';
import type { DemandTaskReport } from '../task-types.ts';
import type { RunReport } from '../types.ts';
import { wordsOf } from '../words.ts';
import { table } from './table.ts';

/** Items in the figure; the table has all that the report names. */
const MOST_DRAWN = 10;

/** What is expected, and what to do with it. */
export function demandAdvice(task: DemandTaskReport, run: RunReport): Html {
  const { name, ranked, expected, stock, horizonDays } = task;
  const words = wordsOf(task);
  const window =
    run.asOf === undefined || horizonDays === undefined
      ? ''
      : ` from ${run.asOf} to ${formatDay(parseDay(run.asOf) + horizonDays - 1)} (${plural(horizonDays, 'day', 'days')})`;
  return html`<div class="advice"><div><h3>${name}</h3>
<p class="intro"><b>${count(expected)}</b> units of <b>${plural(ranked, words.one, words.many)}</b> are expected${window}: <code>${name}_units</code>. With a chance of 80 % an item needs between <code>${name}_low</code> and <code>${name}_high</code>; whoever must not run out orders up to the higher.${
    stock !== undefined &&
    html` Of ${plural(stock.known, words.one, words.many)} whose stock is known, <b>${count(stock.short)}</b> will more likely than not run out (<code>${name}_stockout</code> above 0.5).`
  }</p>
<p class="muted basis">${measuredOn(task, run)} ${noOutcomeSentence(task) ?? ''}</p></div></div>`;
}

interface Row {
  readonly task: DemandTaskReport;
  readonly basis: Basis;
  readonly measures: DemandMeasures;
}

/** The measures of tasks over items, one line for each, with their yardsticks. */
export function demandMeasures(tasks: readonly DemandTaskReport[]): Html | false {
  const rows = tasks.flatMap((task): Row[] => [
    ...(task.evaluation ? [{ task, basis: 'outcome' as const, measures: task.evaluation }] : []),
    ...(task.validation
      ? [{ task, basis: 'validation' as const, measures: task.validation.assessment }]
      : []),
  ]);
  if (rows.length === 0) return false;
  const number = true;
  return html`<div class="card">${table(
    'How far expected units were off, for the items that had sold most. MAE: mean error in units. WAPE: all errors together by all units that came. Four weeks: the mean of the last four weeks goes on. Last week: it repeats itself.',
    rows,
    [
      { head: 'Task', cell: ({ task }) => task.name },
      { head: 'Measured on', cell: ({ basis }) => basis },
      { head: 'Items', number, cell: ({ measures }) => count(measures.n) },
      { head: 'Units that came', number, cell: ({ measures }) => count(measures.real) },
      { head: 'Expected', number, cell: ({ measures }) => count(measures.expected) },
      { head: 'MAE', number, cell: ({ measures }) => decimal(measures.mae, 1) },
      { head: 'WAPE', number, cell: ({ measures }) => percent(measures.wape) },
      { head: 'Four weeks: WAPE', number, cell: ({ measures }) => percent(measures.average.wape) },
      { head: 'Last week: WAPE', number, cell: ({ measures }) => percent(measures.naive.wape) },
      { head: '80 % intervals that held', number, cell: ({ measures }) => percent(measures.coverage) },
    ],
  )}</div>`;
}

/** All items together, the first of them, and their numbers. */
export function demandFigures(task: DemandTaskReport): Html {
  const { top, expected, real } = task;
  const drawn = top.slice(0, MOST_DRAWN);
  const known = isNumber(real);
  const many = wordsOf(task).many;
  return html`<div class="grid below">
${figure(
  {
    title: 'All together',
    lead: known
      ? `${count(expected)} units expected, ${count(real)} came`
      : `${count(expected)} units expected`,
    read: `Bars: units of all ${count(task.ranked)} ${many} within the window${known ? ', as they were expected and as they came' : ''}.`,
    worry:
      'the two are far apart although nothing special happened: a season or an action that earlier days do not show.',
  },
  bars(
    'Units of all items together',
    [
      { name: 'expected', value: expected, shown: count(expected) },
      ...(known ? [{ name: 'came', value: real, shown: count(real) }] : []),
    ],
    'Nothing is expected.',
  ),
)}${figure(
  {
    title: `Of which most is expected`,
    ...(drawn[0] !== undefined && { lead: `Most of all: ${nameOf(drawn[0])}` }),
    read: `Dots: units that are expected. Bands: the interval of 80\u00a0%.${known ? ' Upright lines: what came.' : ''} The ${count(drawn.length)} ${many} with the most.`,
    worry:
      measuredOf(task) === undefined ? 'nothing was measured yet.' : 'many lines lie outside of their bands.',
  },
  forecastChart('Expected units of the first items', drawn, 'Nothing is expected.'),
)}
</div>
<details><summary>More about ${task.name}: numbers</summary>
${table(`The ${count(top.length)} ${many} of which most is expected`, top, [
  { head: 'Item', cell: nameOf },
  { head: 'Expected', number: true, cell: ({ units }) => decimal(units, 1) },
  { head: 'Low', number: true, cell: ({ low }) => decimal(low, 1) },
  { head: 'High', number: true, cell: ({ high }) => decimal(high, 1) },
  ...(known
    ? [{ head: 'Came', number: true, cell: (row: (typeof top)[number]) => decimal(row.real, 1) }]
    : []),
  ...(task.stock !== undefined
    ? [{ head: 'Runs out', number: true, cell: (row: (typeof top)[number]) => percent(row.stockout, 0) }]
    : []),
])}
</details>`;
}
