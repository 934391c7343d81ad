import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { deviance } from '../../../lib/models/value/fit.ts';
import { chooseLevel, intervalOf, normalQuantile } from '../../../lib/models/value/interval.ts';
import { chooseWeights } from '../../../lib/models/value/weights.ts';

describe('intervals of what a window may come to', () => {
  it('use the normal quantile', () => {
    // scipy.stats.norm.ppf
    const known = [
      [1e-9, -5.9978070150076865],
      [0.001, -3.090232306167813],
      [0.05, -1.6448536269514729],
      [0.1, -1.2815515655446004],
      [0.3, -0.5244005127080409],
      [0.5, 0],
      [0.77, 0.7388468491852137],
      [0.9, 1.2815515655446004],
      [0.975, 1.959963984540054],
    ] as const;
    for (const [p, z] of known) expect(normalQuantile(p)).toBeCloseTo(z, 5);
  });

  it('hold the share that they say, from 0 where nothing is likely', () => {
    const rng = createRng('intervals');
    for (const [chance, value] of [
      [0.97, 120],
      [0.85, 30],
      [0.4, 12],
    ] as const) {
      const spread = 0.8;
      const middle = Math.log(value / chance) - spread ** 2 / 2;
      const [low, high] = intervalOf({ chance, value }, { spread, level: 0.8 });
      expect(low === 0).toBe(chance < 0.9);
      let held = 0;
      const draws = 20_000;
      for (let i = 0; i < draws; i++) {
        const y = rng.uniform() < chance ? Math.exp(middle + spread * rng.normal()) : 0;
        if (y >= low && y <= high) held++;
      }
      expect(held / draws).toBeCloseTo(0.8, 1);
    }
    expect(intervalOf({ chance: 0.1, value: 5 }, { spread: 0.8, level: 0.8 })).toEqual([0, 0]);
    expect(intervalOf({ chance: 0, value: 0 }, { spread: 0.8, level: 0.8 })).toEqual([0, 0]);
  });

  it('are widened until they hold 80 % of what was held out', () => {
    // given amounts that spread twice as much as predicted
    const rng = createRng('too narrow');
    const prospects = Array.from({ length: 4000 }, () => ({ chance: 1, value: 50 }));
    const truth = prospects.map(() => Math.exp(Math.log(50) - 0.5 ** 2 / 2 + rng.normal()));
    // when
    const level = chooseLevel(prospects, truth, 0.5);
    // then
    expect(level).toBeGreaterThan(0.9);
    const [low, high] = intervalOf(prospects[0]!, { spread: 0.5, level });
    const held = truth.filter((y) => y >= low && y <= high).length / truth.length;
    expect(held).toBeGreaterThan(0.75);
    expect(held).toBeLessThan(0.85);
  });
});

describe('members of a value model', () => {
  it('are judged by the Tweedie deviance', () => {
    // half of scikit-learn's mean_tweedie_deviance(power=1.5): 0.6307299646709703
    expect(deviance([0, 3, 10, 0.5], [0.2, 2, 12, 1])).toBeCloseTo(0.6307299646709703 / 2, 12);
  });

  it('get the weights that did best in all trials, and none where one could not be fitted', () => {
    const truth = Float64Array.of(0, 10, 2, 6, 0, 3);
    const members = [truth.map((y) => 0.5 * y + 0.01), truth.map((y) => 1.5 * y + 0.01), undefined];
    const trial = { truth, members, chance: new Float64Array(6) };
    expect(chooseWeights([trial], 3)).toEqual([0.5, 0.5, 0]);
    const alone = { truth, members: [undefined, members[1], undefined], chance: new Float64Array(6) };
    expect(chooseWeights([trial, alone], 3)).toEqual([0, 1, 0]);
  });
});
