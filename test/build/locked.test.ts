import { describe, expect, it } from 'vitest';
import { BuildError, type Lock, lockedPart, readLock, TARGET } from '../../bin/build/index.ts';

const lock: Lock = {
  lockfileVersion: 3,
  packages: {
    '': { version: '1.2.3', dependencies: { app: '^1.0.0', other: '1' } },
    'node_modules/app': {
      version: '1.0.1',
      dependencies: { shared: '^2.0.0' },
      optionalDependencies: { 'app-linux': '1', 'app-mac': '1', 'app-musl': '1', 'app-nowhere': '1' },
    },
    'node_modules/app/node_modules/shared': { version: '2.5.0', dependencies: { leaf: '1' } },
    'node_modules/app-linux': { version: '1.0.1', os: ['linux'], cpu: ['x64'], libc: ['glibc'] },
    'node_modules/app-musl': { version: '1.0.1', os: ['linux'], cpu: ['x64'], libc: ['musl'] },
    'node_modules/app-mac': { version: '1.0.1', os: ['darwin'], cpu: ['arm64'] },
    'node_modules/leaf': { version: '1.1.0' },
    'node_modules/other': { version: '1.0.0' },
    'node_modules/shared': { version: '1.0.0' },
  },
};

describe('the part of a lock file that some packages need', () => {
  it('holds them, what they need as Node would find it, and binaries of the target alone', () => {
    // when
    const part = lockedPart(lock, 'image', ['app']);
    // then
    expect(part.folders).toEqual([
      'node_modules/app',
      'node_modules/app-linux',
      'node_modules/app/node_modules/shared',
      'node_modules/leaf',
    ]);
    expect(part.manifest).toMatchObject({ version: '1.2.3', dependencies: { app: '1.0.1' } });
    expect(part.lock.packages['node_modules/app']).toMatchObject({
      optionalDependencies: { 'app-linux': '1' },
    });
  });

  it('says which package is not there, and for whom', () => {
    // given
    const { leaf: _, ...rest } = Object.fromEntries(
      Object.entries(lock.packages).map(([folder, entry]) => [
        folder.replace('node_modules/leaf', 'leaf'),
        entry,
      ]),
    );
    // when, then
    expect(() => lockedPart({ ...lock, packages: rest }, 'image', ['app'])).toThrow(
      /does not hold leaf \(needed by node_modules\/app\/node_modules\/shared\).*npm install/,
    );
    expect(() => lockedPart({ ...lock, lockfileVersion: 1 }, 'image', [])).toThrow(BuildError);
  });

  it('of this checkout knows of no install script but that of esbuild, which needs none of it', async () => {
    // npm runs those that the lock file marks: "npm install" may have marked onnxruntime-node's, which downloads.
    // Our own, of the folder '', refuses a Node that is too old.
    const marked = Object.entries((await readLock()).packages).filter(
      ([folder, entry]) => folder !== '' && 'hasInstallScript' in entry,
    );
    expect(marked.map(([folder]) => folder)).toEqual(['node_modules/esbuild']);
  });

  it('of this checkout names no package of another platform', async () => {
    // when
    const { lock: part, folders } = lockedPart(await readLock(), 'image', [
      '@duckdb/node-api',
      'onnxruntime-node',
    ]);
    // then
    expect(folders).toContain(`node_modules/@duckdb/node-bindings-${TARGET.os}-${TARGET.cpu}`);
    for (const folder of folders) expect(folder).not.toMatch(/darwin|win32|arm64|musl/);
    for (const folder of folders) expect(part.packages[folder]).toHaveProperty('integrity');
  });
});
