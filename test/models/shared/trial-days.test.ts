import { describe, expect, it } from 'vitest';
import { trialDays } from '../../../lib/models/shared/trial-days.ts';

/** Cut-offs every 14 days back from day 0, of so many days of history. */
const grid = (days: number): number[] => {
  const all: number[] = [];
  for (let cutoff = -14; cutoff >= -days; cutoff -= 14) all.unshift(cutoff);
  return all;
};

describe('the days at which candidates are tried', () => {
  it('are the latest closed windows of a task, apart from one another', () => {
    expect(trialDays([30], grid(365), 0)).toEqual([-90, -60, -30]);
  });

  it('are each task its own, and four in all', () => {
    expect(trialDays([90, 30], grid(365), 0)).toEqual([-180, -90, -60, -30]);
  });

  it('may overlap where there are no two windows apart to learn from', () => {
    expect(trialDays([90], grid(240), 0)).toEqual([-135, -90]);
  });

  it('are none where no window was over before the first of them', () => {
    expect(trialDays([90], grid(150), 0)).toEqual([]);
    // but a shorter task has its own
    expect(trialDays([90, 7], grid(150), 0)).toEqual([-21, -14, -7]);
  });
});
