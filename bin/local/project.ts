import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { writeWhole } from '../../lib/runtime/index.ts';
import { VERSION } from '../home.ts';

/** What stands in a shop's folder, and what stood there before. */
export interface Laid {
  readonly written: readonly string[];
  readonly kept: readonly { readonly file: string; readonly advice?: string }[];
}

/** The bucket with the shop's data, and the key that opens its pseudonyms, are nothing to share. */
const IGNORED = '.nightjar/';
const GITIGNORE = `# The bucket, and the key that turns its pseudonyms into users again.\n${IGNORED}\nnode_modules/\n`;

/** Writes the files of a shop's folder. What is there already is kept. @param folder it exists */
export async function layOut(folder: string, config: string): Promise<Laid> {
  const written: string[] = [];
  const kept: { file: string; advice?: string }[] = [];
  const files: [string, string, (text: string) => string | undefined][] = [
    ['nightjar.config.ts', config, () => undefined],
    ['.gitignore', GITIGNORE, ignoreAdvice],
    ['package.json', packageJson(folder), packageAdvice],
  ];
  for (const [name, text, adviceFor] of files) {
    const file = join(folder, name);
    if (existsSync(file)) {
      const advice = adviceFor(await readFile(file, 'utf8'));
      kept.push({ file, ...(advice !== undefined && { advice }) });
      continue;
    }
    await writeWhole(file, text);
    written.push(file);
  }
  return { written, kept };
}

function packageJson(folder: string): string {
  const name =
    basename(folder)
      .toLowerCase()
      .replaceAll(/[^a-z0-9._-]+/g, '-')
      .replaceAll(/^[._-]+/g, '') || 'shop';
  const content = { name, private: true, type: 'module', dependencies: { 'nightjar-shop': VERSION } };
  return `${JSON.stringify(content, null, 2)}\n`;
}

const ignoreAdvice = (text: string): string | undefined =>
  /^\/?(\*\*\/)?\.nightjar\/?$/m.test(text)
    ? undefined
    : `add the line ${IGNORED} to it: the bucket and its key lie there`;

const packageAdvice = (text: string): string | undefined =>
  text.includes('"nightjar-shop"') ? undefined : 'npm install nightjar-shop there gives the config its types';
