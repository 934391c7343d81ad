import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import {
  BuildError,
  buildPackages,
  bundle,
  installFor,
  likeTarget,
  lockedPart,
  nativeFiles,
  ROOT,
  readLock,
  UNPACKED_LIMIT,
} from '../../bin/build/index.ts';
import { loadConfig } from '../../lib/config/index.ts';
import { sha256 } from '../../lib/data/index.ts';
import { ALL } from '../all.ts';
import { builtPackages } from './packages.ts';

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-build-'));
  folders.push(folder);
  return folder;
}

/** SHA-256 of every file below a folder, by its path. */
async function hashes(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  const hashed: Record<string, string> = {};
  for (const file of files.sort()) hashed[relative(folder, file)] = sha256(await readFile(file));
  return hashed;
}

describe('the build', { timeout: 180_000 }, () => {
  it.runIf(ALL)('gives the same bytes again', async () => {
    // given
    const one = await builtPackages();
    const { config } = await loadConfig(join(ROOT, 'examples/online-retail'));
    const out = await temporary();
    // when
    const { functions } = await buildPackages(config, out);
    // then
    const first = await hashes(dirname(one.functions));
    expect(await hashes(out)).toEqual(first);
    expect(Object.keys(first)).toEqual([
      ...['clean', 'dispatch', 'features'].map((name) => `functions/${name}.zip`),
      'image/.dockerignore',
      ...['clean', 'export', 'finetune', 'score', 'session-worker', 'training-worker'].map(
        (name) => `image/app/${name}.mjs`,
      ),
      'image/cpu/Dockerfile',
      'image/gpu/Dockerfile',
      'image/package-lock.json',
      'image/package.json',
    ]);
    // DuckDB is what weighs in clean; the others hold code alone.
    const unpacked = Object.fromEntries(functions.map((built) => [built.name, built.unpacked]));
    expect(unpacked.clean).toBeLessThan(UNPACKED_LIMIT / 2);
    expect(unpacked.features).toBeLessThan(5_000_000);
    expect(unpacked.dispatch).toBeLessThan(5_000_000);
  });

  it('lets no native library into a bundle that must do without, and says who wants it', async () => {
    // when
    const refused = bundle('lib/engine/train/session/session-worker', ['@duckdb/node-api']);
    // then
    await expect(refused).rejects.toThrow(BuildError);
    await expect(refused).rejects.toThrow(/must not load onnxruntime-node.*lib\/engine\/train\/\w/);
  });

  it.skipIf(!likeTarget())(
    'on another machine packs the same native files, as npm installs them for the target',
    async () => {
      // given
      const part = lockedPart(await readLock(), 'nightjar-clean', [
        '@duckdb/node-api',
        '@duckdb/node-bindings',
      ]);
      const work = await temporary();
      // when
      const installed = await installFor(part, work);
      const elsewhere = await nativeFiles(part, installed);
      // then
      const here = await nativeFiles(part, ROOT);
      expect([...elsewhere.keys()]).toEqual([...here.keys()]);
      for (const [path, { bytes }] of elsewhere)
        expect(sha256(bytes), path).toBe(sha256(here.get(path)!.bytes));
      expect([...here.keys()]).toContain('node_modules/@duckdb/node-bindings-linux-x64/libduckdb.so');
    },
  );
});
