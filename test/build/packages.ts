import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { buildPackages, ROOT } from '../../bin/build/index.ts';
import { loadConfig } from '../../lib/config/index.ts';

/** Folders of built packages, one per content of the sources: test files, which run in processes of their own, share them. */
const CACHE = join(ROOT, 'node_modules', '.cache', 'nightjar-build');
/** Builds of other sources are removed after this time: another checkout's tests may be using them before. */
const STALE_MS = 3_600_000;
const SOURCES = ['lib', 'functions', 'containers', 'bin/build', 'package-lock.json'];

export interface BuiltPackages {
  /** Holds clean.zip, features.zip and dispatch.zip. */
  readonly functions: string;
  /** The context of the container images. */
  readonly image: string;
}

/**
 * What `npm run packages -- --config <config>` makes of the sources as they stand, built once for each state of them.
 * @param config path below the checkout, or absolute
 */
export async function builtPackages(config = 'examples/online-retail'): Promise<BuiltPackages> {
  const { config: checked } = await loadConfig(config.startsWith('/') ? config : join(ROOT, config));
  const folder = join(CACHE, await hashOf(JSON.stringify(checked)));
  if (!existsSync(folder)) {
    await mkdir(CACHE, { recursive: true });
    await removeStale();
    const fresh = `${folder}.${process.pid}`;
    await buildPackages(checked, fresh);
    // Whoever comes second finds the first one's, which is the same.
    await rename(fresh, folder).catch(() => rm(fresh, { recursive: true, force: true }));
  }
  return { functions: join(folder, 'functions'), image: join(folder, 'image') };
}

async function hashOf(config: string): Promise<string> {
  const hash = createHash('sha256').update(config);
  for (const source of SOURCES) {
    const path = join(ROOT, source);
    const files = (await stat(path)).isDirectory()
      ? (await readdir(path, { recursive: true, withFileTypes: true }))
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
          .sort()
      : [path];
    for (const file of files) {
      const content = createHash('sha256').update(await readFile(file));
      hash.update(`${file}\n${content.digest('hex')}\n`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function removeStale(): Promise<void> {
  for (const name of await readdir(CACHE)) {
    const { mtimeMs } = await stat(join(CACHE, name));
    if (Date.now() - mtimeMs > STALE_MS) await rm(join(CACHE, name), { recursive: true, force: true });
  }
}
