import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../../lib/data/index.ts';
import { createRng } from '../../../lib/engine/host/index.ts';
import { Best } from '../../../lib/models/next/best.ts';
import { neighbours, type SparseRows } from '../../../lib/models/next/co-occurrence.ts';
import { DIMENSIONS, embed } from '../../../lib/models/next/embedding.ts';
import { decodeItemTable } from '../../../lib/models/next/item-table-file.ts';

const rowsOf = (lists: readonly (readonly number[])[]): SparseRows => {
  const start = new Int32Array(lists.length + 1);
  lists.forEach((list, i) => {
    start[i + 1] = start[i]! + list.length;
  });
  return { start, column: Int32Array.from(lists.flat()) };
};

const sparseLists = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 11 }), { maxLength: 8 }), {
  minLength: 1,
  maxLength: 30,
});

describe('Best', () => {
  it('keeps what a full sort puts first, ties by number', () => {
    const scored = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 });
    fc.assert(
      fc.property(scored, fc.integer({ min: 0, max: 12 }), (scores, limit) => {
        // given scores with many ties
        const best = new Best(limit);
        const expected = scores.map((_, i) => i).sort((a, b) => scores[b]! - scores[a]! || a - b);
        for (let round = 0; round < 2; round++) {
          // when offered in another order, twice
          for (const i of scores.map((_, n) => n).reverse()) best.offer(i, scores[i]!);
          // then the same are kept
          expect(best.take()).toEqual(expected.slice(0, limit));
        }
      }),
      { seed: 1 },
    );
  });
});

describe('neighbours', () => {
  it('are those of the dense product', () => {
    fc.assert(
      fc.property(sparseLists, fc.boolean(), fc.integer({ min: 1, max: 12 }), (lists, weighted, top) => {
        // given rows, perhaps with weights
        const weights = lists.map((_, i) => (weighted ? 2 ** -(i % 5) : 1));
        const product = (i: number, j: number) =>
          lists.reduce((sum, list, r) => sum + (list.includes(i) && list.includes(j) ? weights[r]! : 0), 0);
        // when neighbours are counted
        const options = { shrink: 2, top, ...(weighted ? { weights: Float64Array.from(weights) } : {}) };
        const { start, unit, similarity } = neighbours(rowsOf(lists), 12, options);
        // then each unit has the best of its row, with the shrunk cosine
        for (let i = 0; i < 12; i++) {
          const all = Array.from({ length: 12 }, (_, j) => j)
            .filter((j) => j !== i && product(i, j) > 0)
            .map((j) => ({ j, s: product(i, j) / (Math.sqrt(product(i, i) * product(j, j)) + 2) }))
            .sort((a, b) => b.s - a.s || a.j - b.j)
            .slice(0, top);
          const found = Array.from(similarity.subarray(start[i], start[i + 1]));
          expect(found).toHaveLength(all.length);
          found.forEach((s, k) => {
            expect(s).toBeCloseTo(all[k]!.s, 6);
            const j = unit[start[i]! + k]!;
            expect(s).toBeCloseTo(product(i, j) / (Math.sqrt(product(i, i) * product(j, j)) + 2), 6);
          });
        }
      }),
      { seed: 2, numRuns: 60 },
    );
  });
});

describe('embed', () => {
  it('spans the rows of a matrix of low rank', () => {
    // given 200 rows that are mixtures of three patterns over 50 units
    const rng = createRng('low rank');
    const patterns = Array.from({ length: 3 }, () => rng.normals(50));
    const rows = Array.from({ length: 200 }, () => {
      const mix = rng.normals(3);
      return Array.from({ length: 50 }, (_, j) => patterns.reduce((sum, p, i) => sum + mix[i]! * p[j]!, 0));
    });
    const all = rowsOf(rows.map(() => Array.from({ length: 50 }, (_, j) => j)));
    // when embedded
    const basis = embed(all, Float64Array.from(rows.flat()), 50, createRng(1));
    // then projecting a row on the embedding gives the row back
    for (const row of rows.slice(0, 20)) {
      const taste = Array.from({ length: DIMENSIONS }, (_, f) =>
        row.reduce((sum, x, j) => sum + x * basis[j * DIMENSIONS + f]!, 0),
      );
      row.forEach((x, j) => {
        const back = taste.reduce((sum, t, f) => sum + t * basis[j * DIMENSIONS + f]!, 0);
        expect(back).toBeCloseTo(x, 4);
      });
    }
  });
});

describe('decodeItemTable', () => {
  it('says what to do with a file of another kind', async () => {
    // given the item table of an attribute file
    const { encodeArrow, recordBatch } = await import('../../../lib/data/index.ts');
    const bytes = encodeArrow([], [recordBatch([], [], 0)]);
    // when read
    // then the error names it
    expect(() => decodeItemTable(bytes, 'runs/x/items-y.arrow')).toThrow(DataError);
    expect(() => decodeItemTable(bytes, 'runs/x/items-y.arrow')).toThrow(/items-y.arrow.*delete it/);
  });
});
