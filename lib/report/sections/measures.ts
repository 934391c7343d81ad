import { count, decimal, isNumber, percent } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { BinaryMeasures, ListMeasures } from '../measure-types.ts';
import { type Basis, countedAs } from '../measured.ts';
import type { BinaryTaskReport, NextTaskReport, TaskReport } from '../task-types.ts';
import { wordsOf } from '../words.ts';
import { demandMeasures } from './demand.ts';
import { labelledMeasures } from './labelled.ts';
import { listReasonsTable } from './list-reasons.ts';
import { table, withInterval } from './table.ts';
import { upliftRows, upliftTable } from './uplift.ts';
import { valueRows, valueTable } from './value.ts';

/** An AUROC this near to 1 is rarely honest on what people do. */
const TOO_GOOD = 0.98;
/** Below this a ranking is, for use, a coin. */
const CHANCE = 0.52;
/** Mean gap between said and happened from which probabilities should not be used as such. */
const MISCALIBRATED = 0.1;

interface Row<T, M> {
  readonly task: T;
  readonly basis: Basis;
  readonly measures: M;
}

/** The measures of a model's tasks, one line for each, with their yardsticks and what speaks against them. */
export function measuresPart(tasks: readonly TaskReport[]): Html {
  const ranked = tasks.flatMap((task) =>
    task.kind === 'event' || task.kind === 'absence' || task.kind === 'label' ? binaryRows(task) : [],
  );
  const listed = tasks.flatMap((task) => (task.kind === 'next' ? listRows(task) : []));
  const amounts = tasks.flatMap((task) => (task.kind === 'value' ? valueRows(task) : []));
  const effects = tasks.flatMap((task) => (task.kind === 'uplift' ? upliftRows(task) : []));
  const forecast = tasks.filter((task) => task.kind === 'demand');
  const reaching = tasks.flatMap((task) => (task.kind === 'next' && task.longTail ? [task] : []));
  const explained = tasks.flatMap((task) => (task.kind === 'next' && task.reasons ? [task] : []));
  const doubts = [
    ...new Set(ranked.flatMap((row) => doubtsOf(row).map((doubt) => `${row.task.name}: ${doubt}`))),
  ];
  return html`${ranked.length > 0 && html`<div class="card">${binaryTable(ranked)}</div>`}${
    listed.length > 0 && html`<div class="card">${listTable(listed)}</div>`
  }${amounts.length > 0 && html`<div class="card">${valueTable(amounts)}</div>`}${effects.length > 0 && html`<div class="card">${upliftTable(effects)}</div>`}${demandMeasures(forecast)}${labelledMeasures(tasks)}${
    reaching.length > 0 && html`<div class="card">${longTailTable(reaching)}</div>`
  }${explained.length > 0 && html`<div class="card">${listReasonsTable(explained)}</div>`}${
    doubts.length > 0 &&
    html`<div class="notice" role="note"><b>Look twice</b><ul>${doubts.map((doubt) => html`<li>${doubt}</li>`)}</ul></div>`
  }`;
}

function binaryRows(task: BinaryTaskReport): Row<BinaryTaskReport, BinaryMeasures>[] {
  return [
    ...(task.evaluation ? [{ task, basis: 'outcome' as const, measures: task.evaluation }] : []),
    ...(task.validation
      ? [{ task, basis: 'validation' as const, measures: task.validation.assessment }]
      : []),
  ];
}

function listRows(task: NextTaskReport): Row<NextTaskReport, ListMeasures>[] {
  return [
    ...(task.evaluation ? [{ task, basis: 'outcome' as const, measures: task.evaluation }] : []),
    ...(task.validation
      ? [{ task, basis: 'validation' as const, measures: task.validation.assessment }]
      : []),
  ];
}

const rateOf = ({ positives, n }: BinaryMeasures): number | null => (n > 0 ? positives / n : null);

