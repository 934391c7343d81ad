import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ROOT } from '../../bin/home.ts';
import { emptyFolder } from './start.ts';

const run = promisify(execFile);

/** A block of the page. */
interface Block {
  readonly language: string;
  readonly text: string;
}

async function blocks(): Promise<Block[]> {
  const page = await readFile(join(ROOT, 'docs/tutorial.md'), 'utf8');
  return [...page.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** What a command of the page has printed, beside what the page says that it prints. */
export interface Followed {
  readonly commands: string;
  readonly printed: string;
  readonly expected: string;
}

/**
 * Follows the page in an empty folder, command by command, as a person would who has installed the package.
 * @param until stops before the block that holds this command
 */
export async function followTutorial(until?: string): Promise<Followed[]> {
  const folder = await emptyFolder();
  const followed: Followed[] = [];
  const all = await blocks();
  for (const [i, { language, text }] of all.entries()) {
    const file = /^\/\/ (\S+\.mjs):/.exec(text)?.[1];
    if (language === 'js' && file) await writeFile(join(folder, file), text);
    if (language !== 'sh') continue;
    if (until !== undefined && text.includes(until)) break;
    let printed = '';
    for (const command of text.trimEnd().split('\n')) printed += await typed(command, folder);
    const next = all[i + 1];
    followed.push({ commands: text, printed, expected: next?.language === 'text' ? next.text : '…' });
  }
  return followed;
}

async function typed(command: string, folder: string): Promise<string> {
  if (command === 'npm install nightjar-shop') {
    await install(folder);
    return '';
  }
  const { stdout } = await run('bash', ['-c', command], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: '1', npm_config_offline: 'true' },
    maxBuffer: 2 ** 26,
  });
  return stdout;
}

/** The checkout stands where npm would have put the package. */
async function install(folder: string): Promise<void> {
  await mkdir(join(folder, 'node_modules/.bin'), { recursive: true });
  await symlink(ROOT, join(folder, 'node_modules/nightjar-shop'));
  const bin = join(folder, 'node_modules/.bin/nightjar-shop');
  await writeFile(bin, `#!/bin/sh\nexec node "${join(ROOT, 'bin/nightjar.js')}" "$@"\n`);
  await chmod(bin, 0o755);
  await writeFile(join(folder, 'package.json'), '{ "dependencies": { "nightjar-shop": "*" } }\n');
}

/** A pattern for what the page shows: `…` in a line stands for anything on it, a line of its own for any lines. */
export function shown(expected: string): RegExp {
  const escaped = expected.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const lines = escaped
    .split('\n')
    .map((line) => (line === '…' ? '(?:.*\\n)*?.*' : line.replaceAll('…', '.*')));
  return new RegExp(`^${lines.join('\n')}$`);
}
