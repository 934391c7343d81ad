import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng, TrainError } from '../../../lib/engine/host/index.ts';
import { philox } from '../../../lib/engine/host/rng.ts';

const hex = (words: Uint32Array) => [...words].map((word) => word.toString(16).padStart(8, '0')).join(' ');

describe('Philox4x32-10', () => {
  it('equals the known answers published with Random123', () => {
    // given counters and keys of all zeros, all ones and the digits of pi
    const out = new Uint32Array(4);
    // when / then
    philox(0, 0, 0, 0, [0, 0], out);
    expect(hex(out)).toBe('6627e8d5 e169c58d bc57ac4c 9b00dbd8');
    philox(0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, [0xffffffff, 0xffffffff], out);
    expect(hex(out)).toBe('408f276d 41c83b0e a20bc7c6 6d5451fd');
    philox(0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, [0xa4093822, 0x299f31d0], out);
    expect(hex(out)).toBe('d16cfe09 94fdcceb 5001e420 24126ea1');
  });
});

describe('streams', () => {
  it('continue exactly from a state, wherever it was taken', () => {
    fc.assert(
      fc.property(fc.nat(50), fc.string(), (skip, name) => {
        // given
        const rng = createRng(7).fork(name);
        rng.uniforms(skip);
        const state = JSON.parse(JSON.stringify(rng.state()));
        const expected = [rng.normal(), rng.integer(1000), rng.uniform()];
        // when
        const resumed = createRng(7).fork(name);
        resumed.restore(state);
        // then
        expect([resumed.normal(), resumed.integer(1000), resumed.uniform()]).toEqual(expected);
      }),
      { seed: 1 },
    );
  });

  it('differ by seed and name, and forking does not advance', () => {
    // given
    const draws = (rng = createRng(1)) => Array.from({ length: 4 }, () => rng.word());
    const parent = createRng(1);
    // when
    const forks = [
      parent.fork('a'),
      parent.fork('b'),
      parent.fork('a').fork('a'),
      createRng(2).fork('a'),
      createRng('1x'),
    ];
    // then
    const seen = new Set([draws(parent), ...forks.map(draws)].map(String));
    expect(seen.size).toBe(6);
    expect(draws(createRng(1))).toEqual(draws(createRng('1')));
    expect(draws(createRng(1).fork('a'))).toEqual(draws(parent.fork('a')));
  });

  it('a state of another stream is refused', () => {
    expect(() => createRng(1).restore(createRng(2).state())).toThrow(TrainError);
    const state = createRng(1).state();
    expect(() => createRng(1).restore({ ...state, counter: -1 })).toThrow(/whole number from 0/);
  });
});

describe('distributions', () => {
  const moments = (values: Float32Array) => {
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    return { mean, variance };
  };

  it('uniform, normal and dropout have their mean and variance', () => {
    // given 100,000 draws each: standard errors below 0.004
    const rng = createRng(11);
    // when
    const uniform = moments(rng.uniforms(100_000, -1, 3));
    const normal = moments(rng.normals(100_000, 2, 5));
    const mask = rng.dropoutMask(100_000, 0.3);
    // then
    expect(uniform.mean).toBeCloseTo(1, 1);
    expect(uniform.variance).toBeCloseTo(16 / 12, 1);
    expect(normal.mean).toBeCloseTo(5, 1);
    expect(Math.sqrt(normal.variance)).toBeCloseTo(2, 1);
    expect(moments(mask).mean).toBeCloseTo(1, 1);
    expect(new Set(mask)).toEqual(new Set([0, Math.fround(1 / 0.7)]));
  });

  it('integers stay below n and cover it evenly', () => {
    // given
    const rng = createRng(5);
    const counts = new Float64Array(7);
    // when
    for (let i = 0; i < 70_000; i++) counts[rng.integer(7)]! += 1;
    // then: chi-square of 6 degrees of freedom, 22.5 at one in a thousand
    const chi2 = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(chi2).toBeLessThan(22.5);
    expect(() => rng.integer(0)).toThrow(TrainError);
    expect(() => rng.dropoutMask(1, 1)).toThrow(/\[0, 1\)/);
  });

  it('a permutation holds every index once', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(), (n, seed) => {
        const order = createRng(seed).permutation(n);
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: n }, (_, i) => i));
      }),
      { seed: 2 },
    );
  });
});