function binaryTable(rows: readonly Row<BinaryTaskReport, BinaryMeasures>[]): Html {
  const users = rows.every(({ task, basis }) => countedAs(task, basis) === 'Users');
  return table(
    'How good the ranking is, with 95 % intervals over resampled users. AUROC: of one user of either outcome, how often the right one has the higher score; a coin gets 0.5. Lift: how many times the base rate the first tenth holds. Log loss: that of saying the base rate to everybody is to be beaten. ECE: by how much a probability is off on average.',
    rows,
    [
      { head: 'Task', cell: ({ task }) => task.name },
      { head: 'Measured on', cell: ({ basis }) => basis },
      { head: users ? 'Users' : 'Rows', number: true, cell: ({ measures }) => count(measures.n) },
      { head: 'Base rate', number: true, cell: ({ measures }) => percent(rateOf(measures)) },
      {
        head: 'AUROC',
        number: true,
        cell: ({ measures }) => withInterval(measures.auroc, measures.intervals.auroc, 3),
      },
      {
        head: 'Lift, first tenth',
        number: true,
        cell: ({ measures }) => withInterval(measures.lift10, measures.intervals.lift10, 2),
      },
      {
        head: 'Log loss',
        number: true,
        cell: ({ measures }) => withInterval(measures.logLoss, measures.intervals.logLoss, 3),
      },
      { head: 'to beat', number: true, cell: ({ measures }) => decimal(entropy(rateOf(measures))) },
      { head: 'AUPR', number: true, cell: ({ measures }) => decimal(measures.auprc) },
      { head: 'Brier', number: true, cell: ({ measures }) => decimal(measures.brier) },
      { head: 'ECE', number: true, cell: ({ measures }) => decimal(measures.ece) },
    ],
  );
}

function listTable(rows: readonly Row<NextTaskReport, ListMeasures>[]): Html {
  return table(
    'How good the lists are, with 95 % intervals over resampled users. Recall: the share of what users then took that stood on their list. NDCG: the same, counting hits near the top for more; 1 is a perfect list. Popular: one list of the most popular for everybody.',
    rows,
    [
      { head: 'Task', cell: ({ task }) => `${task.name}, ${count(task.k)} each` },
      { head: 'Measured on', cell: ({ basis }) => basis },
      { head: 'Users', number: true, cell: ({ measures }) => count(measures.n) },
      {
        head: 'Recall',
        number: true,
        cell: ({ measures }) => withInterval(measures.recall, measures.intervals.recall, 3),
      },
      {
        head: 'NDCG',
        number: true,
        cell: ({ measures }) => withInterval(measures.ndcg, measures.intervals.ndcg, 3),
      },
      {
        head: 'Popular: recall, NDCG',
        number: true,
        cell: ({ task, basis }) =>
          basis === 'validation' && task.validation
            ? `${decimal(task.validation.popular.recall)}, ${decimal(task.validation.popular.ndcg)}`
            : '–',
      },
    ],
  );
}

function longTailTable(tasks: readonly NextTaskReport[]): Html {
  const days = tasks[0]?.longTail?.freshDays ?? 0;
  return table(
    `How far the lists of this run reach. Coverage: the share of the catalogue that stands in some list. Gini: 0 where everything stands in as many lists, 1 where one thing takes all places. Novelty: how rare a listed thing is, in bits; one more is half as popular. New: the share of places of things that were first had within the last ${count(days)} days, or by nobody yet.`,
    tasks,
    [
      { head: 'Task', cell: (task) => task.name },
      { head: 'Catalogue', number: true, cell: ({ longTail }) => count(longTail!.catalogue) },
      { head: 'Coverage', number: true, cell: ({ longTail }) => percent(longTail!.coverage) },
      { head: 'Gini', number: true, cell: ({ longTail }) => decimal(longTail!.gini, 2) },
      { head: 'Novelty', number: true, cell: ({ longTail }) => decimal(longTail!.novelty, 1) },
      { head: 'New', number: true, cell: ({ longTail }) => percent(longTail!.fresh) },
    ],
  );
}

/** What speaks against figures, in plain words. */
function doubtsOf({ task, measures }: Row<BinaryTaskReport, BinaryMeasures>): string[] {
  const { auroc, logLoss, ece } = measures;
  const bound = entropy(rateOf(measures));
  const { takers } = wordsOf(task);
  return [
    ...(auroc === null
      ? [`there were either no ${takers} or nobody else, so that no ranking can be measured.`]
      : []),
    ...(isNumber(auroc) && auroc < CHANCE ? ['the ranking is no better than a coin.'] : []),
    ...(isNumber(auroc) && auroc > TOO_GOOD
      ? ['almost too good: look for something from the future among the features.']
      : []),
    ...(isNumber(logLoss) && isNumber(bound) && logLoss > bound
      ? ['the probabilities are worse than saying the base rate to everybody.']
      : []),
    ...(isNumber(ece) && ece > MISCALIBRATED
      ? [
          `a probability is off by ${decimal(ece * 100, 1)} percentage points on average: use the order, not the probabilities.`,
        ]
      : []),
  ];
}

/** Log loss of the base rate said to everyone, in nats. */
function entropy(rate: number | null): number | null {
  if (!isNumber(rate) || rate < 0 || rate > 1) return null;
  const part = (p: number) => (p === 0 ? 0 : -p * Math.log(p));
  return part(rate) + part(1 - rate);
}
