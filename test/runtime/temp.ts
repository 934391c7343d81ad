import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];

/** A new empty folder, removed after the tests of the file. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  made.push(folder);
  return folder;
}

if (process.env.VITEST) {
  afterAll(async () => {
    for (const folder of made.splice(0)) await rm(folder, { recursive: true, force: true });
  });
} else {
  // A script that shares helpers with tests.
  process.once('exit', () => {
    for (const folder of made) rmSync(folder, { recursive: true, force: true });
  });
}
