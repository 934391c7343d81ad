import { describe, expect, expectTypeOf, it } from 'vitest';
import { AbortedError, createRng, DivergedError, TrainError } from '../../../lib/engine/host/index.ts';
import { dimension, type Search, search, type Trial, trialTable } from '../../../lib/engine/train/index.ts';

const space = {
  lr: dimension.logUniform(1e-5, 1e-1),
  dropout: dimension.uniform(0, 0.5),
  layers: dimension.int(1, 4),
  pooling: dimension.choice('mean', 'max'),
};
type Space = typeof space;

/** A made-up loss with its best at lr 1e-3 and mean pooling, known better with a larger budget. */
const bowl: Search<Space>['evaluate'] = async ({ lr, pooling }, { budget, rng }) => ({
  loss: Math.abs(Math.log10(lr) + 3) + (pooling === 'mean' ? 0 : 1) + rng.uniform() / budget,
  budget,
});

const options = (differs: Partial<Search<Space>> = {}): Search<Space> => ({
  space,
  points: 18,
  budget: 2,
  rng: createRng(7),
  evaluate: bowl,
  ...differs,
});

describe('search', () => {
  it('draws points from the whole of a typed space', async () => {
    // when
    const { trials, best } = await search(options({ points: 200 }));
    // then
    expectTypeOf(best.point).toEqualTypeOf<{
      lr: number;
      dropout: number;
      layers: number;
      pooling: 'mean' | 'max';
    }>();
    const values = <K extends keyof Space>(name: K) => trials.map(({ point }) => point[name]);
    expect(new Set(values('layers'))).toEqual(new Set([1, 2, 3, 4]));
    expect(new Set(values('pooling'))).toEqual(new Set(['mean', 'max']));
    for (const lr of values('lr')) expect(lr >= 1e-5 && lr < 1e-1).toBe(true);
    const small = values('lr').filter((lr) => lr < 1e-3).length;
    expect(small).toBeGreaterThan(75);
    expect(small).toBeLessThan(125);
    expect(best.loss).toBe(Math.min(...trials.map(({ loss }) => loss!)));
  });

  it('gives another dimension and leaves the others as they were', async () => {
    const { trials } = await search(options({ points: 3 }));
    const wider = { ...space, width: dimension.int(8, 64) };
    const { trials: more } = await search({ ...options({ points: 3 }), space: wider });
    for (const [i, { point }] of more.entries()) expect(point).toMatchObject(trials[i]!.point);
  });

  it('halves: a third goes on with three times the budget, until one is left', async () => {
    // when
    const { trials, best } = await search(options({ halving: { factor: 3 } }));
    // then
    const rounds = [0, 1, 2].map((rung) => trials.filter((trial) => trial.rung === rung));
    expect(rounds.map((round) => [round.length, round[0]!.budget])).toEqual([
      [18, 2],
      [6, 6],
      [2, 18],
    ]);
    expect(trials.length).toBe(26);
    for (const rung of [0, 1]) {
      const ranked = rounds[rung]!.toSorted((a, b) => a.loss! - b.loss!).map(({ id }) => id);
      expect(rounds[rung + 1]!.map(({ id }) => id)).toEqual(ranked.slice(0, ranked.length / 3));
    }
    expect(best).toBe(rounds[2]!.toSorted((a, b) => a.loss! - b.loss!)[0]);
    expect(best.point.pooling).toBe('mean');
  });

  it('repeats, and goes on where it was stopped', async () => {
    // given a whole search, and one that is stopped after 9 trials, kept as JSON
    const whole = await search(options({ halving: { factor: 3 } }));
    const stop = new AbortController();
    let kept = '';
    const stopped = search(
      options({
        halving: { factor: 3 },
        signal: stop.signal,
        onTrial(trials) {
          kept = JSON.stringify(trials);
          if (trials.length === 9) stop.abort();
        },
      }),
    );
    await expect(stopped).rejects.toThrow(AbortedError);
    // when
    const done = JSON.parse(kept) as Trial<never>[];
    let count = 0;
    const resumed = await search(
      options({
        halving: { factor: 3 },
        done,
        evaluate: (...given) => {
          count += 1;
          return bowl(...given);
        },
      }),
    );
    // then
    expect(resumed).toEqual(whole);
    expect(count).toBe(whole.trials.length - 9);
    await expect(search(options({ rng: createRng(8), done }))).rejects.toThrow(/of another search/);
  });

  it('ranks a point that diverges last, and says so when all do', async () => {
    // given
    const evaluate: Search<Space>['evaluate'] = async (point, trial) => {
      if (trial.id % 2 === 0) throw new DivergedError('too fast');
      return trial.id % 3 === 0
        ? { loss: Number.NaN }
        : { ...(await bowl(point, trial)), accuracy: Number.NaN };
    };
    // when
    const { trials, best } = await search(options({ evaluate }));
    // then
    expect(trials.map(({ loss }) => loss === null)).toEqual(
      Array.from({ length: 18 }, (_, id) => id % 2 === 0 || id % 3 === 0),
    );
    expect(best.loss).not.toBeNull();
    expect(best.metrics).toEqual({ budget: 2 });
    const never = async () => ({ loss: Number.POSITIVE_INFINITY });
    await expect(search(options({ evaluate: never }))).rejects.toThrow(/none of the 18 points/);
    const broken = async () => Promise.reject(new Error('no such file'));
    await expect(search(options({ evaluate: broken }))).rejects.toThrow('no such file');
  });

  it('is one plain table', async () => {
    const { trials } = await search(options({ points: 2 }));
    const table = trialTable(trials);
    expect(Object.keys(table[0]!)).toEqual([
      'id',
      'rung',
      'budget',
      'loss',
      'lr',
      'dropout',
      'layers',
      'pooling',
    ]);
    expect(table.map(({ id }) => id)).toEqual([0, 1]);
  });

  it('refuses spaces and sizes that are none', async () => {
    expect(() => dimension.logUniform(0, 1)).toThrow(TrainError);
    expect(() => dimension.uniform(1, 1)).toThrow(/given 1 to 1/);
    expect(() => dimension.int(0.5, 2)).toThrow(TrainError);
    await expect(search(options({ points: 0 }))).rejects.toThrow(/points from 1/);
    await expect(search(options({ halving: { factor: 1.5 } }))).rejects.toThrow(/whole factor from 2/);
  });
});
