import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, readFile, rename, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * A folder that holds what an image holds above its base: the bundles, and the packages that `npm ci` installs there. It
 * stands outside of the checkout, so that nothing of the checkout's node_modules is in reach.
 * @param image the images' context, as the build made it
 * @param into a folder that does not exist yet
 */
export async function installImage(image: string, into: string): Promise<string> {
  await cp(image, into, { recursive: true });
  const lock = await readFile(join(image, 'package-lock.json'));
  const hash = createHash('sha256').update(lock).digest('hex').slice(0, 16);
  const installed = join(tmpdir(), `nightjar-image-${hash}`);
  if (!existsSync(installed)) {
    const fresh = `${installed}.${process.pid}`;
    await cp(image, fresh, { recursive: true });
    await run('npm', ['ci', '--omit=dev', '--prefer-offline', '--no-audit', '--no-fund'], { cwd: fresh });
    // The packages of one lock file are the same for every build: whoever comes second takes the first one's.
    await rename(fresh, installed).catch(() => rm(fresh, { recursive: true, force: true }));
  }
  await symlink(join(installed, 'node_modules'), join(into, 'node_modules'));
  return into;
}
