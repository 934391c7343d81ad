import { count, decimal, isNumber, percent, plural, shareOf } from './format.ts';
import { type Html, html, raw } from './html.ts';
import { qualitySection } from './sections/quality.ts';
import { exportsSection, stagesSection } from './sections/run.ts';
import { type Tile, tiles } from './sections/table.ts';
import { taskSection } from './sections/task.ts';
import { styleSheet } from './style.ts';
import type { RunReport, TaskReport } from './types.ts';

/** As many tasks as fit into the row of key figures; the others are in their sections. */
const HEADLINE_TASKS = 3;

/**
 * One self-contained HTML page: no script, no request to any address, readable in light, dark and print. The same
 * report gives the same bytes. Every text of the report is escaped; numbers that are null or missing show as a dash.
 *
 * @throws DataError if `asOf` or a day of the quality part is not 'YYYY-MM-DD'.
 */
export function renderReport(report: RunReport): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<link rel="icon" href="data:,">
<title>${report.title}</title>
<style>${raw(styleSheet)}</style>
</head>
<body>
<header>
<p class="brand">Nightjar · ${report.shop}</p>
<h1>${report.title}</h1>
${metaLine(report)}
${tiles(headline(report))}
${warnings(report)}
${contents(report)}
</header>
<main>
${report.tasks.map((task, i) => taskSection(task, taskId(i), report))}
${report.tasks.length === 0 && html`<section id="tasks"><h2>Tasks</h2><p class="intro">This run has no tasks: nothing was predicted.</p></section>`}
${qualitySection(report)}${stagesSection(report)}${exportsSection(report)}
</main>
<footer>Run ${report.runId}, made ${report.createdAt}. This page stands alone: it loads nothing and sends nothing.</footer>
</body>
</html>
`.markup;
}

/** Names from a config may not be names of anchors. */
function taskId(place: number): string {
  return `task-${(place + 1).toFixed(0)}`;
}

function metaLine(report: RunReport): Html {
  const entries: readonly (readonly [string, string])[] = [
    ...(report.asOf !== undefined ? [['As of', report.asOf] as const] : []),
    ['Data through', report.dataThrough],
    ['Model', report.modelVersion],
    ['Run', report.runId],
    ['Made', report.createdAt],
  ];
  return html`<dl class="meta">${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function headline(report: RunReport): Tile[] {
  const { totals } = report.quality;
  return [
    {
      name: report.asOf === undefined ? 'Rows scored' : 'Users scored',
      value: count(usersScored(report)),
      note: report.asOf === undefined ? 'each row of the table once' : 'everyone known at the as-of time',
    },
    ...report.tasks.slice(0, HEADLINE_TASKS).map((task) => taskTile(task, report)),
    {
      name: 'Rows read',
      value: count(totals.rowsIn),
      note: `from ${plural(totals.files, 'file', 'files')}`,
    },
    {
      name: 'Rows usable',
      value: shareOf(totals.clean, totals.rowsIn),
      note: `${count(totals.quarantined)} quarantined, ${plural(totals.refused, 'file', 'files')} refused`,
      bad: totals.refused > 0,
    },
  ];
}

function taskTile(task: TaskReport, report: RunReport): Tile {
  const { evaluation } = task;
  const note = (text: string) =>
    evaluation?.asOf === undefined || evaluation.asOf === report.asOf
      ? text
      : `${text}; validation of ${evaluation.asOf}`;
  if (task.kind === 'next') {
    const { evaluation } = task;
    return {
      name: `${task.name}, recall at ${count(task.k)}`,
      value: decimal(evaluation?.recall),
      note: evaluation === undefined ? 'no outcome yet' : note(`NDCG ${decimal(evaluation.ndcg)}`),
    };
  }
  const baseRate = task.evaluation?.baseRate;
  return {
    name: `${task.name}, AUROC`,
    value: decimal(task.evaluation?.auroc),
    note:
      evaluation === undefined
        ? 'no outcome yet'
        : !isNumber(task.evaluation?.auroc)
          ? note('not defined: all users have one outcome')
          : note(`a coin: 0.5; base rate ${percent(baseRate)}`),
  };
}

/** The export says it; a backtest exports nothing, there the largest task counts. */
function usersScored({ exports, tasks }: RunReport): number | undefined {
  if (exports !== undefined) return exports.users;
  const scored = tasks.map((task) =>
    task.kind === 'next'
      ? (task.evaluation?.n ?? 0)
      : task.scoreHistogram.reduce((sum, bin) => sum + bin.n, 0),
  );
  const most = Math.max(...scored);
  return isNumber(most) ? most : undefined;
}

function warnings(report: RunReport): Html | false {
  if (report.warnings.length === 0) return false;
  return html`<div class="notice" role="note"><b>To keep in mind</b><ul>${report.warnings.map((warning) => html`<li>${warning}</li>`)}</ul></div>`;
}

function contents(report: RunReport): Html {
  const entries: readonly (readonly [string, string])[] = [
    ...report.tasks.map((task, i) => [taskId(i), `Task: ${task.name}`] as const),
    ['quality', 'Data quality'],
    ['stages', 'Stages'],
    ['exports', 'Exports'],
  ];
  return html`<nav aria-label="Contents"><ul>${entries.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>`;
}
