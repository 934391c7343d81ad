import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** One page of the documentation. */
export interface Page {
  /** From the repository's root. */
  readonly path: string;
  readonly text: string;
}

/** All files that git knows or would add, from the root. */
const FILES: ReadonlySet<string> = new Set(
  execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
    .split('\n')
    .filter((path) => path !== ''),
);

/** Every Markdown page beside the code; those of fixtures are data. */
export const PAGES: readonly Page[] = [...FILES]
  .filter((path) => path.endsWith('.md') && !path.includes('fixtures/') && !path.startsWith('shared/'))
  .sort()
  .map((path) => ({ path, text: readFileSync(`${ROOT}${path}`, 'utf8') }));

/** A page without its code blocks, which show things that a reader's own folder holds. */
export const prose = ({ text }: Page): string => text.replaceAll(/^(```|~~~).*?^\1/gms, '');

/** What a page shows as code: its blocks and what stands between backticks. */
export function codeOf(page: Page): string {
  const blocks = page.text.match(/^(```|~~~).*?^\1/gms) ?? [];
  const spans = prose(page).match(/`[^`\n]+`/g) ?? [];
  return [...blocks, ...spans].join('\n');
}

/** Whether a path from the root is a file, or a folder that holds one. */
export function exists(path: string): boolean {
  const plain = posix.normalize(path).replace(/\/$/, '');
  return plain === '.' || FILES.has(plain) || [...FILES].some((file) => file.startsWith(`${plain}/`));
}

/** Whether some file or folder fits a path with `*` for any part of a name. */
export function fits(pattern: string): boolean {
  const words = pattern.replace(/\/$/, '').split('*');
  const source = words.map((word) => word.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')).join('[^/]*');
  const expression = new RegExp(`^${source}(/|$)`);
  return [...FILES].some((file) => expression.test(file));
}

/** Anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(page: Page): Set<string> {
  const seen = new Map<string, number>();
  const anchors = new Set<string>();
  for (const [, heading = ''] of prose(page).matchAll(/^#{1,6} +(.+?)\s*$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = words.replaceAll(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    anchors.add(before === 0 ? slug : `${slug}-${before}`);
  }
  return anchors;
}
