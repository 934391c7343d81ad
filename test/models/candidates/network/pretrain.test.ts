import { describe, expect, it } from 'vitest';
import { createRng } from '../../../../lib/engine/host/index.ts';
import { pretrainEncoder } from '../../../../lib/models/candidates/network/visits/pretrain.ts';
import { VISIT_FIELDS, visitTableSize } from '../../../../lib/models/candidates/network/visits/visit-ids.ts';
import { vocabulary } from './small.ts';

const LENGTH = 8;
const ROWS = 96;
const shape = { ids: visitTableSize(vocabulary), width: 16, layers: 1, heads: 2 };
const ITEM = 69;

/** Users who always take tea or always cups, often or seldom: what a hidden visit held, the others tell. */
function tastes(): { tokens: Int32Array; lengths: Int32Array } {
  const rng = createRng('tastes');
  const tokens = new Int32Array(ROWS * LENGTH * VISIT_FIELDS);
  const lengths = Int32Array.from({ length: ROWS }, () => 4 + rng.integer(LENGTH - 3));
  for (let row = 0; row < ROWS; row++) {
    const item = rng.integer(2);
    for (let i = 0; i < lengths[row]!; i++) {
      const at = (row * LENGTH + i) * VISIT_FIELDS;
      tokens.set(
        [6, 12 + item, 21 + item, 38, 46, 54 + rng.integer(8), 62 + rng.integer(7), ITEM + 1 + item],
        at,
      );
    }
  }
  return { tokens, lengths };
}

const options = { steps: 60, batchSize: 64, learningRate: 0.01, threads: 1, seed: 5 };

describe('pretraining', () => {
  it('learns to fill in hidden visits from the others, the same way every time', async () => {
    // given
    const { tokens, lengths } = tastes();
    // when
    const first = await pretrainEncoder(tokens, lengths, LENGTH, vocabulary, shape, options);
    const second = await pretrainEncoder(tokens, lengths, LENGTH, vocabulary, shape, options);
    // then: of four fields three depend on the taste, which is told by chance half of the time: 3 log 2
    const losses = first.curve.map(({ trainLoss }) => trainLoss);

    expect(losses[0]).toBeGreaterThan(3 * Math.log(2));
    expect(losses.at(-1)).toBeLessThan(1);
    expect(second.curve).toEqual(first.curve);
    expect(second.parameters).toEqual(first.parameters);
    expect(Object.keys(first.parameters)).toContain('tokens.table');
    expect(first.parameters['tokens.table']).toHaveLength(shape.ids * shape.width);
  });

  it('has nothing to learn from users of one visit, or in no steps', async () => {
    const { tokens, lengths } = tastes();
    const ones = lengths.map(() => 1);
    const none = { parameters: {}, curve: [] };
    expect(await pretrainEncoder(tokens, ones, LENGTH, vocabulary, shape, options)).toEqual(none);
    expect(
      await pretrainEncoder(tokens, lengths, LENGTH, vocabulary, shape, { ...options, steps: 0 }),
    ).toEqual(none);
  });
});
