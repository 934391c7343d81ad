import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { bprStep } from '../../../lib/engine/recommend/bpr.ts';
import {
  bprFactors,
  type Interactions,
  implicitAls,
  itemNeighbours,
  RecommendError,
  type Recommender,
  userNeighbours,
} from '../../../lib/engine/recommend/index.ts';

const recorded = JSON.parse(readFileSync(new URL('./fixtures/recommend.json', import.meta.url), 'utf8'));
const x = sparse(recorded.x);

function sparse(dense: readonly (readonly number[])[]): Interactions {
  const start = [0];
  const item: number[] = [];
  const value: number[] = [];
  for (const row of dense) {
    row.forEach((one, i) => {
      if (one > 0) {
        item.push(i);
        value.push(one);
      }
    });
    start.push(item.length);
  }
  return {
    ...{ users: dense.length, items: dense[0]!.length, start: Int32Array.from(start) },
    ...{ item: Int32Array.from(item), value: Float64Array.from(value) },
  };
}

function scoresOf(recommender: Recommender, { users, items }: Interactions): number[][] {
  return Array.from({ length: users }, (_, user) => {
    const out = new Float64Array(items);
    recommender.scores(user, out);
    return [...out];
  });
}

function expectClose(ours: readonly (readonly number[])[], theirs: readonly (readonly number[])[]) {
  expect(ours).toHaveLength(theirs.length);
  theirs.forEach((row, r) => {
    row.forEach((value, c) => {
      expect(ours[r]![c]).toBeCloseTo(value, 9);
    });
  });
}

/** Two blocks of users, each with items of its own, and one item that all have. */
const blocks = sparse(
  Array.from({ length: 40 }, (_, u) =>
    Array.from({ length: 21 }, (_, i) => {
      if (i === 20) return 1;
      const own = i < 10 === u < 20;
      return own && (u + i) % 3 > 0 ? 1 : 0;
    }),
  ),
);

/** Of all pairs of a missing item of the user's block and one of the other block, the share in the right order. */
function orderOfBlocks(recommender: Recommender): number {
  let [right, all] = [0, 0];
  scoresOf(recommender, blocks).forEach((scores, u) => {
    const had = new Set(blocks.item.subarray(blocks.start[u]!, blocks.start[u + 1]!));
    const ofBlock = (first: boolean) =>
      Array.from({ length: 20 }, (_, i) => i).filter((i) => i < 10 === first && !had.has(i));
    for (const i of ofBlock(u < 20)) {
      for (const j of ofBlock(u >= 20)) {
        all++;
        if (scores[i]! > scores[j]!) right++;
      }
    }
  });
  return right / all;
}

describe('neighbours', () => {
  it.each(['cosine', 'pearson', 'euclidean'] as const)(
    'score as scikit-learn and numpy do: %s',
    (similarity) => {
      const options = { similarity, shrink: recorded.shrink, neighbours: recorded.neighbours };
      expectClose(scoresOf(itemNeighbours(x, options), x), recorded.scores[similarity].items);
      expectClose(scoresOf(userNeighbours(x, options), x), recorded.scores[similarity].users);
    },
  );

  it('know the blocks of a planted matrix', () => {
    const options = { similarity: 'cosine', neighbours: 8 } as const;
    expect(orderOfBlocks(itemNeighbours(blocks, options))).toBe(1);
    expect(orderOfBlocks(userNeighbours(blocks, options))).toBe(1);
  });
});

describe('implicit ALS', () => {
  it('ends where numpy ends from the same start', () => {
    const { start, scores, ...options } = recorded.als;
    // given draws that are those of the recording
    const rng = createRng(1);
    rng.normals = () => Float32Array.from(start);
    expectClose(scoresOf(implicitAls(x, { ...options, rng }), x), scores);
  });

  it('knows the blocks of a planted matrix, the same each time', () => {
    const fit = () =>
      implicitAls(blocks, { factors: 3, alpha: 5, regularisation: 2, iterations: 8, rng: createRng(2) });
    expect(orderOfBlocks(fit())).toBeGreaterThan(0.97);
    expect(fit().itemFactors).toEqual(fit().itemFactors);
  });
});

describe('BPR', () => {
  it('steps as numpy does', () => {
    const { factors, triples, first, users, items, bias, ...options } = recorded.bpr;
    const parts = {
      userFactors: Float64Array.from(first.users as number[]),
      itemFactors: Float64Array.from(first.items as number[]),
      itemBias: new Float64Array(bias.length),
    };
    for (const triple of triples) bprStep(parts, factors, triple, options);
    expectClose([[...parts.userFactors], [...parts.itemFactors], [...parts.itemBias]], [users, items, bias]);
  });

  it('knows the blocks of a planted matrix, and ranks what all have above what few have', () => {
    const fit = () =>
      bprFactors(blocks, {
        factors: 4,
        learningRate: 0.1,
        regularisation: 0.01,
        epochs: 60,
        rng: createRng(2),
      });
    expect(orderOfBlocks(fit())).toBeGreaterThan(0.97);
    expect(Math.max(...fit().itemBias!)).toBe(fit().itemBias![20]);
    expect(fit().userFactors).toEqual(fit().userFactors);
  });
});

describe('interactions', () => {
  it('that cannot be learnt from are refused', () => {
    const options = { similarity: 'cosine', neighbours: 3 } as const;
    expect(() => itemNeighbours({ ...x, items: 3 }, options)).toThrow(RecommendError);
    expect(() => itemNeighbours({ ...x, value: x.value.map(() => 0) }, options)).toThrow(
      'the value 0 was given; a number above 0 is expected',
    );
    expect(() => userNeighbours({ ...x, users: 3 }, options)).toThrow('one start more than users');
    expect(() => userNeighbours(x, { ...options, neighbours: 0 })).toThrow('from 1 is expected');
    const als = { factors: 2, alpha: 0, regularisation: 1, iterations: 1, rng: createRng(1) };
    expect(() => implicitAls(x, als)).toThrow('two numbers above 0');
    const bpr = { factors: 2, learningRate: 0, regularisation: 1, epochs: 1, rng: createRng(1) };
    expect(() => bprFactors(x, bpr)).toThrow('a number above 0 are expected');
  });
});
