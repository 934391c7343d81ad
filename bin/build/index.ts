import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../lib/config/index.ts';
import type { Packages } from '../../lib/infra/index.ts';
import { buildFunctions, type FunctionPackage } from './functions.ts';
import { buildImage } from './image.ts';

export { ROOT } from '../home.ts';
export { bundle, NATIVE } from './bundle.ts';
export { BuildError } from './errors.ts';
export { checkSize, type FunctionPackage, UNPACKED_LIMIT } from './functions.ts';
export { type Lock, lockedPart, TARGET } from './locked.ts';
export { installFor, json, likeTarget, nativeFiles, PUBLISHED_LOCK, readLock } from './native.ts';
export { type ZipFile, zip } from './zip.ts';

export interface Built {
  readonly functions: readonly FunctionPackage[];
  /** The folders that the stacks are made from. */
  readonly packages: Packages;
}

/**
 * Builds everything that is deployed: `<out>/functions` and `<out>/image`, which are emptied before. Equal sources give equal bytes
 * on every machine.
 * @throws BuildError
 */
export async function buildPackages(config: Config, out: string): Promise<Built> {
  for (const part of ['functions', 'image']) await rm(join(out, part), { recursive: true, force: true });
  const functions = await buildFunctions(config, out);
  const image = await buildImage(out);
  await rm(join(out, 'work'), { recursive: true, force: true });
  return { functions, packages: { functions: join(out, 'functions'), image } };
}
