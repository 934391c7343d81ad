import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { padRows, TextError, TextTokenizer, trainWordPiece } from '../../../lib/engine/text/index.ts';

const fixture = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../fixtures/tokenizers/${name}.json`, import.meta.url), 'utf8'));

const rows = ({ ids, offsets }: { ids: Int32Array; offsets: Int32Array }) =>
  Array.from({ length: offsets.length - 1 }, (_, i) => Array.from(ids.subarray(offsets[i], offsets[i + 1])));

/** Small tokenizers of the published kinds; ids of Python's tokenizers 0.23. */
describe.each([
  ['bert', 'WordPiece, lower-cased', 0, 4],
  ['mpnet', "WordPiece with RoBERTa's special tokens", 1, 4],
  ['roberta', 'byte-level BPE', 1, 4],
  ['modernbert', 'byte-level BPE with added tokens', 0, 4],
  ['xlmr', 'Unigram with NMT and NFKC normalisation', 1, 4],
])('the tokenizer of %s (%s)', (name, _, padId, maskId) => {
  // given
  const { tokenizer: json, config, texts, ids, cutIds, maxLength } = fixture(name);
  const tokenizer = new TextTokenizer(json, config);

  it('gives the ids of Python’s tokenizers', () => {
    // when / then
    expect(rows(tokenizer.tokenize(texts))).toEqual(ids);
  });

  it('cuts texts as they do, special tokens kept', () => {
    // when / then
    expect(rows(tokenizer.tokenize(texts, { maxLength }))).toEqual(cutIds);
  });

  it('knows its padding and mask', () => {
    // then
    expect([tokenizer.padId, tokenizer.maskId]).toEqual([padId, maskId]);
  });
});

describe('TextTokenizer', () => {
  const { tokenizer: json, config } = fixture('roberta');
  const tokenizer = new TextTokenizer(json, config);

  it('pads a batch to its longest text, with a mask', () => {
    // when
    const { ids, mask, lengths, length } = tokenizer.encode(['gift', 'where is my parcel?']);
    // then
    expect(length).toBe(Math.max(...lengths));
    expect(ids.length).toBe(2 * length);
    expect(mask.reduce((sum, one) => sum + one, 0)).toBe(lengths[0]! + lengths[1]!);
    expect(Array.from(ids.subarray(lengths[0]!, length))).toEqual(Array(length - lengths[0]!).fill(1));
  });

  it('refuses lengths that hold no text, and texts that do not fit', () => {
    // when / then
    expect(() => tokenizer.tokenize(['gift'], { maxLength: 2 })).toThrow(
      /no room for text: 2 tokens are special/,
    );
    expect(() => tokenizer.encode(['where is my parcel?'], { length: 3 })).toThrow(TextError);
    expect(() => padRows(tokenizer.tokenize(['gift voucher']), Int32Array.of(0), 2, 1)).toThrow(
      /does not fit 2/,
    );
  });

  it('names the trouble with a tokenizer.json that is none', () => {
    // when / then
    expect(() => new TextTokenizer({ model: { type: 'Nothing' } })).toThrow(/tokenizer.json cannot be used/);
  });
});

describe('trainWordPiece', () => {
  const { trainedOn, size, leastCount, texts, ids } = fixture('own-word-piece');

  it('learns a tokenizer that Python’s tokenizers read to the same ids', () => {
    // given the ids that Python gave with the file learned from these texts
    const { tokenizer, config } = trainWordPiece(trainedOn, { size, leastCount });
    // when / then
    expect(rows(new TextTokenizer(tokenizer, config).tokenize(texts))).toEqual(ids);
  });

  it('joins the most frequent pair first', () => {
    // given "lo" stands in all words, "low" in most
    const { tokenizer } = trainWordPiece(['low low low lower lot'], { size: 14, leastCount: 1 });
    // when
    const vocabulary = Object.keys((tokenizer.model as { vocab: Record<string, number> }).vocab);
    // then: special tokens, characters in order, then what was joined; of equally frequent pairs that of the lower symbols
    expect(vocabulary.slice(5)).toEqual(['##e', '##o', '##r', '##t', '##w', 'l', 'lo', 'low', '##er']);
  });

  it('gives the same files for the texts in another order', () => {
    // when
    const again = trainWordPiece([...trainedOn].reverse(), { size, leastCount });
    // then
    expect(JSON.stringify(again)).toBe(JSON.stringify(trainWordPiece(trainedOn, { size, leastCount })));
  });

  it('makes pieces of the characters of scripts without spaces, vowels and tones kept, as Python reads them', () => {
    // given: what Python's tokenizers 0.23 gave with the file learned from these texts
    const written = ['この服はとても良いです', '这件衣服质量很好', 'ผ้าบางมากไม่ชอบ', 'good quality'];
    const { tokenizer, config } = trainWordPiece(written, { size: 100, leastCount: 1 });
    const read = new TextTokenizer(tokenizer, config);
    // when
    const pieces = written.map((text) =>
      Array.from(read.tokenize([text]).ids.slice(1, -1), (id) => read.token(id)),
    );
    // then
    expect(pieces[0]).toEqual([...written[0]!]);
    expect(pieces[1]).toEqual([...written[1]!]);
    expect(pieces[2]).toEqual([...written[2]!]);
    expect(pieces[3]).toEqual(['good', 'quality']);
    expect(rows(read.tokenize([written[2]!]))).toEqual([
      [2, 19, 25, 22, 18, 22, 16, 20, 22, 15, 23, 20, 24, 17, 21, 18, 3],
    ]);
  });

  it('learns nothing from special tokens in texts', () => {
    // given
    const { tokenizer } = trainWordPiece(['red [SEP] bag', 'bag [MASK] red'], { size: 40, leastCount: 1 });
    // when
    const vocabulary = Object.keys((tokenizer.model as { vocab: Record<string, number> }).vocab).slice(5);
    // then
    expect(vocabulary.join('')).not.toMatch(/[[\]spmk]/);
  });

  it('says what is wrong with too small a size or no texts', () => {
    // when / then
    expect(() => trainWordPiece(['abc'], { size: 6 })).toThrow(/3 characters/);
    expect(() => trainWordPiece([' '], { size: 60 })).toThrow(/no text has a word/);
  });
});
