import { bars, figure } from '../charts/index.ts';
import { count, decimal, isNumber, plural, shareOf } from '../format.ts';
import { type Html, html } from '../html.ts';
import type { ProfilesReport } from '../types.ts';
import { table } from './table.ts';

/** Who the customers are: segments by what they bought, and where everyone stands. */
export function profilesSection(profiles: ProfilesReport): Html {
  const { users, buyers, segments, silhouette } = profiles;
  return html`<section id="profiles"><h2>Who the customers are</h2>
<p class="intro"><b>${plural(buyers, 'user', 'users')}</b> of ${count(users)} ${buyers === 1 ? 'has' : 'have'} bought.${
    segments.length > 0 &&
    html` By when they last bought, on how many days and for how much they fall into <b>${plural(segments.length, 'segment', 'segments')}</b> (column <code>segment</code> of the table <code>profiles</code>). A number means the same segment night after night.`
  }</p>
${segments.length > 0 ? segmentsTable(profiles) : html`<p class="nothing">There are no segments yet: too few users have bought, or they hardly differ.</p>`}
<div class="grid below">${
    segments.length > 0 &&
    figure(
      {
        title: 'Size of the segments',
        ...(isNumber(silhouette) ? { lead: `Silhouette: ${decimal(silhouette, 2)}` } : {}),
        read: 'Each bar is the share of a segment among all buyers. The silhouette says how well segments are told apart: 1 is best, 0 is not at all.',
        worry: 'the silhouette is below 0.2: then segments are cuts through one crowd.',
      },
      bars(
        'Share of each segment among the buyers',
        segments.map((one) => ({
          name: `Segment ${count(one.segment)}`,
          value: one.users / buyers,
          shown: shareOf(one.users, buyers, 0),
        })),
        'There are no segments.',
        1,
      ),
    )
  }${figure(
    {
      title: 'Lifecycle',
      read: 'Each bar is a share of all users. Somebody lapses, or is lost, who has not bought for long by his or her own rhythm.',
    },
    bars(
      'Share of all users by lifecycle',
      profiles.lifecycle.map(({ name, users: own }) => ({
        name: name.replaceAll('_', ' '),
        value: users > 0 ? own / users : 0,
        shown: shareOf(own, users, 0),
      })),
      'There are no users.',
      1,
    ),
  )}</div>
</section>
`;
}

function segmentsTable({ segments, buyers, currency }: ProfilesReport): Html {
  return table('Segments by the user at their centre', segments, [
    { head: 'Segment', cell: ({ segment, description }) => `${count(segment)}: ${description}` },
    { head: 'Users', number: true, cell: ({ users }) => count(users) },
    { head: 'Share', number: true, cell: ({ users }) => shareOf(users, buyers) },
    {
      head: 'Days since last purchase',
      number: true,
      cell: ({ recencyDays }) => count(Math.max(1, recencyDays)),
    },
    { head: 'Purchase days', number: true, cell: ({ purchaseDays }) => decimal(purchaseDays, 1) },
    {
      head: currency === undefined ? 'Money' : `Money, ${currency}`,
      number: true,
      cell: ({ money }) => count(money),
    },
  ]);
}
