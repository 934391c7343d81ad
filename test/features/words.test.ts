import { expect, it } from 'vitest';
import { parseConfig } from '../../lib/config/index.ts';
import { attributeNames, featureNames, groupWords } from '../../lib/features/index.ts';

const config = parseConfig({ shop: { timeZone: 'UTC' }, sources: {}, tasks: {} });

it('every feature of behaviour is told in words of its own, without names of the program', () => {
  // when
  const names = featureNames(config);
  const words = names.map((feature) => feature.words);
  // then
  expect(new Set(words).size).toBe(names.length);
  for (const text of words) expect(text).toMatch(/^[a-z0-9][A-Za-z0-9 ,:()-]+$/);
  const told = Object.fromEntries(names.map((feature) => [feature.name, feature.words]));
  expect(told['purchase.recency']).toBe('days since last purchase');
  expect(told['purchase.visits_30d']).toBe('purchases in the last 30 days');
  expect(told['cart.active_days_month_2']).toBe('days with additions to the cart from 31 to 60 days ago');
  expect(told['search.lines_half_1d']).toBe('lines of recent searches (half-life 1 day)');
  expect(told.any_days_7d).toBe('active days in the last 7 days');
});

it('every group of reasons is told in words', () => {
  for (const { group } of featureNames(config)) expect(groupWords(group)).not.toBe('');
  expect(groupWords('gaps')).toBe('rhythm of activity');
  expect(groupWords('PageValues')).toBe('PageValues');
});

it('attributes keep the name that the shop gave them', () => {
  // given
  const encoder = {
    format: 1,
    columns: [
      { name: 'age', kind: 'number', log: false, median: 40 },
      { name: 'tier', kind: 'category', categories: ['gold'] },
      { name: 'title', kind: 'text', buckets: 1 },
    ],
  } as const;
  // then
  expect(attributeNames(encoder).map(({ words }) => words)).toEqual([
    ...['age', 'age is not known', 'age is 0'],
    ...['tier is gold', 'tier is something rare', 'tier is not given', 'title: words of group 0'],
  ]);
});
