import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../lib/config/index.ts';
import { bundle, type Native } from './bundle.ts';
import { BuildError } from './errors.ts';
import { lockedPart } from './locked.ts';
import { json, nativeBase, nativeFiles, readLock } from './native.ts';
import { type ZipFile, zip } from './zip.ts';

/** Lambda's limit for a function and its layers, unpacked. */
export const UNPACKED_LIMIT = 262_144_000;

export interface FunctionPackage {
  readonly name: string;
  readonly file: string;
  readonly zipped: number;
  readonly unpacked: number;
}

const DUCKDB: readonly Native[] = ['@duckdb/node-api', '@duckdb/node-bindings'];

/** The functions and the native libraries each may carry. onnxruntime is for the images alone. */
const FUNCTIONS: Readonly<Record<string, readonly Native[]>> = { clean: DUCKDB, features: [], dispatch: [] };

/**
 * Builds `<out>/functions/<name>.zip` of each function: the bundle (`index.mjs`, its `handler` is the entry), the checked
 * config beside it, and native packages under node_modules.
 * @throws BuildError
 */
export async function buildFunctions(config: Config, out: string): Promise<FunctionPackage[]> {
  const folder = join(out, 'functions');
  await mkdir(folder, { recursive: true });
  const built: FunctionPackage[] = [];
  for (const [name, natives] of Object.entries(FUNCTIONS)) {
    const files = new Map<string, ZipFile>([
      ['index.mjs', { bytes: await bundle(`functions/${name}/lambda`, natives) }],
      ['config.json', { bytes: Buffer.from(json(config)) }],
      ['package.json', { bytes: Buffer.from(json({ type: 'module' })) }],
    ]);
    if (natives.length > 0) {
      const part = lockedPart(await readLock(), `nightjar-${name}`, natives);
      const base = await nativeBase(part, join(out, 'work'));
      for (const [path, file] of await nativeFiles(part, base)) files.set(path, file);
    }
    const unpacked = checkSize(name, files);
    const bytes = zip(files);
    const file = join(folder, `${name}.zip`);
    await writeFile(file, bytes);
    built.push({ name, file, zipped: bytes.length, unpacked });
  }
  return built;
}

/** @returns bytes unpacked. @throws BuildError above Lambda's limit, naming the largest files */
export function checkSize(name: string, files: ReadonlyMap<string, ZipFile>, limit = UNPACKED_LIMIT): number {
  const unpacked = [...files.values()].reduce((sum, { bytes }) => sum + bytes.length, 0);
  if (unpacked <= limit) return unpacked;
  const largest = [...files]
    .sort(([, a], [, b]) => b.bytes.length - a.bytes.length)
    .slice(0, 3)
    .map(([path, { bytes }]) => `${path} (${bytes.length})`);
  throw new BuildError(
    `the ${name} function is ${unpacked} bytes unpacked, Lambda takes ${limit}: ` +
      `leave something out; the largest files are ${largest.join(', ')}`,
  );
}
