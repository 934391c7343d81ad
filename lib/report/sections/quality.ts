import { bars, dayFigures, figure } from '../charts/index.ts';
import { count, plural, shareOf } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { QualityReport, QualityTotals, RunReport } from '../types.ts';
import { table } from './table.ts';

/** Longer lists are cut, and the page says so: the quality files hold them whole. */
const MOST_BARS = 10;
const MOST_ROWS = 40;

/** What became of every row that came in. */
export function qualitySection(run: RunReport): Html {
  const { quality } = run;
  return html`<section id="quality"><h2>Data quality</h2>
${conservation(quality)}
<div class="grid below">
${dayFigures(quality.days)}${quality.reasons.length > 0 && reasonFigure(quality)}${quality.flags.length > 0 && flagFigure(quality)}
</div>
${refusedTable(quality)}
</section>
`;
}

function conservation({ totals, reasons, flags, leftOut }: QualityReport): Html {
  const told = totals.clean + totals.duplicates + totals.leftOut + totals.quarantined;
  const sum = `${count(totals.clean)} clean + ${count(totals.duplicates)} duplicates dropped${totals.leftOut > 0 ? ` + ${count(totals.leftOut)} left out as configured` : ''} + ${count(totals.quarantined)} quarantined`;
  if (told !== totals.rowsIn) {
    return html`<div class="notice" role="note"><b>Rows do not add up.</b> ${count(totals.rowsIn)} rows came in, but ${sum} make ${count(told)}. Do not use this run before the difference is explained.</div>`;
  }
  const kept =
    totals.duplicatesKept > 0
      ? ` ${count(totals.duplicatesKept)} clean rows repeat an earlier one and were kept, as configured.`
      : '';
  const replaced =
    totals.replaced > 0
      ? ` ${count(totals.replaced)} clean rows do not count, because a later file brought a newer version of their event.`
      : '';
  const joined = totals.identities ? joinedText(totals.identities) : '';
  const left =
    totals.leftOut > 0
      ? ` Left out: ${leftOut.map(({ condition, rows }) => `${condition} (${count(rows)})`).join(', ')}.`
      : '';
  const nothing = [
    ...(reasons.length === 0 ? ['no row was quarantined'] : []),
    ...(flags.length === 0 ? ['no rule flagged a row'] : []),
    ...(totals.refused === 0 ? ['no file was refused'] : []),
  ].join(', ');
  return html`<p class="intro">Nothing is lost: ${count(totals.rowsIn)} rows in = ${sum}, from ${plural(totals.files, 'file', 'files')}, counted by reading the bytes apart from the cleaning itself.${left}${kept}${replaced}${joined}${
    nothing !== '' && ` ${nothing[0]?.toUpperCase() ?? ''}${nothing.slice(1)}.`
  }</p>`;
}

function joinedText({ joined, users, refused }: NonNullable<QualityTotals['identities']>): string {
  const told = ` ${plural(joined, 'id', 'ids')} joined ${plural(users, 'user', 'users')} by what was linked before the as-of day.`;
  const others = Object.entries(refused).map(([why, ids]) => `${why} (${count(ids)})`);
  return others.length > 0 ? `${told} Linked ids that joined nobody: ${others.join(', ')}.` : told;
}

function reasonFigure({ reasons, totals }: QualityReport): Html {
  return figure(
    {
      title: 'Why rows were quarantined',
      lead: `${count(totals.quarantined)} rows, ${shareOf(totals.quarantined, totals.rowsIn)} of all, ${plural(reasons.length, 'reason', 'reasons')}`,
      read: `Bars: rows by the reason for which they could not be used, with their share of all rows in.${cutNote(reasons.length)}`,
      worry:
        'a reason is new, or a column that used to be filled is suddenly missing: the export of the shop may have changed.',
    },
    bars(
      'Quarantined rows by reason',
      mostRows(reasons).map(({ reason, rows }) => ({
        name: reason,
        value: rows,
        shown: `${count(rows)} · ${shareOf(rows, totals.rowsIn)}`,
      })),
      'No row was quarantined.',
      totals.quarantined,
    ),
  );
}

function flagFigure({ flags, totals }: QualityReport): Html {
  return figure(
    {
      title: 'Rows flagged by rules',
      lead: plural(flags.length, 'rule flagged rows', 'rules flagged rows'),
      read: `Bars: rows that look odd to a rule and are used all the same.${cutNote(flags.length)}`,
      worry: 'a rule flags far more than usual. A rule can be told to quarantine instead.',
    },
    bars(
      'Flagged rows by rule',
      mostRows(flags).map(({ rule, rows }) => ({
        name: rule,
        value: rows,
        shown: `${count(rows)} · ${shareOf(rows, totals.rowsIn)}`,
      })),
      'No rule flagged a row.',
    ),
  );
}

function mostRows<Row extends { readonly rows: number }>(rows: readonly Row[]): Row[] {
  return [...rows].sort((a, b) => b.rows - a.rows).slice(0, MOST_BARS);
}

function cutNote(length: number): string {
  return length > MOST_BARS ? ` The ${MOST_BARS} largest of ${count(length)} are shown.` : '';
}

function refusedTable({ refused }: QualityReport): Html | false {
  if (refused.length === 0) return false;
  const shown = refused.slice(0, MOST_ROWS);
  const caption = `${plural(refused.length, 'file was', 'files were')} refused: nothing of them is in the scores.${
    refused.length > MOST_ROWS ? ` The first ${MOST_ROWS} are shown.` : ''
  } Drop a corrected file under the same name and it will be read.`;
  return html`<div class="card wide"><h4>Refused files</h4>
${table(caption, shown, [
  { head: 'File', cell: (row) => html`<code>${row.key}</code>` },
  { head: 'Reason', cell: (row) => row.reason },
])}</div>`;
}
