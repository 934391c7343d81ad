import { count, decimal, isNumber, percent, plural, significant } from './format.ts';
import { type Html, html, raw } from './html.ts';
import { measuredOf } from './measured.ts';
import { audiencesSection } from './sections/audiences.ts';
import { fairnessSection } from './sections/fairness.ts';
import { isLabelled, labelledTile } from './sections/labelled.ts';
import { leadSection, usable } from './sections/lead.ts';
import { modelSection, modelTitle } from './sections/model.ts';
import { profilesSection } from './sections/profiles.ts';
import { qualitySection } from './sections/quality.ts';
import { runSection } from './sections/run.ts';
import { type Tile, tiles } from './sections/table.ts';
import { styleSheet } from './style.ts';
import type { TaskReport } from './task-types.ts';
import type { RunReport } from './types.ts';

/** As many tasks as fit into the row of key figures; the others are in their sections. */
const HEADLINE_TASKS = 4;

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
<title>${report.shop}: ${report.title}${report.asOf !== undefined && ` as of ${report.asOf}`}</title>
<style>${raw(styleSheet)}</style>
</head>
<body>
<header>
<p class="brand">Nightjar · ${report.shop}</p>
<h1>${report.title}${report.asOf !== undefined && html` as of <span class="day">${report.asOf}</span>`}</h1>
${metaLine(report)}
${tiles(headline(report))}
${warnings(report)}
${contents(report)}
</header>
<main>
${report.models.length > 0 ? leadSection(report) : html`<section id="lists"><h2>What to do with these lists</h2><p class="intro">This run has no tasks: nothing was predicted.</p></section>`}
${report.models.map((model, i) => modelSection(model, modelId(i)))}
${report.audiences && report.audiences.length > 0 && audiencesSection(report.audiences)}${report.profiles && profilesSection(report.profiles)}${fairnessSection(report)}${qualitySection(report)}${runSection(report)}
</main>
<footer>Run ${report.runId}, made ${report.createdAt}. This page stands alone: it loads nothing and sends nothing.</footer>
</body>
</html>
`.markup;
}

/** Names from a config may not be names of anchors. */
function modelId(place: number): string {
  return `model-${(place + 1).toFixed(0)}`;
}

function metaLine(report: RunReport): Html {
  const entries: readonly (readonly [string, string])[] = [
    ['Data through', report.dataThrough],
    ['Model', report.modelVersion],
    ['Run', report.runId],
    ['Made', report.createdAt],
  ];
  return html`<dl class="meta">${entries.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>`;
}

function headline(report: RunReport): Tile[] {
  const { totals } = report.quality;
  const tasks = report.models.flatMap((model) => model.tasks);
  return [
    {
      ...scored(report, tasks),
      value: count(usersScored(report)),
    },
    ...tasks.slice(0, HEADLINE_TASKS).map(taskTile),
    {
      name: 'Rows usable',
      value: usable(report),
      note: `of ${count(totals.rowsIn)} in ${plural(totals.files, 'file', 'files')}; ${count(totals.quarantined)} quarantined, ${plural(totals.refused, 'file', 'files')} refused`,
      bad: totals.refused > 0,
    },
  ];
}

/** What was scored. */
function scored({ asOf }: RunReport, tasks: readonly TaskReport[]): Pick<Tile, 'name' | 'note'> {
  if (asOf === undefined) return { name: 'Rows scored', note: 'each row of the table once' };
  if (tasks.length > 0 && tasks.every(({ kind }) => kind === 'demand')) {
    return { name: 'Items forecast', note: 'all that were sold in two years' };
  }
  return { name: 'Users scored', note: 'everyone known at the as-of time' };
}

function taskTile(task: TaskReport): Tile {
  if (task.kind === 'demand') {
    const measured = measuredOf(task);
    return {
      name: `${task.name}, error by units (WAPE)`,
      value: percent(measured?.measures.wape),
      note:
        measured === undefined
          ? 'not measured yet'
          : `${measured.basis}; mean of four weeks: ${percent(measured.measures.average.wape)}`,
    };
  }
  if (task.kind === 'next') {
    const measured = measuredOf(task);
    return {
      name: `${task.name}, recall at ${count(task.k)}`,
      value: decimal(measured?.measures.recall),
      note:
        measured === undefined
          ? 'not measured yet'
          : `${measured.basis}; NDCG ${decimal(measured.measures.ndcg)}`,
    };
  }
  if (task.kind === 'value') {
    const measured = measuredOf(task);
    return {
      name: `${task.name}, order (Spearman)`,
      value: decimal(measured?.measures.spearman),
      note:
        measured === undefined
          ? 'not measured yet'
          : `${measured.basis}; first tenth: ${percent(measured.measures.topShare10, 0)} of all`,
    };
  }
  if (task.kind === 'uplift') {
    const measured = measuredOf(task);
    const [low, high] = measured?.measures.intervals.qini ?? [];
    return {
      name: `${task.name}, Qini coefficient`,
      value: significant(measured?.measures.qini),
      note:
        measured === undefined
          ? 'not measured yet'
          : `${measured.basis}; ${significant(low)} to ${significant(high)}, a random order: 0`,
    };
  }
  if (isLabelled(task)) return labelledTile(task);
  const measured = measuredOf(task);
  const auroc = measured?.measures.auroc;
  return {
    name: `${task.name}, AUROC`,
    value: decimal(auroc),
    note:
      measured === undefined
        ? 'not measured yet'
        : isNumber(auroc)
          ? `${measured.basis}; a coin: 0.5`
          : `${measured.basis}; not defined: only one outcome`,
  };
}

/** The export says it; a backtest exports nothing, there the largest task counts. */
function usersScored({ exports, models }: RunReport): number | undefined {
  if (exports !== undefined) return exports.users;
  const most = Math.max(...models.flatMap(({ tasks }) => tasks.map(({ ranked }) => ranked)));
  return isNumber(most) ? most : undefined;
}

function warnings(report: RunReport): Html | false {
  if (report.warnings.length === 0) return false;
  return html`<div class="notice" role="note"><b>To keep in mind</b><ul>${report.warnings.map((warning) => html`<li>${warning}</li>`)}</ul></div>`;
}

function contents(report: RunReport): Html {
  const entries: readonly (readonly [string, string])[] = [
    ['lists', 'What to do'],
    ...report.models.map((model, i) => [modelId(i), modelTitle(model)] as const),
    ...(report.audiences && report.audiences.length > 0 ? [['audiences', 'Audiences'] as const] : []),
    ...(report.groups && report.groups.length > 0 ? [['groups', 'Groups of users'] as const] : []),
    ...(report.profiles ? [['profiles', 'Customers'] as const] : []),
    ['quality', 'Data quality'],
    ['run', 'Stages and files'],
  ];
  return html`<nav aria-label="Contents"><ul>${entries.map(([id, name]) => html`<li><a href="#${id}">${name}</a></li>`)}</ul></nav>`;
}
