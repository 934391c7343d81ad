import { describe, expect, it } from 'vitest';
import { BinnedTable } from '../../../lib/engine/trees/binned.ts';
import { between, findEdges } from '../../../lib/engine/trees/bins.ts';
import { Draws } from '../../../lib/engine/trees/draws.ts';
import { decodeTrees, encodeTrees, fitBoosting, predictRaw } from '../../../lib/engine/trees/index.ts';
import { Space } from '../../../lib/engine/trees/space.ts';
import { unitsOf } from '../../../lib/engine/trees/units.ts';
import { shapedTable } from './support.ts';

const { NaN: missing, POSITIVE_INFINITY: most, NEGATIVE_INFINITY: least } = Number;

describe('bins', () => {
  /** The edges and the bins of one column, the last values as rows that only follow. */
  function binned(values: Float32Array, following: Float32Array, maxBins: number) {
    const rows = values.length;
    const table = { rows, columns: 1, values, labels: new Uint8Array(rows) };
    const options = { categorical: [], smoothing: 1, binRows: 65_536, maxBins };
    const space = new Space({
      ...{ rows, followers: following.length, columns: 1, active: 1, slots: 1, scored: false, threads: 1 },
    });
    const all = new BinnedTable(table, following, options, 0);
    all.fillNumbers(space);
    const bins = new Uint8Array(space.grown.buffer, space.at.columns, rows + following.length);
    return { edges: all.edges[0]!, bins };
  }

  it('few values have one each, cut in the middle', () => {
    // given
    const values = Float32Array.of(3, 1, missing, 2, 2, 8, 1);
    // when
    const { edges, bins } = binned(values, Float32Array.of(5.5, 6, missing, least, most), 255);
    // then
    expect([...edges]).toEqual([1.5, 2.5, 5.5, most]);
    expect([...bins]).toEqual([3, 1, 0, 2, 2, 4, 1, 3, 4, 0, 1, 4]);
  });

  it('many values share bins of about as many rows, a frequent one has its own', () => {
    // given half of the rows 0, the others spread out
    const draws = new Draws(1, 'values');
    const values = Float32Array.from({ length: 10_000 }, (_, i) => (i % 2 ? 0 : draws.uniform(i) - 0.3));
    // when
    const { edges, bins } = binned(values, new Float32Array(0), 21);
    // then
    const counts = new Array<number>(edges.length + 1).fill(0);
    for (const bin of bins) counts[bin]!++;
    expect(edges.length).toBeLessThanOrEqual(21);
    expect(edges.length).toBeGreaterThan(17);
    const [frequent, ...others] = counts.filter((count) => count >= 5000);
    expect(frequent).toBeLessThan(5100);
    expect(others).toEqual([]);
    expect(Math.max(...counts.filter((count) => count < 5000))).toBeLessThan(400);
  });

  it('an edge lies at or above the lower value and below the upper, in float32', () => {
    // given neighbours, infinities and the largest numbers
    const next = (x: number): number => {
      const float = Float32Array.of(x);
      new Int32Array(float.buffer)[0]! += 1;
      return float[0]!;
    };
    const pairs: [number, number][] = [
      [1, 2],
      [1, next(1)],
      [next(1), next(next(1))],
      [0, 1e-45],
      [-1e-45, 0],
      [3e38, 3.4e38],
      [-3.4e38, 3.4e38],
      [least, 0],
      [0, most],
      [least, most],
    ].map(([a, b]) => [Math.fround(a!), Math.fround(b!)]);
    for (const [a, b] of pairs) {
      // when
      const edge = between(a, b);
      // then
      expect(Math.fround(edge)).toBe(edge);
      expect(a <= edge && edge < b).toBe(true);
    }
  });

  it('a column of nothing but missing values has one bin of values', () => {
    expect([...findEdges(Float32Array.of(missing, missing), 255)]).toEqual([most]);
  });
});

describe('units', () => {
  it.each([1, 1000, 2 ** 20, 2 ** 24])('sums of %i rows stay within 63 bits', (rows) => {
    // given the largest gradients and hessians
    const { gradient, hessian, countShift } = unitsOf(3, 0.75, rows);
    // when all rows have them
    const sum = BigInt(Math.round(0.75 / hessian)) * BigInt(rows);
    // then the sum of hessians stays below the count, and both in the word
    expect(Math.round(3 / gradient)).toBeLessThanOrEqual(2 ** 30);
    expect(sum < 1n << BigInt(countShift)).toBe(true);
    expect(sum + (BigInt(rows) << BigInt(countShift)) < 1n << 63n).toBe(true);
  });
});

describe('draws', () => {
  it('depend on seed, purpose, index and number alone', () => {
    // given
    const draws = new Draws(1, 'rows', 2);
    // when asked in another order
    const later = [draws.word(7), draws.word(3)];
    // then
    expect([draws.word(3), draws.word(7)]).toEqual(later.reverse());
    expect(new Draws(1, 'rows', 3).word(3)).not.toBe(draws.word(3));
    expect(new Draws(1, 'columns', 2).word(3)).not.toBe(draws.word(3));
    expect(new Draws(2, 'rows', 2).word(3)).not.toBe(draws.word(3));
  });

  it('are uniform, samples are different numbers and in order', () => {
    // given
    const draws = new Draws(4, 'rows');
    const counts = new Array<number>(10).fill(0);
    // when
    for (let i = 0; i < 20_000; i++) counts[draws.below(10, i)]!++;
    const sample = draws.sample(50, 20);
    // then
    expect(Math.max(...counts.map((count) => Math.abs(count - 2000)))).toBeLessThan(150);
    expect(new Set(sample).size).toBe(20);
    expect([...sample]).toEqual([...sample].sort((a, b) => a - b));
  });
});

describe('the bytes of a model', () => {
  it('come back as the model, and are refused when cut or not ours', async () => {
    // given
    const table = shapedTable(300, 3, 1, 0.1);
    const values = table.values.map((value, i) => (i % 3 === 2 ? Math.round(5 + 5 * value) : value));
    const { model } = await fitBoosting({
      ...{ ...table, values },
      options: { threads: 1, trees: 5, categorical: [2] },
    });
    // when
    const bytes = encodeTrees(model);
    const read = decodeTrees(bytes);
    // then
    expect(encodeTrees(read)).toEqual(bytes);
    expect(predictRaw(read, values)).toEqual(predictRaw(model, values));
    expect(() => decodeTrees(bytes.subarray(0, -8))).toThrow('are no trees of encodeTrees');
    expect(() => decodeTrees(bytes.subarray(0, 30))).toThrow('their header is cut off');
    expect(() => decodeTrees(Uint8Array.of(1, 2, 3))).toThrow('they do not begin with NJTREES1');
    expect(() => decodeTrees(Uint8Array.of(...bytes, 0))).toThrow('are expected');
  });
});
