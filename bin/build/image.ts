import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { JobDefinition } from '../../lib/runtime/index.ts';
import { ROOT } from '../home.ts';
import { bundle, NATIVE } from './bundle.ts';
import { lockedPart } from './locked.ts';
import { json, readLock } from './native.ts';

/** Entry of each job, by its definition. */
const JOBS: Readonly<Record<JobDefinition, string>> = {
  finetune: 'containers/finetune/main',
  score: 'containers/score/main',
  export: 'containers/export/main',
  clean: 'containers/clean/main',
};

/** Modules that a job starts in a thread: they lie beside its bundle. */
const WORKERS = ['session/session-worker', 'trainer/training-worker'] as const;

/**
 * Builds `<out>/image`, the context of the container images: bundles of the jobs, and a package.json with a lock file of
 * what cannot be bundled, so that `npm ci` installs the same bytes as in the checkout.
 * @throws BuildError
 */
export async function buildImage(out: string): Promise<string> {
  const folder = join(out, 'image');
  await mkdir(join(folder, 'app'), { recursive: true });
  const { manifest, lock } = lockedPart(await readLock(), 'nightjar-image', NATIVE);
  await writeFile(join(folder, 'package.json'), json(manifest));
  await writeFile(join(folder, 'package-lock.json'), json(lock));
  for (const [job, entry] of Object.entries(JOBS)) {
    await writeFile(join(folder, 'app', `${job}.mjs`), await bundle(entry, NATIVE));
  }
  for (const worker of WORKERS) {
    const code = await bundle(`lib/engine/train/${worker}`, NATIVE);
    await writeFile(join(folder, 'app', `${basename(worker)}.mjs`), code);
  }
  for (const image of ['cpu', 'gpu']) {
    await mkdir(join(folder, image), { recursive: true });
    await copyFile(join(ROOT, 'containers', image, 'Dockerfile'), join(folder, image, 'Dockerfile'));
  }
  await copyFile(join(ROOT, 'containers', '.dockerignore'), join(folder, '.dockerignore'));
  return folder;
}
