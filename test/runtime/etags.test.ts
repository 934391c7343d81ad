import { type FileHandle, open, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { etagCache } from '../../lib/runtime/local/etags.ts';
import { temporaryFolder } from './temp.ts';

const PAST = new Date('2011-09-10T00:00:00Z');

async function withFile(use: (handle: FileHandle, write: (text: string) => Promise<void>) => Promise<void>) {
  const path = join(await temporaryFolder(), 'file');
  const handle = await open(path, 'w+');
  const write = async (text: string) => {
    await handle.write(text, 0);
    await utimes(path, PAST, PAST);
  };
  await use(handle, write);
  await handle.close();
}

it('sees other bytes of the same length behind the same modification time', async () => {
  await withFile(async (handle, write) => {
    // given a clock so late that every file looks old
    const etags = etagCache(() => Number.POSITIVE_INFINITY);
    await write('one');
    const before = await etags.of('k', handle, await handle.stat({ bigint: true }));
    // when
    await write('two');
    // then
    expect(await etags.of('k', handle, await handle.stat({ bigint: true }))).not.toBe(before);
  });
});

it('remembers the etag of a file that has been still, and of no other', async () => {
  for (const [ageMs, remembered] of [
    [1000, true],
    [10, false],
  ] as const) {
    await withFile(async (handle, write) => {
      // given a file that was hashed this long after its last change
      await write('one');
      const stats = await handle.stat({ bigint: true });
      const etags = etagCache(() => Number(stats.ctimeMs) + ageMs);
      const before = await etags.of('k', handle, stats);
      // when it changes within the same tick of the clock, so that it looks as before
      await write('two');
      const after = await etags.of('k', handle, stats);
      // then
      expect(after === before).toBe(remembered);
    });
  }
});
