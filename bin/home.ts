import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** In a checkout the code runs from its sources; an installed package holds what `npm run build` made of them. */
export const FROM_SOURCES = import.meta.url.endsWith('.ts');

/** The folder that holds bin, lib, functions, containers and examples: the checkout, or `dist` of the package. */
export const ROOT = fileURLToPath(new URL('../', import.meta.url));

/** The folder of package.json. */
export const PACKAGE = FROM_SOURCES ? ROOT : join(ROOT, '..');

const { name, version }: { name: string; version: string } = JSON.parse(
  readFileSync(join(PACKAGE, 'package.json'), 'utf8'),
);

export const VERSION = version;

/** How the command is called where it is not on the path: the same in a clone, in a project and in an empty folder. */
export const CALL = `npx ${name}`;

/** A message names the command; a person is told how it is called: "nightjar check" is `npx nightjar-shop check`. */
export const asCalled = (message: string): string => message.replaceAll('"nightjar ', `"${CALL} `);

/** The file of one of our modules. @param path below ROOT, without its ending: 'containers/score/main' */
export const moduleFile = (path: string): string => join(ROOT, `${path}${FROM_SOURCES ? '.ts' : '.js'}`);

/** What Node is given to run one of our modules as a process of its own. */
export const runArguments = (path: string): string[] =>
  FROM_SOURCES ? ['--import', import.meta.resolve('tsx'), moduleFile(path)] : [moduleFile(path)];
