import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { FROM_SOURCES, PACKAGE, ROOT } from '../home.ts';
import { BuildError } from './errors.ts';
import { type Lock, type LockedPart, TARGET } from './locked.ts';
import type { ZipFile } from './zip.ts';

const run = promisify(execFile);

/** The part of the checkout's lock file that a package carries, as npm publishes none: `npm run build` writes it. */
export const PUBLISHED_LOCK = 'natives.lock.json';

/** The checkout's lock file, or what the package carries of it. */
export async function readLock(): Promise<Lock> {
  const file = FROM_SOURCES ? join(PACKAGE, 'package-lock.json') : join(ROOT, PUBLISHED_LOCK);
  return JSON.parse(await readFile(file, 'utf8'));
}

/**
 * Where the packages stand as the target needs them: on a machine like the target beside this code, if all of them lie
 * together there; else where npm installs the locked versions for the target.
 * @param work folder for what npm installs
 */
export async function nativeBase(part: LockedPart, work: string): Promise<string> {
  const base = likeTarget() ? folderWith(part.folders) : undefined;
  return base ?? installFor(part, work);
}

/** The nearest folder, from this package upwards, that holds all of some folders: npm puts them in one node_modules. */
function folderWith(folders: readonly string[]): string | undefined {
  for (let base = resolve(PACKAGE); ; base = dirname(base)) {
    if (folders.every((folder) => existsSync(join(base, folder)))) return base;
    if (base === dirname(base)) return undefined;
  }
}

/**
 * The files that packages need where they run, by their path below the package.json.
 * @param base folder that holds their node_modules
 * @throws BuildError when it holds another version than the lock file
 */
export async function nativeFiles(part: LockedPart, base: string): Promise<Map<string, ZipFile>> {
  const files = new Map<string, ZipFile>();
  for (const folder of part.folders) {
    await checkVersion(base, folder, part.lock.packages[folder]?.version);
    for (const path of await readdir(join(base, folder), { recursive: true, withFileTypes: true })) {
      const name = join(path.parentPath, path.name).slice(join(base, folder).length + 1);
      // A dependency's own node_modules are folders of the list themselves.
      if (!path.isFile() || name.includes('node_modules/') || !NEEDED.test(name)) continue;
      files.set(`${folder}/${name}`, { bytes: await readFile(join(base, folder, name)) });
    }
  }
  return files;
}

/** Code, native libraries, what names the entry, and the licence that must go with a copy. No types, maps or readmes. */
const NEEDED = /(^|\/)(package\.json|LICEN[CS]E[^/]*|[^/]+\.(js|cjs|mjs|node|so(\.\d+)*))$/i;

/** Whether this machine is as functions and images are: what was built for them runs here. */
export function likeTarget(): boolean {
  const { platform, arch } = process;
  return platform === TARGET.os && arch === TARGET.cpu && usesGlibc();
}

function usesGlibc(): boolean {
  const report: unknown = process.report.getReport();
  const header =
    typeof report === 'object' && report !== null && 'header' in report ? report.header : undefined;
  return typeof header === 'object' && header !== null && 'glibcVersionRuntime' in header;
}

/** Installs the part for the target, as on another machine. @returns the folder that holds its node_modules */
export async function installFor(part: LockedPart, work: string): Promise<string> {
  const folder = join(work, String(part.manifest.name));
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), json(part.manifest));
  await writeFile(join(folder, 'package-lock.json'), json(part.lock));
  const { os, cpu, libc } = TARGET;
  const flags = ['--os', os, '--cpu', cpu, '--libc', libc, '--ignore-scripts', '--no-audit', '--no-fund'];
  try {
    await run('npm', ['ci', '--prefer-offline', ...flags], { cwd: folder });
  } catch (cause) {
    const why = cause instanceof Error && 'stderr' in cause ? String(cause.stderr).trim() : String(cause);
    throw new BuildError(`npm could not install ${part.folders.join(', ')} for ${os}-${cpu}: ${why}`, {
      cause,
    });
  }
  return folder;
}

async function checkVersion(base: string, folder: string, locked: string | undefined): Promise<void> {
  const file = join(base, folder, 'package.json');
  const { version } = existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : { version: 'nothing' };
  if (version === locked) return;
  throw new BuildError(
    `${folder} holds ${version}, but package-lock.json says ${locked}: run "npm ci", then build again`,
  );
}

export const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
