import { bars, dayFigures, figure } from '../charts/index.ts';
import { count, plural, shareOf } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { QualityReport, RunReport } from '../types.ts';
import { table } from './table.ts';

/** Longer lists are cut, and the page says so: the quality files hold them whole. */
const MOST_BARS = 10;
const MOST_ROWS = 40;

/** What became of every row that came in. */
export function qualitySection(run: RunReport): Html {
  const { quality } = run;
  const { totals } = quality;
  return html`<section id="quality"><h2>Data quality</h2>
<p class="intro">What became of each row of the ${plural(totals.files, 'file', 'files')} that came in, counted by reading the bytes apart from the cleaning itself.</p>
${conservation(quality)}
<h3>Rows</h3>
<div class="grid">
${fateFigure(quality)}${reasonFigure(quality)}${flagFigure(quality)}${dayFigures(quality.days)}
</div>
${refusedTable(quality)}
</section>
`;
}

function conservation({ totals }: QualityReport): Html {
  const told = totals.clean + totals.duplicates + totals.quarantined;
  const sum = `${count(totals.clean)} clean + ${count(totals.duplicates)} duplicates dropped + ${count(totals.quarantined)} quarantined`;
  if (told === totals.rowsIn) {
    return html`<p class="intro muted">Nothing is lost: ${count(totals.rowsIn)} rows in = ${sum}.</p>`;
  }
  return html`<div class="notice" role="note"><b>Rows do not add up.</b> ${count(totals.rowsIn)} rows came in, but ${sum} make ${count(told)}. Do not use this run before the difference is explained.</div>`;
}

function fateFigure({ totals }: QualityReport): Html {
  const fate = (name: string, rows: number) => ({
    name,
    value: rows,
    shown: `${count(rows)} · ${shareOf(rows, totals.rowsIn)}`,
  });
  return figure(
    {
      title: 'What became of the rows',
      lead: `${count(totals.rowsIn)} rows in`,
      read: `Clean rows feed the model${totals.duplicatesKept > 0 ? `; ${count(totals.duplicatesKept)} of them repeat an earlier row and were kept, as configured` : ''}${totals.replaced > 0 ? `; ${count(totals.replaced)} of them do not, because a later file brought a newer version of their event` : ''}. Quarantined rows could not be used and are kept apart with their reason. ${totals.refused > 0 ? `${plural(totals.refused, 'file was', 'files were')} refused whole, see below.` : 'No file was refused.'}`,
      worry: 'the quarantined share is higher than on other days, or files were refused.',
    },
    bars(
      'Rows by what became of them',
      [
        fate('Clean', totals.clean),
        fate('Duplicates dropped', totals.duplicates),
        fate('Quarantined', totals.quarantined),
      ],
      'No rows came in.',
      totals.rowsIn,
    ),
  );
}

function reasonFigure({ reasons, totals }: QualityReport): Html {
  return figure(
    {
      title: 'Why rows were quarantined',
      lead: `${count(totals.quarantined)} rows, ${plural(reasons.length, 'reason', 'reasons')}`,
      read: `The reasons, most frequent first, with rows and share of all rows in.${cutNote(reasons.length)}`,
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
      read: `Flagged rows look odd, but are used: the rule only counts them.${cutNote(flags.length)}`,
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
