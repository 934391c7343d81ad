import { expect, it } from 'vitest';
import { flushing } from '../../lib/runtime/aws/index.ts';

it('what a handler counted is written once, whether it ends or throws', async () => {
  // given
  let counted = 0;
  const written: number[] = [];
  const metrics = { publishStoredMetrics: () => void written.push(counted) };
  const handle = flushing(metrics, async (fails: boolean) => {
    counted++;
    if (fails) throw new Error('the store is away');
    return 'done';
  });
  // when / then
  expect(await handle(false)).toBe('done');
  expect(written).toEqual([1]);
  await expect(handle(true)).rejects.toThrow('the store is away');
  expect(written).toEqual([1, 2]);
});
