import { bytes, count, duration, plural } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { RunReport, StageReport } from '../types.ts';
import { table } from './table.ts';

/** How the run went, and where the scores lie for those who use them. */
export function runSection({ stages, exports }: RunReport): Html {
  return html`<section id="run"><h2>Stages and files</h2>
<div class="grid pair below"><div class="card">${stagesTable(stages)}</div><div class="card">${exportsTable(exports)}</div></div>
</section>
`;
}

function stagesTable(stages: readonly StageReport[]): Html {
  if (stages.length === 0) return html`<p class="nothing">No stage was recorded.</p>`;
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  return table('What each stage took in and handed on, and how long it took by the clock', stages, [
    { head: 'Stage', cell: (stage) => stage.name, total: 'together' },
    { head: 'Rows in', number: true, cell: (stage) => count(stage.rowsIn) },
    { head: 'Rows out', number: true, cell: (stage) => count(stage.rowsOut) },
    { head: 'Time', number: true, cell: (stage) => duration(stage.seconds), total: duration(seconds) },
  ]);
}

function exportsTable(exports: RunReport['exports']): Html {
  if (exports === undefined) {
    return html`<p class="nothing">This run compares scores with what happened and exports nothing.</p>`;
  }
  return table(
    `Files of this export: ${plural(exports.users, 'row', 'rows')} in all. They are complete once _SUCCESS stands under ${exports.path}.`,
    exports.files,
    [
      { head: 'File', cell: (file) => html`<code>${file.name}</code>` },
      { head: 'Size', number: true, cell: (file) => bytes(file.bytes) },
    ],
  );
}
