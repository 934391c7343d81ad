import { formatDay, parseDay } from '../../data/index.ts';
import { count, decimal, isNumber, percent, plural, shareOf } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { ReachRow } from '../measure-types.ts';
import { measuredOf, measuredOn, noOutcomeSentence } from '../measured.ts';
import type { BinaryTaskReport, NextTaskReport, TaskReport } from '../task-types.ts';
import type { OrdersReport, RunReport } from '../types.ts';
import { type Words, wordsOf } from '../words.ts';
import { demandAdvice } from './demand.ts';
import { isLabelled, labelledAdvice } from './labelled.ts';
import { type Column, table } from './table.ts';
import { upliftAdvice } from './uplift.ts';
import { valueAdvice } from './value.ts';

/** What to do with the lists: a paragraph and a table for each task, for somebody who runs a campaign. */
export function leadSection(run: RunReport): Html {
  const tasks = run.models.flatMap((model) => model.tasks);
  return html`<section id="lists"><h2>What to do with these lists</h2>
${howToRead(run)}
${tasks.map((task) => advice(task, run))}
${unasked(run)}
${leftOut(run)}
</section>
`;
}

function advice(task: TaskReport, run: RunReport): Html {
  if (task.kind === 'value') return valueAdvice(task, run);
  if (task.kind === 'demand') return demandAdvice(task, run);
  if (task.kind === 'uplift') return upliftAdvice(task, run);
  if (isLabelled(task)) return labelledAdvice(task, run);
  return task.kind === 'next' ? listAdvice(task, run) : rankAdvice(task, run);
}

/** What the columns of all tables of reach mean, once. */
function howToRead({ models, orders, exports }: RunReport): Html | false {
  const ranked = models.flatMap(({ tasks }) =>
    tasks.filter((task) => task.kind === 'event' || task.kind === 'absence' || task.kind === 'label'),
  );
  if (ranked.length === 0) return false;
  const money =
    orders !== undefined && ranked.some(hasMoney)
      ? ` Money counts one order a customer at the mean of this shop's own orders, ${amount(orders.mean, orders)} (${plural(orders.count, 'order', 'orders')} with a price, ${orders.from} to ${orders.to}).`
      : '';
  const control =
    exports !== undefined &&
    ranked.some(({ kind }) => kind !== 'label') &&
    html` Leave out those with <code>control = true</code>: comparing with them shows what a campaign has changed.`;
  return html`<p class="intro">Every list is in the order of its scores, best first. The tables say how far down to go: <b>precision</b> is the share of those chosen whom the list is about, and <b>caught</b> the share of all of them that is among those chosen.${money}${control}</p>`;
}

/** Who has no score, why, and what would give them one. */
function unasked({ unasked: without }: RunReport): Html | false {
  if (!without) return false;
  const { users, of, conditions } = without;
  return html`<div class="notice" role="note"><b>${plural(users, 'user has', 'users have')} no score</b><p>Of ${plural(of, 'user', 'users')}, ${users === 1 ? 'one is' : `${count(users)} are`} asked by no task: ${users === 1 ? 'this user has' : 'they have'} not done, or not lately, what the tasks go by${conditions ? ', or met no condition that a task asks for' : ''}. A task with <code>population: 'known'</code> asks everyone who was seen lately, and one with <code>population: 'prospects'</code> those of them who have never bought.</p></div>`;
}

function leftOut({ leftOut: tasks }: RunReport): Html | false {
  if (tasks.length === 0) return false;
  return html`<div class="notice" role="note"><b>Not trained yet</b><ul>${tasks.map(
    ({ task, why }) => html`<li>${task}: ${why}</li>`,
  )}</ul></div>`;
}

/** Rows of the table of reach: of each share of the list how many there are, and how many of them count. */
interface Reach extends ReachRow {
  readonly rate: number | null;
  readonly caught: number | null;
}

function rankAdvice(task: BinaryTaskReport, run: RunReport): Html {
  const words = wordsOf(task);
  const rows = reachRows(task);
  const known = task.evaluation !== undefined;
  const tenth = rows.find(({ share }) => share === 0.1);
  const whole = rows.at(-1);
  return html`<div class="advice"><div><h3>${task.name}</h3>
<p class="intro">${whole && html`<b>${plural(whole.n, words.one, words.many)}</b> ${whole.n === 1 ? 'is' : 'are'} ranked by the chance ${chance(task, words, run)}. `}${
    tenth && whole && firstTenth(task, words, tenth, whole, known)
  }</p>
<p class="muted basis">${measuredOn(task, run)} ${noOutcomeSentence(task) ?? ''}</p></div>
${rows.length > 0 && html`<div>${table(`${task.name}: how far down the list to go`, rows, reachColumns(task, words, run.orders))}</div>`}</div>`;
}

function chance(task: BinaryTaskReport, { will }: Words, { asOf }: RunReport): string {
  const { horizonDays } = task;
  if (task.kind === 'label' || asOf === undefined || horizonDays === undefined) return `to ${will}`;
  const last = formatDay(parseDay(asOf) + horizonDays - 1);
  const what = task.kind === 'absence' ? 'to stay away' : `to ${will}`;
  return `${what} from ${asOf} to ${last} (${plural(horizonDays, 'day', 'days')})`;
}

