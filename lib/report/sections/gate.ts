import { type Html, html } from '../html.ts';
import type { GateReport } from '../types.ts';
import { table } from './table.ts';

/** What a new version had to show before it could serve. */
export function gatePart({ version, champion, refused, checks, unknown }: GateReport): Html {
  const verdict =
    refused !== undefined
      ? `${version} did not become champion${champion === null ? '' : `; ${champion} goes on scoring`}.`
      : champion === null
        ? `${version} is the first that serves these tasks, so there was nobody to compare it with.`
        : `${version} became champion in place of ${champion}.`;
  return html`<div class="card wide"><h4>Before it could serve</h4>
<p>${verdict}</p>
${
  checks.length > 0 &&
  table('What was looked at, beside the version that served.', checks, [
    { head: 'Task', cell: ({ task }) => task },
    { head: '', cell: ({ passed }) => (passed ? 'passed' : html`<b>failed</b>`) },
    { head: 'Found', cell: ({ said }) => said },
  ])
}
${unknown.length > 0 && html`<p>Not known:</p><ul>${unknown.map((one) => html`<li>${one}</li>`)}</ul>`}</div>`;
}
