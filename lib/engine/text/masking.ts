import type { Rng } from '../host/index.ts';
import type { EncodedTexts, TextTokenizer } from './tokenizer.ts';

/** Share of the tokens that are to be told (Devlin et al. 2019, section 3.1). */
const SHARE = 0.15;
/** Of these, shown as [MASK]; as many as half of the rest are shown as another token, the others as they are. */
const HIDDEN = 0.8;

/** A batch to learn from: `ids` shows some tokens hidden or changed, the other arrays say what they were. */
export interface MaskedTexts {
  readonly ids: Int32Array;
  /** Places of the rectangle, row by row. */
  readonly positions: Int32Array;
  readonly labels: Int32Array;
  /** 1, or 0 where there are fewer places than asked for. */
  readonly weights: Float32Array;
}

/** Places that a batch of a shape has to tell: a few more than the share, since words are hidden whole. */
export const maskedPlaces = (batch: number, length: number): number =>
  Math.max(1, Math.ceil(batch * length * SHARE * 1.1));

/** Which tokens begin a word: all but `##` pieces, or those with the blank that byte-level and SentencePiece vocabularies spell out. */
export function wordStarts(tokenizer: TextTokenizer): Uint8Array {
  const tokens = Array.from({ length: tokenizer.size }, (_, id) => tokenizer.token(id) ?? '');
  if (tokens.some((token) => /^##./.test(token)))
    return Uint8Array.from(tokens, (token) => (token.startsWith('##') ? 0 : 1));
  const spelt = tokens.some((token) => /^[Ġ▁]/.test(token));
  return Uint8Array.from(tokens, (token) => (spelt && !/^[Ġ▁]/.test(token) ? 0 : 1));
}

export interface MaskingOptions {
  readonly maskId: number;
  /** Ids that may stand in for others. */
  readonly replacements: Int32Array;
  readonly starts: Uint8Array;
  /** Tokens before and after every text that are never hidden. */
  readonly before: number;
  readonly after: number;
}

/**
 * Hides whole words of each row until about 15 % of its tokens are hidden, one word at the least.
 * @param places length of what is returned; words beyond it stay as they are
 */
export function maskWords(
  { ids, lengths, length }: EncodedTexts,
  rowWeights: Float32Array,
  places: number,
  { maskId, replacements, starts, before, after }: MaskingOptions,
  rng: Rng,
): MaskedTexts {
  const shown = ids.slice();
  const positions = new Int32Array(places);
  const labels = new Int32Array(places);
  const weights = new Float32Array(places);
  let count = 0;
  for (let row = 0; row < lengths.length; row++) {
    const first = row * length + before;
    const last = row * length + lengths[row]! - after;
    if (rowWeights[row] === 0 || last <= first) continue;
    const words: number[] = [];
    for (let at = first; at < last; at++) if (at === first || starts[ids[at]!]) words.push(at);
    let wanted = Math.max(1, Math.floor((last - first) * SHARE + rng.uniform()));
    for (const word of rng.permutation(words.length)) {
      const from = words[word]!;
      const to = words[word + 1] ?? last;
      if (wanted <= 0 || count + to - from > places) break;
      wanted -= to - from;
      for (let at = from; at < to; at++) {
        positions[count] = at;
        labels[count] = ids[at]!;
        weights[count++] = 1;
        const fate = rng.uniform();
        if (fate < HIDDEN) shown[at] = maskId;
        else if (fate < (1 + HIDDEN) / 2) shown[at] = replacements[rng.integer(replacements.length)]!;
      }
    }
  }
  return { ids: shown, positions, labels, weights };
}
