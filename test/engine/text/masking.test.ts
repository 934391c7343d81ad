import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { TextTokenizer, trainWordPiece } from '../../../lib/engine/text/index.ts';
import { maskedPlaces, maskWords, wordStarts } from '../../../lib/engine/text/masking.ts';
import { withTypos } from '../../../lib/engine/text/typos.ts';

const BATCH = 40;
const LENGTH = 62;
const MASK = 4;

/** Rows of [CLS], 60 tokens of 1, 2 or 3 to a word, [SEP]: even ids begin words. */
function batch() {
  const rng = createRng('rows');
  const ids = new Int32Array(BATCH * LENGTH);
  for (let row = 0; row < BATCH; row++) {
    ids[row * LENGTH] = 2;
    for (let t = 1; t < LENGTH - 1; t++)
      ids[row * LENGTH + t] = 10 + 2 * rng.integer(40) + (t % 3 === 1 ? 0 : rng.integer(2));
    ids[row * LENGTH + LENGTH - 1] = 3;
  }
  const lengths = new Int32Array(BATCH).fill(LENGTH);
  return { ids, mask: new Int32Array(ids.length).fill(1), lengths, length: LENGTH };
}

const options = {
  maskId: MASK,
  replacements: Int32Array.from({ length: 80 }, (_, i) => 10 + i),
  starts: Uint8Array.from({ length: 100 }, (_, id) => (id % 2 === 0 ? 1 : 0)),
  before: 1,
  after: 1,
};

describe('maskWords', () => {
  const texts = batch();
  const weights = new Float32Array(BATCH).fill(1);
  const places = maskedPlaces(BATCH, LENGTH);
  const masked = maskWords(texts, weights, places, options, createRng(3));
  const told = Array.from(masked.positions).filter((_, i) => masked.weights[i] === 1);

  it('asks for 15 % of the tokens, and says what they were', () => {
    // then
    expect(told.length / (BATCH * 60)).toBeGreaterThan(0.14);
    expect(told.length / (BATCH * 60)).toBeLessThan(0.17);
    expect(new Set(told).size).toBe(told.length);
    told.forEach((at, i) => {
      expect(masked.labels[i]).toBe(texts.ids[at]);
    });
  });

  it('shows 80 % of them as the mask, 10 % as others, 10 % as they are, and changes nothing else', () => {
    // given
    const shown = told.map((at) => masked.ids[at]!);
    // when
    const hidden = shown.filter((id) => id === MASK).length / told.length;
    const kept = told.filter((at) => masked.ids[at] === texts.ids[at]).length / told.length;
    // then
    expect(hidden).toBeCloseTo(0.8, 1);
    expect(kept).toBeCloseTo(0.1, 1);
    const asked = new Set(told);
    texts.ids.forEach((id, at) => {
      if (!asked.has(at)) expect(masked.ids[at]).toBe(id);
    });
  });

  it('hides words whole and special tokens never', () => {
    // given
    const asked = new Set(told);
    const special = told.filter((at) => at % LENGTH === 0 || at % LENGTH === LENGTH - 1);
    // then
    expect(special).toEqual([]);
    for (const at of told) {
      const next = at + 1;
      if (next % LENGTH < LENGTH - 1 && !options.starts[texts.ids[next]!]) expect(asked.has(next)).toBe(true);
      if (at % LENGTH > 1 && !options.starts[texts.ids[at]!]) expect(asked.has(at - 1)).toBe(true);
    }
  });

  it('leaves out rows that only fill up, and draws the same for the same seed', () => {
    // given
    const first = Float32Array.from(weights, (_, row) => (row < 2 ? 1 : 0));
    // when
    const once = maskWords(texts, first, places, options, createRng(3));
    const again = maskWords(texts, first, places, options, createRng(3));
    // then
    const rows = Array.from(once.positions)
      .filter((_, i) => once.weights[i] === 1)
      .map((at) => Math.floor(at / LENGTH));
    expect(new Set(rows)).toEqual(new Set([0, 1]));
    expect(again).toEqual(once);
  });

  it('knows where words begin in each kind of vocabulary', () => {
    // given
    const { tokenizer, config } = trainWordPiece(['red redder reddest'], { size: 30, leastCount: 1 });
    const read = new TextTokenizer(tokenizer, config);
    // when
    const starts = wordStarts(read);
    // then
    starts.forEach((one, id) => {
      expect(one).toBe(read.token(id)!.startsWith('##') ? 0 : 1);
    });
    expect(starts.includes(0)).toBe(true);
  });
});

describe('withTypos', () => {
  const text = 'I want to change the address of order 12345, an old one';

  it('changes longer words alone, one error each', () => {
    // when
    const words = withTypos(text, 1, createRng(1)).split(' ');
    // then
    const before = text.split(' ');
    expect(words.length).toBe(before.length);
    before.forEach((word, i) => {
      const letters = word.replace(/[^a-z]/gi, '').length;
      if (letters < 4) expect(words[i]).toBe(word);
      else expect(Math.abs(words[i]!.length - word.length)).toBeLessThanOrEqual(1);
    });
    expect(words.filter((word, i) => word !== before[i]).length).toBeGreaterThanOrEqual(3);
  });

  it('leaves texts alone at rate 0', () => {
    // when / then
    expect(withTypos(text, 0, createRng(1))).toBe(text);
  });
});
