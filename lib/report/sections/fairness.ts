import { count, decimal, percent } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { GroupMeasures, GroupReport, RunReport } from '../types.ts';
import { table } from './table.ts';

/** By the four-fifths rule a group is chosen too seldom below this share of what its own rate would ask for. */
const LEAST_CHOSEN = 0.8;

/** How the tasks treat the groups that the shop names; nothing where it names none. */
export function fairnessSection({ groups = [] }: RunReport): Html | false {
  if (groups.length === 0) return false;
  const warned = groups.flatMap((report) => warningsOf(report));
  return html`<section id="groups"><h2>Groups of users</h2>
<p class="intro">The same scores, group by group, on what then happened. A group is treated as it should be where its mean probability is near its base rate, and where users of it come to the top of the list as its base rate lets expect.</p>
${warned.length > 0 && html`<div class="notice" role="note"><b>Look twice</b><ul>${warned.map((one) => html`<li>${one}</li>`)}</ul></div>`}
${groups.map((report) => html`<div class="card below">${groupTable(report)}</div>`)}
</section>
`;
}

function groupTable({ attribute, task, groups }: GroupReport): Html {
  return table(`${task} by ${attribute}; groups of fewer than 50 users are left out`, groups, [
    { head: attribute, cell: ({ group }) => group },
    { head: 'Users', number: true, cell: ({ n }) => count(n) },
    { head: 'Base rate', number: true, cell: ({ baseRate }) => percent(baseRate) },
    { head: 'Mean probability', number: true, cell: ({ meanProbability }) => percent(meanProbability) },
    { head: 'AUROC', number: true, cell: ({ auroc }) => decimal(auroc) },
    { head: 'In the first tenth', number: true, cell: ({ chosen }) => percent(chosen) },
  ]);
}

/** What speaks against the scores of a group, in plain words. */
export function warningsOf({ attribute, task, bound, groups }: GroupReport): string[] {
  const users = groups.reduce((sum, { n }) => sum + n, 0);
  const all = (of: (group: GroupMeasures) => number) =>
    groups.reduce((sum, group) => sum + group.n * of(group), 0) / Math.max(1, users);
  const [rate, chosen] = [all(({ baseRate }) => baseRate), all((group) => group.chosen)];
  return groups.flatMap((group) => {
    const gap = group.meanProbability - group.baseRate;
    const who = `${task}, ${attribute} ${group.group}`;
    const expected = rate > 0 ? (chosen * group.baseRate) / rate : 0;
    return [
      ...(Math.abs(gap) > bound
        ? [
            `${who}: the mean probability is ${percent(group.meanProbability)}, and ${percent(group.baseRate)} did it: ${gap > 0 ? 'too high' : 'too low'} by more than ${percent(bound, 0)}.`,
          ]
        : []),
      ...(group.chosen < LEAST_CHOSEN * expected
        ? [
            `${who}: ${percent(group.chosen)} of the group are in the first tenth, where its base rate lets expect ${percent(expected)}.`,
          ]
        : []),
    ];
  });
}
