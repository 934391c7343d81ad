import { figure, nothing, pretrainingFigure, stepsFigure, trainingFigure } from '../charts/index.ts';
import { bytes, count, decimal } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { ComparisonReport, ModelReport } from '../types.ts';
import { gatePart } from './gate.ts';
import { measuresPart } from './measures.ts';
import { table } from './table.ts';
import { taskPart } from './task.ts';

/** One model: how good it is at its tasks, what moves its scores, and how it was made. */
export function modelSection(model: ModelReport, id: string): Html {
  const measures = measuresPart(model.tasks);
  return html`<section id="${id}"><h2>${modelTitle(model)}</h2>
<p class="intro muted">${origin(model)}</p>
${measures.markup === '' ? html`<p class="intro">How good it is could not be measured: the history is too short to hold a whole window of it out, or has too few outcomes of either kind.</p>` : measures}
${model.tasks.map(taskPart)}
<details><summary>How the model was made</summary>
<div class="grid">${makingFigures(model)}</div>
${model.comparison !== undefined && comparisonTable(model.comparison)}
${model.gate !== undefined && gatePart(model.gate)}
</details>
</section>
`;
}

/** Tasks that one model answers together. */
export const modelTitle = ({ tasks }: ModelReport): string =>
  `Model: ${tasks.map(({ name }) => name).join(', ')}`;

function origin({ name, version, trainedBefore, trainedHere }: ModelReport): string {
  const made = trainedHere ? 'trained by this run' : 'trained by an earlier run';
  const known = trainedBefore === undefined ? '' : `, from what was known before ${trainedBefore}`;
  return `${name} ${version}, ${made}${known}.`;
}

/** How the model came about: what was not done is said in a line, not by an empty chart. */
function makingFigures({ training, pretraining, selection }: ModelReport): Html {
  const trained = trainingFigure(training);
  const pretrained = pretrainingFigure(pretraining);
  const choices = [
    ...selection,
    ...(trained === undefined ? ['Nothing was trained step by step.'] : []),
    ...(pretrained === undefined ? ['There was no pretraining.'] : []),
  ];
  return html`${trained}${stepsFigure(training)}${pretrained}${figure(
    { title: 'What was chosen, and by what' },
    choices.length === 0
      ? nothing('Nothing was left to choose.')
      : html`<ul>${choices.map((choice) => html`<li>${choice}</li>`)}</ul>`,
  )}`;
}

type ComparedModel = ComparisonReport['rows'][number];

const COSTS = [
  { head: 'Fits, s', number: true, cell: ({ costs }: ComparedModel) => decimal(costs?.fitSeconds, 1) },
  { head: 'Rows a second', number: true, cell: ({ costs }: ComparedModel) => count(costs?.rowsPerSecond) },
  { head: 'Size', number: true, cell: ({ costs }: ComparedModel) => bytes(costs?.bytes) },
];

/** What each model did, on data that the choice was made by. */
function comparisonTable({ days, rows }: ComparisonReport): Html {
  const tasks = rows[0]?.tasks ?? [];
  const at = (row: ComparedModel, task: string) => row.tasks.find((own) => own.task === task);
  const where =
    days.length === 0
      ? 'users or rows that were held out'
      : `the users of ${days.join(', ')}, by models that knew nothing later; each task where its windows were over`;
  return html`<div class="card wide"><h4>The models that were tried</h4>
${table(
  `Measured on ${where}. The marked one was kept; a blend adds up what its members say, here by weights that these very rows gave it. Forms that read visits or texts are tried at one trial. Seconds are of all fits at all days.`,
  rows,
  [
    { head: 'Model', cell: (row) => (row.kept ? html`<b>${row.name} (kept)</b>` : row.name) },
    { head: 'Reads', cell: (row) => row.reads.join(', ') },
    ...tasks.flatMap(({ task }) => [
      {
        head: `${task}: AUROC`,
        number: true,
        cell: (row: ComparedModel) => decimal(at(row, task)?.auroc, 4),
      },
      {
        head: 'log loss',
        number: true,
        cell: (row: ComparedModel) => decimal(at(row, task)?.logLoss, 4),
      },
    ]),
    ...(rows.some(({ costs }) => costs) ? COSTS : []),
  ],
)}</div>`;
}
