import { bytes, count, duration, plural } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { RunReport } from '../types.ts';
import { table } from './table.ts';

/** The stages of the run, in order. */
export function stagesSection({ stages }: RunReport): Html {
  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  return html`<section id="stages"><h2>Stages</h2>
<p class="intro">What each stage of the run took in, handed on and held back, and how long it worked.</p>
<div class="card wide">${
    stages.length === 0
      ? html`<p class="nothing">No stage was recorded.</p>`
      : table('Held back are quarantined rows, each with its reason; time is that of the clock.', stages, [
          { head: 'Stage', cell: (stage) => stage.name, total: 'together' },
          { head: 'Rows in', number: true, cell: (stage) => count(stage.rowsIn) },
          { head: 'Rows out', number: true, cell: (stage) => count(stage.rowsOut) },
          { head: 'Held back', number: true, cell: (stage) => count(stage.quarantined) },
          { head: 'Time', number: true, cell: (stage) => duration(stage.seconds), total: duration(seconds) },
        ])
  }</div>
</section>
`;
}

/** Where the scores lie for those who use them. */
export function exportsSection({ exports }: RunReport): Html {
  return html`<section id="exports"><h2>Exports</h2>
${
  exports === undefined
    ? html`<p class="intro">This run compares scores with what happened and exports nothing.</p>`
    : html`<p class="intro">${plural(exports.users, 'user', 'users')}, each exactly once, under <code>${exports.path}</code>. The files are complete when <code>_SUCCESS</code> is there.</p>
<div class="card wide">${table('Files of this export', exports.files, [
        { head: 'File', cell: (file) => html`<code>${file.name}</code>` },
        { head: 'Size', number: true, cell: (file) => bytes(file.bytes) },
      ])}</div>`
}
</section>
`;
}
