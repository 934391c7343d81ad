import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../../lib/config/index.ts';
import { buildFunctions, type FunctionPackage } from './functions.ts';
import { buildImage } from './image.ts';

export { bundle, NATIVE, type Native, ROOT } from './bundle.ts';
export { BuildError } from './errors.ts';
export { checkSize, type FunctionPackage, UNPACKED_LIMIT } from './functions.ts';
export { type Lock, type LockedPart, lockedPart, TARGET } from './locked.ts';
export { installFor, likeTarget, nativeFiles, readLock } from './native.ts';
export { type ZipFile, zip } from './zip.ts';

export interface Built {
  readonly functions: readonly FunctionPackage[];
  /** The folder of the container images' context. */
  readonly image: string;
}

/**
 * Builds everything that is deployed: `<out>/functions` and `<out>/image`, which are emptied before. Equal sources give equal bytes
 * on every machine.
 * @throws BuildError
 */
export async function buildPackages(config: Config, out: string): Promise<Built> {
  for (const part of ['functions', 'image']) await rm(join(out, part), { recursive: true, force: true });
  const built = { functions: await buildFunctions(config, out), image: await buildImage(out) };
  await rm(join(out, 'work'), { recursive: true, force: true });
  return built;
}
