import { formatDay, parseDay } from '../../data/index.ts';
import {
  bars,
  figure,
  gainFigure,
  liftFigure,
  nothing,
  precisionRecallFigure,
  pretrainingFigure,
  reliabilityFigure,
  rocFigure,
  scoreFigure,
  stepsFigure,
  trainingFigure,
} from '../charts/index.ts';
import { count, decimal, isNumber, percent, plural, shareOf, significant } from '../format.ts';
import { type Html, html } from '../html.ts';
import type {
  BinaryEvaluation,
  BinaryTaskReport,
  ComparisonReport,
  NextTaskReport,
  RunReport,
  TaskReport,
} from '../types.ts';
import { binaryMeasures, nextMeasures } from './measures.ts';
import { table } from './table.ts';

const MOST_FEATURES = 10;
/** In the table of numbers. */
const MOST_LISTED = 60;
const MOST_ITEMS = 12;

/** How good a task's scores are, why they are what they are, and how the model came about. */
export function taskSection(task: TaskReport, id: string, run: RunReport): Html {
  return html`<section id="${id}"><h2>Task: ${task.name}</h2>
<p class="intro">${task.description}${task.kind === 'label' && ' Below, a “user” is a row of the table.'}</p>
${outcomeNote(task, run)}
${task.kind === 'next' ? nextParts(task) : binaryParts(task)}
</section>
`;
}

/** Says against what the scores are measured: the outcome after this run's own as-of time, or an earlier cut-off's. */
function outcomeNote(task: TaskReport, run: RunReport): Html {
  const { evaluation, horizonDays } = task;
  const closing =
    run.asOf !== undefined && isNumber(horizonDays)
      ? day(formatDay(parseDay(run.asOf) + horizonDays))
      : undefined;
  const closes = closing !== undefined && html`: the label window closes on ${closing}`;
  if (evaluation === undefined) {
    return html`<div class="notice" role="note"><b>No outcome yet</b>${closes}. There is no earlier cut-off to measure by either; how good these scores are is not known yet.</div>`;
  }
  const users =
    task.kind === 'label' ? plural(evaluation.n, 'row', 'rows') : plural(evaluation.n, 'user', 'users');
  if (evaluation.asOf === undefined || evaluation.asOf === run.asOf) {
    const scores = evaluation.asOf !== undefined && html` as of ${day(evaluation.asOf)}`;
    const truth =
      closing === undefined
        ? 'the outcome of rows that the training did not see'
        : html`what happened until ${closing}`;
    return html`<p class="intro muted">Measured on ${users}: scores${scores}, compared with ${truth}.</p>`;
  }
  return html`<div class="notice" role="note"><b>No outcome yet</b>${closes}. The measures shown are from the validation cut-off ${day(evaluation.asOf)} (${users}).</div>`;
}

/** A day that is not broken at its hyphens. */
function day(text: string): Html {
  return html`<span class="day">${text}</span>`;
}

function binaryParts(task: BinaryTaskReport): Html {
  return html`${
    task.evaluation !== undefined &&
    html`<h3>How good the scores are</h3>
${binaryMeasures(task.evaluation)}
<div class="grid below">
${rocFigure(task.evaluation)}${precisionRecallFigure(task.evaluation)}${reliabilityFigure(task.evaluation)}${gainFigure(task.evaluation)}${liftFigure(task.evaluation)}${confusionFigure(task.evaluation)}
</div>`
  }
<h3>What the scores look like, and what moves them</h3>
<div class="grid">
${scoreFigure(task)}${groupFigure(task)}${featureFigure(task)}
</div>
${numbers(task)}
<h3>How the model was made</h3>
<div class="grid">
${makingFigures(task)}
</div>
${task.comparison !== undefined && comparisonTable(task.comparison)}
`;
}

/** What each kind of input adds, on the cut-off that the choice was made by. */
function comparisonTable({ asOf, rows }: ComparisonReport): Html {
  return html`<h3>What visits and texts add</h3>
<p class="intro muted">Models that read more and more, each fitted on what was known by ${
    asOf === undefined
      ? 'then, with a fifth of the users held out'
      : html`the validation cut-off ${day(asOf)}`
  }, and measured on what happened to ${plural(rows[0]?.n, 'user', 'users')} after it. The marked one was chosen, by the mean log loss over all tasks: an input that lowers it too little is left out.</p>
<div class="card">${table('Models by what they read', rows, [
    {
      head: 'Reads',
      cell: (row) => (row.kept ? html`<b>${row.reads.join(', ')} (chosen)</b>` : row.reads.join(', ')),
    },
    { head: 'Model', cell: (row) => row.name },
    { head: 'AUROC', number: true, cell: (row) => decimal(row.auroc, 4) },
    { head: 'AUPR', number: true, cell: (row) => decimal(row.auprc, 4) },
    { head: 'Log loss', number: true, cell: (row) => decimal(row.logLoss, 4) },
  ])}</div>`;
}

