import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { removeLeftovers } from '../../lib/clean/index.ts';

it('folders of dead processes go, those of living ones and of others stay', async () => {
  // given folders of a process that ended, of our parent, of our own number from before, and of somebody else
  const folder = await mkdtemp(join(tmpdir(), 'nightjar-test-'));
  const { pid: dead } = spawnSync(process.execPath, ['--version']);
  const gone = [
    `nightjar-clean-${dead}-abc`,
    `nightjar-duckdb-${dead}-spill`,
    `nightjar-clean-${process.pid}-x`,
  ];
  const kept = [`nightjar-clean-${process.ppid}-abc`, 'nightjar-clean-abc', 'other'];
  for (const name of [...gone, ...kept]) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'drop'), 'x');
  }
  // when
  const removed = await removeLeftovers(folder);
  // then
  expect(removed.sort()).toEqual([...gone].sort());
  expect((await readdir(folder)).sort()).toEqual([...kept].sort());
  await rm(folder, { recursive: true });
});