function firstTenth(task: BinaryTaskReport, words: Words, tenth: Reach, whole: Reach, known: boolean): Html {
  const times =
    isNumber(tenth.rate) && isNumber(whole.rate) && whole.rate > 0 ? tenth.rate / whole.rate : null;
  const more = isNumber(times) ? `, ${decimal(times, 1)} times as many as in a tenth drawn at random` : '';
  const first = html`<b>${count(tenth.n)}</b> ${words.many}`;
  const hits = html`<b>${count(tenth.positives)}</b>`;
  if (known) return html`Of the first tenth, ${first}, ${hits} ${words.did}${more}.`;
  const decile = html`<code>${task.name}_decile = 1</code>`;
  if (task.kind === 'label') {
    return html`Start with the first tenth, ${first} (${decile}): about ${hits} of them can be expected to ${words.will}${more}.`;
  }
  const verb = task.kind === 'absence' ? 'Win back' : 'Write to';
  return html`${verb} the first tenth, ${first} (${decile}): about ${hits} of them can be expected to ${words.will}${more}.`;
}

/**
 * Measured rates, applied to the list of this run: on its own users where their outcome is known. Where nothing could be
 * measured the model's own probabilities stand in.
 */
function reachRows(task: BinaryTaskReport): Reach[] {
  const measured = measuredOf(task);
  const users = task.evaluation?.n ?? task.ranked;
  if (users === 0) return [];
  if (!measured) {
    const all = task.scoreHistogram.reduce((sum, bin) => sum + (bin.n * (bin.from + bin.to)) / 2, 0);
    return [...task.expected, { share: 1, n: users, positives: all }].map((row) => ({
      ...row,
      rate: row.n > 0 ? row.positives / row.n : null,
      caught: all > 0 ? row.positives / all : null,
    }));
  }
  const { reach, n, positives } = measured.measures;
  if (n === 0) return [];
  return [...reach, { share: 1, n, positives }].map((row) => {
    const rate = row.n > 0 ? row.positives / row.n : null;
    const own = measured.basis === 'outcome' ? row.n : Math.ceil(row.share * users);
    return {
      share: row.share,
      n: own,
      positives: measured.basis === 'outcome' ? row.positives : own * (rate ?? 0),
      rate,
      caught: positives > 0 ? row.positives / positives : null,
    };
  });
}

function reachColumns(
  task: BinaryTaskReport,
  words: Words,
  orders: OrdersReport | undefined,
): Column<Reach>[] {
  const known = task.evaluation !== undefined;
  const capital = (text: string) => `${text[0]?.toUpperCase() ?? ''}${text.slice(1)}`;
  return [
    { head: 'First', cell: ({ share }) => (share === 1 ? 'all' : percent(share, 0)) },
    { head: capital(words.many), number: true, cell: ({ n }) => count(n) },
    {
      head: known ? capital(words.takers) : `Expected ${words.takers}`,
      number: true,
      cell: ({ positives }) => count(positives),
    },
    { head: 'Precision', number: true, cell: ({ rate }) => percent(rate) },
    { head: 'Caught', number: true, cell: ({ caught }) => percent(caught, 0) },
    ...(hasMoney(task) && orders
      ? [
          {
            head: task.kind === 'absence' ? 'At stake' : 'Orders worth',
            number: true,
            cell: ({ positives }: Reach) => amount(positives * orders.mean, orders),
          },
        ]
      : []),
  ];
}

const hasMoney = ({ kind, of }: TaskReport): boolean =>
  (kind === 'event' || kind === 'absence') && of === 'purchase';

const amount = (money: number, { currency }: OrdersReport): string =>
  currency === undefined ? count(money) : `${count(money)}\u00a0${currency}`;

function listAdvice(task: NextTaskReport, run: RunReport): Html {
  const measured = measuredOf(task);
  const popular = task.validation?.popular.recall;
  const things = task.of === 'item' ? 'items' : task.of;
  const found = measured?.measures.recall;
  return html`<div class="advice"><div><h3>${task.name}</h3>
<p class="intro"><b>${plural(task.ranked, 'customer has', 'customers have')}</b> a list of ${count(task.k)} ${things}, best first (<code>${task.name}_top</code>): show the first ones in a mail or on a page.${
    isNumber(found) &&
    html` Of what customers then took, <b>${percent(found, 0)}</b> stood on their list${
      measured?.basis === 'validation' &&
      isNumber(popular) &&
      html`; one list of the most popular for everybody holds ${percent(popular, 0)}`
    }.`
  }</p>
<p class="muted basis">${measuredOn(task, run)} ${noOutcomeSentence(task) ?? ''}</p></div></div>`;
}

/** Share of rows that could be used, for the head of the page. */
export const usable = ({ quality: { totals } }: RunReport): string => shareOf(totals.clean, totals.rowsIn);
