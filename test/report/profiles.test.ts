import { parseHTML } from 'linkedom';
import { expect, it } from 'vitest';
import { type ProfilesReport, renderReport } from '../../lib/report/index.ts';
import { sampleReport } from './sample.ts';

const profiles: ProfilesReport = {
  users: 1000,
  buyers: 800,
  lifecycle: [
    { name: 'prospect', users: 200 },
    { name: 'won_back', users: 800 },
  ],
  silhouette: 0.41,
  segments: [
    {
      ...{ segment: 2, users: 600, recencyDays: 4.6, purchaseDays: 7.2, money: 1234.5 },
      description: 'buys often, spends much, last bought about 5 days ago',
    },
    {
      ...{ segment: 5, users: 200, recencyDays: 90, purchaseDays: 1, money: 20 },
      description: '<b>bought once</b>',
    },
  ],
  currency: 'EUR',
};

const sectionOf = (own: ProfilesReport | undefined) => {
  const { document } = parseHTML(renderReport({ ...sampleReport(), profiles: own }));
  return document.querySelector('#profiles');
};

it('the report has a table and a bar of each segment, and says where everyone stands', () => {
  const section = sectionOf(profiles)!;
  const rows = [...section.querySelectorAll('tbody tr')].map((row) =>
    [...row.children].map((cell) => cell.textContent),
  );
  expect(rows).toEqual([
    ['2: buys often, spends much, last bought about 5 days ago', '600', '75.0\u00a0%', '5', '7.2', '1,235'],
    ['5: <b>bought once</b>', '200', '25.0\u00a0%', '90', '1.0', '20'],
  ]);
  expect(section.querySelectorAll('svg')).toHaveLength(2);
  expect(section.textContent).toContain('800 users of 1,000 have bought');
  expect(section.textContent).toContain('Silhouette: 0.41');
  expect(section.textContent).toContain('won back');
  expect(section.textContent).toContain('Money, EUR');
});

it('the report says where there are no segments, and nothing without profiles', () => {
  const { silhouette: _, ...few } = { ...profiles, buyers: 0, users: 0, segments: [] };
  const empty = sectionOf({ ...few, lifecycle: [{ name: 'prospect', users: 0 }] })!;
  expect(empty.textContent).toContain('There are no segments yet');
  expect(empty.textContent).not.toMatch(/NaN|undefined|null/);
  expect(sectionOf(undefined)).toBeNull();
});
