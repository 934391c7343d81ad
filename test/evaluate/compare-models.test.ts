import { describe, expect, it } from 'vitest';
import { compareModels } from '../../lib/evaluate/index.ts';
import type { Candidate, Trial } from '../../lib/models/index.ts';

const named = (name: string): Candidate => ({
  name,
  reads: ['features'],
  applies: () => true,
  fit: () => Promise.reject(new Error('is not fitted here')),
});

const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(named) as [Candidate, Candidate, Candidate, Candidate];
const OUTCOMES = [0, 1, 1, 0];

const trialOf = (
  day: number,
  those: readonly Candidate[],
  more: Partial<Trial> = {},
  outcomes = OUTCOMES,
): Trial => ({
  day,
  rows: Int32Array.from(outcomes.keys()),
  users: Int32Array.from(outcomes.keys()),
  outcomes: Float32Array.from(outcomes),
  logits: new Map(those.map((one, i) => [one, Float32Array.from(outcomes, (y) => (y - 0.5) / (i + 1))])),
  costs: new Map(),
  cut: [],
  ...more,
});

const compared = (trials: readonly Trial[]) => compareModels({ tasks: ['buy'], trials }, 'buy');

describe('models side by side', () => {
  it('leave out those that were not tried at every day', () => {
    const { models, leftOut } = compared([trialOf(10, [a, b, c]), trialOf(20, [a, b])])!;
    expect(models.map(({ name }) => name)).toEqual(expect.arrayContaining(['a', 'b']));
    expect(leftOut).toEqual(['c']);
  });

  it('leave out those that the time did not suffice for, each once', () => {
    const { leftOut } = compared([
      trialOf(10, [a, b], { cut: [c, d] }),
      trialOf(20, [a, b, c], { cut: [d] }),
    ])!;
    expect(leftOut).toEqual(['c', 'd']);
  });

  it('cost what a fit costs in the mean', () => {
    const costs = (fitSeconds: number, rowsPerSecond: number) =>
      new Map([[a, { fits: 1, fitSeconds, rowsPerSecond, bytes: 7 }]]);
    const { models } = compared([
      trialOf(10, [a], { costs: costs(2, 10) }),
      trialOf(20, [a], { costs: costs(4, 30) }),
    ])!;
    expect(models).toEqual([
      expect.objectContaining({ name: 'a', fitSeconds: 3, rowsPerSecond: 30, bytes: 7 }),
    ]);
  });

  it('are none where no row has an outcome', () => {
    const unknown = OUTCOMES.map(() => Number.NaN);
    expect(compared([trialOf(10, [a, b], {}, unknown)])).toBeUndefined();
  });
});
