import { describe, expect, it } from 'vitest';
import type { NextTask } from '../../../lib/config/index.ts';
import { trainingCutoffs } from '../../../lib/models/next/train.ts';
import { FIRST_DAY, withStore } from '../../features/shop.ts';
import { bought, nextConfig, runOver } from './shop.ts';

const cutoffsOf = (asOf: number, horizonDays: number) =>
  withStore(async (store) => {
    const config = nextConfig({ horizonDays });
    const manifest = await runOver(store, config, asOf, { a: [bought('ann', 0, 'tea')] });
    const task = config.tasks.preference as NextTask;
    return trainingCutoffs(manifest, task).map((day) => day - FIRST_DAY);
  });

describe('training cut-offs', () => {
  it('stand half a month apart, with windows closed by the as-of day and a season before them', async () => {
    // given a year of history
    // when cut-offs are chosen for windows of thirty days
    const cutoffs = await cutoffsOf(365, 30);
    // then twelve go back from the latest closed window
    expect(cutoffs).toHaveLength(12);
    expect(cutoffs.at(-1)).toBe(335);
    expect(cutoffs[0]).toBe(335 - 11 * 15);
  });

  it('stand closer where there is little history', async () => {
    // given nine days, and windows of one
    // when chosen
    const cutoffs = await cutoffsOf(9, 1);
    // then windows are closed, and half of the days stay before them
    expect(cutoffs).toEqual([4, 5, 6, 7, 8]);
  });

  it('are none where no window is closed', async () => {
    expect(await cutoffsOf(30, 30)).toEqual([]);
    expect(await cutoffsOf(31, 30)).toEqual([1]);
  });
});