function confusionFigure({ confusion }: BinaryEvaluation): Html {
  const cell = (kind: string, rows: number, name: string) =>
    html`<td class="${kind}"><b>${count(rows)}</b><span>${name}</span></td>`;
  const { tp, fp, tn, fn, threshold } = confusion;
  const right = shareOf(tp + tn, tp + fp + tn + fn);
  return figure(
    {
      title: 'Right and wrong',
      lead: `${right} right at threshold ${decimal(threshold, 2)}`,
      read: `If everyone with a probability of ${decimal(threshold, 2)} or more is called a yes: the blue cells are right, the grey ones wrong.`,
      worry:
        'one row is empty: everyone is called the same. With rare outcomes choose another threshold, or use the order.',
    },
    html`<table class="confusion"><thead><tr><td></td><th scope="col">did</th><th scope="col">did not</th></tr></thead><tbody>
<tr><th scope="row">called yes</th>${cell('right', tp, 'found')}${cell('wrong', fp, 'false alarm')}</tr>
<tr><th scope="row">called no</th>${cell('wrong', fn, 'missed')}${cell('right', tn, 'rightly left')}</tr>
</tbody></table>`,
  );
}

/** The charts' numbers for those who can not see them or want to calculate on. */
function numbers({ evaluation, features }: BinaryTaskReport): Html | false {
  const { deciles, reliability } = evaluation ?? { deciles: [], reliability: [] };
  if (deciles.length + reliability.length + features.length === 0) return false;
  const strongest = [...features].sort((a, b) => b.strength - a.strength).slice(0, MOST_LISTED);
  return html`<details><summary>The numbers behind these charts</summary>
<div class="card">${table('Deciles, highest scores first', deciles, [
    { head: 'Decile', cell: (row) => count(row.decile) },
    { head: 'Users', number: true, cell: (row) => count(row.n) },
    { head: 'Did', number: true, cell: (row) => count(row.positives) },
    { head: 'Rate', number: true, cell: (row) => percent(row.rate) },
    { head: 'Lift', number: true, cell: (row) => decimal(row.lift, 2) },
    { head: 'Reached', number: true, cell: (row) => percent(row.cumulativeGain) },
  ])}</div>
<div class="card">${table('Reliability, bins of equal size', reliability, [
    { head: 'Said on average', cell: (bin) => percent(bin.meanProbability) },
    { head: 'Happened', number: true, cell: (bin) => percent(bin.observedRate) },
    { head: 'Users', number: true, cell: (bin) => count(bin.n) },
  ])}</div>
<div class="card">${table('Features, strongest first', strongest, [
    { head: 'Feature', cell: (row) => row.name },
    { head: 'Group', cell: (row) => row.group },
    { head: 'Strength', number: true, cell: (row) => significant(row.strength) },
  ])}</div>
</details>`;
}

function groupFigure({ groups }: BinaryTaskReport): Html {
  const rows = [...groups].sort((a, b) => b.share - a.share).slice(0, MOST_FEATURES);
  const first = rows[0];
  return figure(
    {
      title: 'What moves the scores',
      ...(first !== undefined && { lead: `Most of all: ${first.group}` }),
      read: 'How much of the movement of all scores comes from each group of features (gradient times input, summed over users). The same groups stand as reasons beside each score in the export.',
      worry:
        'one group does nearly everything, or a group that should not matter leads: it may give the answer away.',
    },
    bars(
      'Share of the reasons by group of features',
      rows.map((row) => ({ name: row.group, value: row.share, shown: percent(row.share) })),
      'No reasons were computed for this run.',
    ),
  );
}

function featureFigure({ features }: BinaryTaskReport): Html {
  const rows = [...features].sort((a, b) => b.strength - a.strength).slice(0, MOST_FEATURES);
  const cut =
    features.length > rows.length ? ` The first ${MOST_FEATURES} of ${count(features.length)}.` : '';
  return figure(
    {
      title: 'Strongest features',
      ...(rows[0] !== undefined && { lead: `Most of all: ${rows[0].name}` }),
      read: `How far each feature moves a score on average, up or down (mean size of gradient times input, on the scale of log-odds).${cut}`,
      worry: 'a feature leads that can only be known afterwards.',
    },
    bars(
      'Strongest features',
      rows.map((row) => ({
        name: row.group === '' ? row.name : `${row.name} · ${row.group}`,
        value: row.strength,
        shown: significant(row.strength),
      })),
      'No feature strengths were computed for this run.',
    ),
  );
}

/** How the model came about: what was not done is said in a line, not by an empty chart. */
function makingFigures({ training, pretraining, selection }: TaskReport): Html {
  const trained = trainingFigure(training);
  const pretrained = pretrainingFigure(pretraining);
  const choices = [
    ...selection,
    ...(trained === undefined ? ['No training steps were recorded for this task in this run.'] : []),
    ...(pretrained === undefined ? ['No pretraining was recorded for this task in this run.'] : []),
  ];
  return html`${trained}${stepsFigure(training)}${pretrained}${figure(
    {
      title: 'Chosen on validation',
      read: 'Choices are made on earlier cut-offs or on rows kept aside, never on what this page measures.',
    },
    choices.length === 0
      ? nothing('Nothing was left to choose.')
      : html`<ul>${choices.map((choice) => html`<li>${choice}</li>`)}</ul>`,
  )}`;
}

function nextParts(task: NextTaskReport): Html {
  const top = [...task.top].sort((a, b) => b.users - a.users).slice(0, MOST_ITEMS);
  return html`${
    task.evaluation !== undefined &&
    html`<h3>How good the lists are</h3>
${nextMeasures(task, task.evaluation)}`
  }
<h3>What stands in the lists, and how they were made</h3>
<div class="grid">
${figure(
  {
    title: 'Top categories and items',
    lead: `In how many users' lists of ${count(task.k)}`,
    read: 'The entries that are offered to most users, with the number of users.',
    worry:
      'a few entries stand in nearly all lists: everyone gets the same, and the list is hardly personal.',
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
)}${makingFigures(task)}
</div>
`;
}
