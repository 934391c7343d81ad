import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Preview } from '../../lib/clean/index.ts';
import { presetNamed, type Started, startFrom } from '../../lib/presets/index.ts';

const folders: string[] = [];

afterAll(async () => {
  for (const folder of folders) await rm(folder, { recursive: true, force: true });
});

/** A folder of its own, removed when the file's tests are over. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  folders.push(folder);
  return folder;
}

export type Read = Extract<Preview, { status: 'read' }>;

/** What `init --from` makes of files with these contents. */
export async function startWith(
  preset: string,
  files: Readonly<Record<string, string | Uint8Array>>,
  timeZone?: string,
): Promise<Started> {
  const folder = await emptyFolder();
  const paths: string[] = [];
  for (const [name, content] of Object.entries(files)) {
    paths.push(join(folder, name));
    await writeFile(join(folder, name), content);
  }
  return startFrom({ preset: presetNamed(preset), files: paths, shopName: 'Test shop', timeZone });
}

/** The preview of a file that could be read. */
export function readOf({ files }: Started, place = 0): Read {
  const { preview } = files[place]!;
  if (preview.status === 'refused') throw new Error(`refused: ${preview.reason}`);
  return preview;
}
