import { type Config, encoderSizes } from '../../config/index.ts';
import { isSpaceless, roundedLength } from '../../engine/text/index.ts';
import { FEW_TOKENS, VERY_FEW_TOKENS } from '../candidates/index.ts';
import type { EncoderToMake } from '../shared/index.ts';

/** A pretraining reads about so many tokens in all, within the bounds of its passes. */
const TOKENS_READ = 8_000_000;
const PASSES = [3, 30] as const;

/** Word pieces of a row: as many as this share of the rows fit in, and no more than a small encoder has use for. */
const FITTING = 0.9;
const LONGEST = 96;
const SHORTEST = 16;
/** Word pieces of a word, as a small vocabulary cuts them, and those around a text and between its parts. */
const PIECES_A_WORD = 1.2;
const SPECIAL = 4;

const OWN = { heads: 4, epochs: 0 };
/** The fewer texts, the more passes over them there is time for, and the larger the encoder may be; very few fill none. */
const SIZES = {
  veryFew: { layers: 2, width: 64, vocabulary: 1000, learningRate: 1e-3, tokensPerBatch: 512 },
  few: { layers: 3, width: 128, vocabulary: 3000, learningRate: 1e-3, tokensPerBatch: 2048 },
  many: { layers: 2, width: 96, vocabulary: 5000, learningRate: 2e-3, tokensPerBatch: 4096, hidden: 192 },
};
/** Where characters are pieces, there are many of them, and few of them join. */
const CHARACTERS = 6000;

/** Words, numbers and signs, each character of a script without spaces by itself: about what a tokenizer makes of a text. */
const PIECES =
  /[\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}\p{sc=Thai}\p{sc=Lao}\p{sc=Khmer}\p{sc=Myanmar}]|[\p{L}\p{M}\p{N}]+?(?=[^\p{L}\p{M}\p{N}]|$)|[^\s]/gu;

/** Sizes of an encoder that is made from some texts: those that the config gives, the others by how much text there is. */
export function sizesFor(
  texts: readonly string[],
  given: Exclude<NonNullable<Config['text']>['encoder'], string>,
  longest?: number,
): EncoderToMake & { readonly characters: boolean } {
  const characters = isSpaceless(texts);
  const lengths = Float64Array.from(
    texts,
    (text) => (text.match(PIECES)?.length ?? 0) * (characters ? 1 : PIECES_A_WORD) + SPECIAL,
  ).sort();
  const maxLength = longest ?? usualLength(lengths);
  const tokens = lengths.reduce((sum, length) => sum + Math.min(length, maxLength), 0);
  const { tokensPerBatch, hidden, ...usual } = {
    hidden: undefined,
    ...SIZES[tokens < VERY_FEW_TOKENS ? 'veryFew' : tokens < FEW_TOKENS ? 'few' : 'many'],
  };
  const [fewest, most] = PASSES;
  const epochs = Math.min(most, Math.max(fewest, Math.round(TOKENS_READ / Math.max(1, tokens))));
  const vocabulary = characters ? CHARACTERS : usual.vocabulary;
  const sizes = encoderSizes({ ...OWN, ...usual, epochs, vocabulary }, given);
  return {
    // A width that is given alone keeps the usual feed-forward part; heads that are given divide the usual width.
    encoder: {
      ...sizes,
      width: given.width ?? sizes.heads * Math.ceil(sizes.width / sizes.heads),
      ...(hidden !== undefined && given.width === undefined ? { hidden } : {}),
      tokensPerBatch,
    },
    maxLength,
    characters,
  };
}

function usualLength(sorted: Float64Array): number {
  const most = sorted[Math.floor(FITTING * (sorted.length - 1))] ?? SHORTEST;
  return Math.max(SHORTEST, Math.min(LONGEST, roundedLength(Math.ceil(most))));
}
