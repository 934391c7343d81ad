import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DROP_COLUMNS } from '../../bin/commands/bucket-state.ts';
import { COMMANDS } from '../../bin/commands/index.ts';
import { anchorsOf, codeOf, exists, fits, PAGES, prose, ROOT } from './support.ts';

/** Folders of the repository whose files pages name: `lib/clean/keys.ts`. */
const NAMED = /(?<![\w./<-])(?:bin|containers|docs|examples|functions|lib|package|test)\/[\w.*/-]*[\w*/]/g;

const names = PAGES.map((page) => [page.path, page] as const);

describe.each(names)('%s', (path, page) => {
  it('its links lead to files and headings that are there', () => {
    // given every link of the page that does not leave the repository
    const links = [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = '']) => to);
    const own = links.filter((to) => !/^[a-z]+:/.test(to));
    // when each is followed from the page's folder
    const broken = own.filter((to) => {
      const [file = '', anchor] = to.split('#');
      const target = file === '' ? path : posix.join(posix.dirname(path), file);
      if (!exists(target)) return true;
      const found = PAGES.find((other) => other.path === target);
      return anchor !== undefined && !(found && anchorsOf(found).has(anchor));
    });
    // then none leads nowhere
    expect(broken).toEqual([]);
  });

  it('the paths that it names in code are there', () => {
    // given what stands between backticks
    const spans = [...prose(page).matchAll(/`([^`\n]+)`/g)].map(([, span = '']) => span);
    const paths = spans.filter((span) => !span.includes('…')).flatMap((span) => span.match(NAMED) ?? []);
    // then each is a file or folder of the repository
    expect(paths.filter((one) => !(one.includes('*') ? fits(one) : exists(one)))).toEqual([]);
  });

  it('the commands that it shows are commands', () => {
    // given calls of the command, of npm scripts and of benchmarks
    const commands = COMMANDS.map(({ name }) => name);
    const options = String.raw`(?:--(?:config|store|env)[ =]\S+ |--adopt )*`;
    const called = matches(codeOf(page), new RegExp(`npx nightjar(?:-shop)? ${options}([a-z]+)`, 'g'));
    const scripts = matches(codeOf(page), /npm run ([\w:-]+)/g);
    const known = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')).scripts;
    // then there are such
    expect(called.filter((one) => !commands.includes(one) && one !== 'help')).toEqual([]);
    expect(scripts.filter((one) => known[one] === undefined)).toEqual([]);
  });
});

const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map(([, word = '']) => word);

it('the first look at a bucket is shown with the columns that status prints', () => {
  // given
  const { text } = PAGES.find(({ path }) => path === 'docs/operations.md')!;
  // then the head is there, whatever stands between the columns
  expect(text).toMatch(new RegExp(`^${DROP_COLUMNS.join(' {2,}')}$`, 'm'));
});

it('the index of docs names every page of the folder', () => {
  // given the index
  const index = PAGES.find(({ path }) => path === 'docs/README.md')!;
  const linked = matches(index.text, /\]\(([\w-]+\.md)(?:#[\w-]+)?\)/g);
  // then no page beside it is left out
  const pages = PAGES.map(({ path }) => path).filter((path) => /^docs\/(?!README)[\w-]+\.md$/.test(path));
  expect(pages.map((path) => posix.basename(path)).filter((name) => !linked.includes(name))).toEqual([]);
});
