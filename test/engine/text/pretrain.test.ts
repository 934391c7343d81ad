import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { ownEncoder, pretrainText, textEncoder } from '../../../lib/engine/text/index.ts';

/** Colour and thing go together: from one the other is told. */
function sentences(count: number): string[] {
  const rng = createRng('sentences');
  const pairs = [
    ['red', 'bag'],
    ['blue', 'tin'],
    ['white', 'candle'],
    ['green', 'bunting'],
  ];
  return Array.from({ length: count }, () => {
    const [colour, thing] = pairs[rng.integer(pairs.length)]!;
    return `${colour} ${thing} and ${colour} ${thing}`;
  });
}

const TEXTS = sentences(160);
const shape = { vocabulary: 80, layers: 1, width: 16, heads: 2, maxLength: 24 };
const options = { epochs: 6, tokensPerBatch: 256, learningRate: 0.02, seed: 3 };

describe('pretrainText', () => {
  it('learns to tell hidden words, and goes on after a stop as if there had been none', async () => {
    // given
    const { encoder } = ownEncoder(TEXTS, shape);
    const whole = await pretrainText(encoder, TEXTS, options);
    const stop = new AbortController();
    let left: Uint8Array | undefined;
    const stopped = pretrainText(encoder, TEXTS, {
      ...options,
      signal: stop.signal,
      checkpoint: {
        every: 1_000_000,
        async put(bytes) {
          left = bytes;
        },
      },
      onProgress: ({ step }) => step === 17 && stop.abort(),
    });
    await expect(stopped).rejects.toThrow();
    // when
    const resumed = await pretrainText(encoder, TEXTS, { ...options, resume: left! });
    // then
    const losses = whole.curve.map(({ trainLoss }) => trainLoss);
    expect(losses[0]).toBeGreaterThan(2);
    expect(losses.at(-1)).toBeLessThan(0.6 * losses[0]!);
    expect(resumed.curve).toEqual(whole.curve);
    expect(resumed.encoder.graph.parameters).toEqual(whole.encoder.graph.parameters);
    expect(whole.encoder.graph.parameters).not.toEqual(encoder.graph.parameters);
  });

  it('refuses a tokenizer without a mask', async () => {
    // given
    const { encoder } = ownEncoder(TEXTS, shape);
    const blind = textEncoder(encoder.graph, encoder.tokenizer);
    Object.defineProperty(blind.tokenizer, 'maskId', { value: undefined });
    // when / then
    await expect(pretrainText(blind, TEXTS, options)).rejects.toThrow(/no mask token/);
  });
});
