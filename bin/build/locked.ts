import { BuildError } from './errors.ts';

/** An entry of a package-lock.json (lockfileVersion 3), as far as it is read. */
interface LockEntry {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

export interface Lock {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, LockEntry>>;
}

/** What functions and images run on, whatever machine builds them. */
export const TARGET = { os: 'linux', cpu: 'x64', libc: 'glibc' } as const;

/** A package.json and a package-lock.json of some packages and what they need, as `npm ci` takes them. */
export interface LockedPart {
  readonly manifest: { readonly dependencies: Readonly<Record<string, string>> } & Record<string, unknown>;
  readonly lock: Lock & Record<string, unknown>;
  /** Their folders below the folder of the package.json: 'node_modules/…'. Sorted. */
  readonly folders: readonly string[];
}

/**
 * Cuts the part of a lock file that the named packages need on the target: the very versions and checksums of the
 * checkout, without its other dependencies and without binaries of other platforms.
 * @throws BuildError when the lock file does not hold them
 */
export function lockedPart(lock: Lock, name: string, names: readonly string[]): LockedPart {
  if (lock.lockfileVersion !== 3) {
    throw new BuildError(
      `package-lock.json has version ${lock.lockfileVersion}, expected 3: write it with npm 7 or later`,
    );
  }
  const taken = new Map<string, LockEntry>();
  const take = (folder: string): void => {
    if (taken.has(folder)) return;
    const entry = lock.packages[folder]!;
    const optional = Object.entries(entry.optionalDependencies ?? {}).filter(([dependency]) => {
      const at = locate(lock, folder, dependency);
      return at !== undefined && fits(lock.packages[at]!);
    });
    taken.set(folder, {
      ...entry,
      ...(entry.optionalDependencies ? { optionalDependencies: Object.fromEntries(optional) } : {}),
    });
    const needed = [...Object.keys(entry.dependencies ?? {}), ...optional.map(([dependency]) => dependency)];
    for (const dependency of needed) take(found(lock, folder, dependency));
  };
  const dependencies: Record<string, string> = {};
  for (const dependency of [...names].sort()) {
    const folder = found(lock, '', dependency);
    dependencies[dependency] = lock.packages[folder]!.version!;
    take(folder);
  }
  const version = lock.packages['']?.version ?? '0.0.0';
  const manifest = { name, version, private: true, type: 'module', dependencies };
  const folders = [...taken.keys()].sort();
  const packages = Object.fromEntries(folders.map((folder) => [folder, taken.get(folder)!]));
  return {
    manifest,
    lock: { name, version, lockfileVersion: 3, requires: true, packages: { '': manifest, ...packages } },
    folders,
  };
}

/** As Node looks a package up: beside the one that asks, then in each folder above. */
function locate(lock: Lock, from: string, dependency: string): string | undefined {
  for (let base = from; ; base = base.slice(0, Math.max(0, base.lastIndexOf('/node_modules/')))) {
    const folder = `${base === '' ? '' : `${base}/`}node_modules/${dependency}`;
    if (lock.packages[folder]) return folder;
    if (base === '') return undefined;
  }
}

function found(lock: Lock, from: string, dependency: string): string {
  const folder = locate(lock, from, dependency);
  if (folder === undefined) {
    throw new BuildError(
      `package-lock.json does not hold ${dependency}${from ? ` (needed by ${from})` : ''}: run "npm install" and commit it`,
    );
  }
  return folder;
}

const fits = ({ os, cpu, libc }: LockEntry): boolean =>
  (os?.includes(TARGET.os) ?? true) &&
  (cpu?.includes(TARGET.cpu) ?? true) &&
  (libc?.includes(TARGET.libc) ?? true);
