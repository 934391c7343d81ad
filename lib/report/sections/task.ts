import {
  bars,
  figure,
  gainFigure,
  liftFigure,
  precisionRecallFigure,
  reliabilityFigure,
  rocFigure,
  scoreFigure,
} from '../charts/index.ts';
import { count, decimal, percent, shareOf, significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { BinaryEvaluation } from '../measure-types.ts';
import { countedAs, measuredOf } from '../measured.ts';
import type { BinaryTaskReport, NextTaskReport, TaskReport } from '../task-types.ts';
import { type Words, wordsOf } from '../words.ts';
import { demandFigures } from './demand.ts';
import { isLabelled, labelledFigures } from './labelled.ts';
import { featureFigure, groupFigure } from './reasons.ts';
import { table } from './table.ts';
import { upliftFigures } from './uplift.ts';
import { valueFigures } from './value.ts';

/** In the table of numbers. */
const MOST_LISTED = 60;
const MOST_ITEMS = 10;

/** The figures of one task: three to look at, the others behind a fold. */
export function taskPart(task: TaskReport): Html {
  return html`<h3>${task.name}</h3>
<p class="intro">${task.description}</p>
${figuresOf(task)}
`;
}

function figuresOf(task: TaskReport): Html {
  if (task.kind === 'demand') return demandFigures(task);
  if (task.kind === 'value') return valueFigures(task);
  if (task.kind === 'uplift') return upliftFigures(task);
  if (isLabelled(task)) return labelledFigures(task);
  return task.kind === 'next' ? listFigures(task) : binaryFigures(task);
}

function binaryFigures(task: BinaryTaskReport): Html {
  const words = wordsOf(task);
  const measured = measuredOf(task);
  const { evaluation } = task;
  const on = measured && `${measured.basis}, ${count(measured.measures.n)} ${words.many}`;
  return html`<div class="grid below">
${measured && gainFigure(measured.measures, words, on ?? '')}${measured && reliabilityFigure(measured.measures, words, on ?? '')}${featureFigure(task)}
</div>
<details><summary>More about ${task.name}: ${evaluation ? 'curves, lift, right and wrong, ' : 'lift, '}scores, reasons, numbers</summary>
<div class="grid">
${measured && liftFigure(measured.measures, words, on ?? '')}${evaluation && html`${rocFigure(evaluation, words)}${precisionRecallFigure(evaluation, words)}${confusionFigure(evaluation, words)}`}${scoreFigure(task, words)}${groupFigure(task)}
</div>
${numbers(task, words)}
</details>`;
}

function confusionFigure({ confusion }: BinaryEvaluation, words: Words): Html {
  const cell = (kind: string, rows: number, name: string) =>
    html`<td class="${kind}"><b>${count(rows)}</b><span>${name}</span></td>`;
  const { tp, fp, tn, fn, threshold } = confusion;
  const right = shareOf(tp + tn, tp + fp + tn + fn);
  return figure(
    {
      title: 'Right and wrong',
      lead: `${right} right at threshold ${decimal(threshold, 2)}`,
      read: `All ${words.many} with a probability of ${decimal(threshold, 2)} or more are called a yes here: the blue cells are right, the grey ones wrong.`,
      worry: `one row is empty: all are called the same. Where ${words.takers} are rare, use the order instead.`,
    },
    html`<table class="confusion"><thead><tr><td></td><th scope="col">${words.did}</th><th scope="col">${words.didNot}</th></tr></thead><tbody>
<tr><th scope="row">called yes</th>${cell('right', tp, 'found')}${cell('wrong', fp, 'false alarm')}</tr>
<tr><th scope="row">called no</th>${cell('wrong', fn, 'missed')}${cell('right', tn, 'rightly left')}</tr>
</tbody></table>`,
  );
}

/** The charts' numbers for those who cannot see them or want to calculate on. */
function numbers(task: BinaryTaskReport, words: Words): Html | false {
  const { deciles, reliability } = measuredOf(task)?.measures ?? { deciles: [], reliability: [] };
  const counted = countedAs(task, task.evaluation ? 'outcome' : 'validation');
  if (deciles.length + reliability.length + task.features.length === 0) return false;
  const strongest = [...task.features].sort((a, b) => b.strength - a.strength).slice(0, MOST_LISTED);
  return html`<div class="grid below">
<div class="card">${table('Deciles, highest scores first', deciles, [
    { head: 'Decile', cell: (row) => count(row.decile) },
    { head: counted, number: true, cell: (row) => count(row.n) },
    { head: words.did, number: true, cell: (row) => count(row.positives) },
    { head: 'Rate', number: true, cell: (row) => percent(row.rate) },
    { head: 'Lift', number: true, cell: (row) => decimal(row.lift, 2) },
    { head: 'Caught', number: true, cell: (row) => percent(row.cumulativeGain) },
  ])}</div>
<div class="card">${table('Reliability, bins of equal size', reliability, [
    { head: 'Said on average', cell: (bin) => percent(bin.meanProbability) },
    { head: 'Happened', number: true, cell: (bin) => percent(bin.observedRate) },
    { head: counted, number: true, cell: (bin) => count(bin.n) },
  ])}</div>
<div class="card">${table('Features, strongest first', strongest, [
    { head: 'Feature', cell: (row) => row.name },
    { head: 'Group', cell: (row) => row.group },
    { head: 'Strength', number: true, cell: (row) => significant(row.strength) },
  ])}</div>
</div>`;
}

function listFigures(task: NextTaskReport): Html {
  const top = [...task.top].sort((a, b) => b.users - a.users).slice(0, MOST_ITEMS);
  const things = task.of === 'item' ? 'items' : task.of;
  return html`${rulesNote(task)}<div class="grid below">
${figure(
  {
    title: `What is offered most: ${things}`,
    ...(top[0] !== undefined && {
      lead: `The first stands in ${shareOf(top[0].users, task.ranked, 0)} of all lists of ${count(task.k)}`,
    }),
    read: `Bars: in how many of the ${count(task.ranked)} lists an entry stands, the ${count(top.length)} most frequent.`,
    worry: 'a few entries stand in nearly all lists: everybody gets the same.',
  },
  bars(
    'Entries offered to most users',
    top.map((row) => ({
      name: row.label === undefined || row.label === row.item ? row.item : `${row.label} (${row.item})`,
      value: row.users,
      shown: count(row.users),
    })),
    'No lists were made.',
  ),
)}
</div>`;
}

/** Which rules were on, and what that means for the figures. */
function rulesNote({ name, rules = [], validatedBy }: NextTaskReport): Html | false {
  if (rules.length === 0 && validatedBy === undefined) return false;
  const earlier =
    validatedBy &&
    (validatedBy.length > 0
      ? `The validation was measured by other rules: ${validatedBy.join(' ')}`
      : 'The validation was measured without these rules.');
  return html`<div class="notice" role="note"><b>Rules of ${name}</b><ul>${rules.map((rule) => html`<li>${rule}</li>`)}${
    rules.length > 0 &&
    html`<li>What a rule leaves out is no hit, and counts among what was taken: recall and NDCG are lower by it.</li>`
  }${earlier && html`<li>${earlier}</li>`}</ul></div>`;
}
