import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
/** Ignored by git. */
const HOME = join(CHECKOUT, '.built');
const SOURCES = ['bin', 'lib', 'functions', 'containers', 'package'];

/**
 * The command as JavaScript, made anew when a source has changed. A command and each of its jobs are a process, and
 * compiling what they load takes longer than most of them run.
 * @returns the entry that `npm run build` would publish
 */
export function builtCommand(): string {
  const files = SOURCES.flatMap((folder) =>
    readdirSync(join(CHECKOUT, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
      join(CHECKOUT, folder, name),
    ),
  );
  const newest = Math.max(...files.map((file) => statSync(file).mtimeMs));
  const folder = join(HOME, `${files.length}-${Math.round(newest)}`);
  if (!existsSync(folder)) build(folder, files);
  return join(folder, 'bin/nightjar.js');
}

/** Two workers may build at once: whoever is first puts its folder in place. */
function build(folder: string, files: readonly string[]): void {
  removeOld();
  const part = `${folder}.${process.pid}`;
  const compiler = join(createRequire(import.meta.url).resolve('typescript/package.json'), '../bin/tsc');
  const options = ['--project', 'tsconfig.build.json', '--outDir', part, '--declaration', 'false'];
  execFileSync(process.execPath, [compiler, ...options], { cwd: CHECKOUT });
  for (const file of files.filter((name) => name.endsWith('.json'))) {
    const copy = join(part, file.slice(CHECKOUT.length));
    mkdirSync(join(copy, '..'), { recursive: true });
    copyFileSync(file, copy);
  }
  for (const name of ['examples', 'cdk.json']) symlinkSync(join(CHECKOUT, name), join(part, name));
  copyFileSync(join(CHECKOUT, 'package.json'), join(HOME, 'package.json'));
  try {
    renameSync(part, folder);
  } catch (error) {
    if (!existsSync(folder)) throw error;
    rmSync(part, { recursive: true });
  }
}

/** Builds of other sources, but for those that another run may be using. */
function removeOld(): void {
  for (const name of existsSync(HOME) ? readdirSync(HOME) : []) {
    const path = join(HOME, name);
    if (Date.now() - statSync(path).mtimeMs > 86_400_000) rmSync(path, { recursive: true, force: true });
  }
}
