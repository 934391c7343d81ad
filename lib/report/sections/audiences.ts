import type { AudienceMeasured, AudienceReport } from '../audience-types.ts';
import { count, percent, plural, shareOf } from '../format.ts';
import { type Html, html } from '../html.ts';
import { table } from './table.ts';

/** Who is likely to take or do something: how many, and how many of them can be expected to. */
export function audiencesSection(audiences: readonly AudienceReport[]): Html {
  const told = audiences.filter(({ why }) => why !== undefined);
  return html`<section id="audiences"><h2>Audiences</h2>
<p class="intro">Each audience names the users who are most likely to take one value of a list task, or to do what a task asks about. On a past day is told of a day that the model's fit was kept from: whom the same rule would have picked then, and how many of them did it. An audience is worth its campaign where that share is well above everybody's.</p>
${table('Audiences and what can be expected of them', audiences, [
  { head: 'Audience', cell: nameOf },
  { head: 'Users', number: true, cell: ({ reach }) => (reach ? count(reach.users) : '–') },
  {
    head: 'In the control group',
    number: true,
    cell: ({ reach }) => (reach ? count(reach.controlUsers) : '–'),
  },
  { head: 'Mean probability', number: true, cell: ({ reach }) => percent(reach?.expected) },
  { head: 'On a past day', cell: ({ validation }) => measured(validation) },
  { head: 'What really happened', cell: ({ really }) => measured(really) },
])}
${told.length > 0 && html`<ul>${told.map(({ name, why }) => html`<li><b>${name}</b>: ${why ?? ''}.</li>`)}</ul>`}
</section>
`;
}

function nameOf({ name, task, value, rule, horizonDays }: AudienceReport): string {
  const which = 'top' in rule ? `the first ${count(rule.top)}` : `above ${percent(rule.above)}`;
  return `${name}: ${task}${value === undefined ? '' : ` of ${value}`} within ${plural(horizonDays, 'day', 'days')}, ${which}`;
}

function measured(of: AudienceMeasured | undefined): string {
  if (of === undefined) return 'not measured';
  const { day, ofUsers, picked, all, low, high } = of;
  const everybody = `everybody: ${shareOf(all.done, all.users)} of ${count(all.users)}`;
  const whose = ofUsers ? `${day}, users held out` : day;
  if (picked.users === 0) return `${whose}: nobody picked; ${everybody}`;
  return `${whose}: ${shareOf(picked.done, picked.users)} of ${count(picked.users)} (${percent(low)} to ${percent(high)}); ${everybody}`;
}
