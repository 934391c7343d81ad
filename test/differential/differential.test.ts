import { describe, expect, it } from 'vitest';
import { check } from './check.ts';
import { generate } from './generate.ts';
import { FAST_SEEDS, SEEDS } from './seeds.ts';
import { SHAPES } from './shapes.ts';

describe('generated files are read as another program reads them', () => {
  it(`the first ${FAST_SEEDS.length}: the same rows with the same values, or both refuse`, async () => {
    // given / when files of seeds, read by Nightjar and by the script in reading/
    const { faults, files, refused, rows } = await check(FAST_SEEDS);
    // then
    expect(faults.join('\n\n')).toBe('');
    expect(files).toBe(FAST_SEEDS.length);
    expect(refused).toBeGreaterThan(0);
    expect(rows).toBeGreaterThan(5 * FAST_SEEDS.length);
  }, 300_000);

  it('they hold every shape that they are meant to hold', () => {
    // given
    const missing = new Set(Object.keys(SHAPES));
    // when
    for (const seed of SEEDS) {
      const one = generate(seed);
      for (const shape of missing) if (SHAPES[shape]!(one)) missing.delete(shape);
      if (missing.size === 0) break;
    }
    // then
    expect([...missing]).toEqual([]);
  });

  it('a seed gives the same file each time', () => {
    for (const seed of [1, 2, 3, 4, 5]) expect(generate(seed)).toEqual(generate(seed));
  });
});
