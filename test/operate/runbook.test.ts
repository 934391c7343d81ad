import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ALARMS, RUNBOOK } from '../../lib/infra/alarms.ts';

const page = readFileSync(new URL(`../../${RUNBOOK}`, import.meta.url), 'utf8');
/** As the anchors of rendered Markdown are made. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .trim()
    .replaceAll(' ', '-');
const anchors = new Set([...page.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchorOf(heading!)));

it('has a section for every alarm', () => {
  const missing = ALARMS.filter(({ runbook }) => !anchors.has(runbook)).map(({ name }) => name);
  expect(missing).toEqual([]);
});

it('names every alarm', () => {
  // Three alarms of each function are told as one.
  const own = ALARMS.filter(({ name }) => !/(Throttled|Slow)$/.test(name));
  expect(own.filter(({ name }) => !page.includes(`\`${name}\``)).map(({ name }) => name)).toEqual([]);
});

it('links to sections that are there', () => {
  const links = [...page.matchAll(/\]\(#([^)]+)\)/g)].map(([, anchor]) => anchor!);
  expect(links.length).toBeGreaterThan(10);
  expect(links.filter((anchor) => !anchors.has(anchor))).toEqual([]);
});
