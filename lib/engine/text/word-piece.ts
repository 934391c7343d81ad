import { Tokenizer } from '@huggingface/tokenizers';
import { TextError } from './errors.ts';
import { PairCounts } from './pair-counts.ts';
import { isSpaceless, SPACELESS } from './scripts.ts';

export interface WordPieceOptions {
  /** Tokens of the vocabulary, special ones included; fewer where the texts do not hold as many pairs. */
  readonly size: number;
  /** Pairs seen less often are not joined. 2 */
  readonly leastCount?: number;
  /** The most frequent characters are kept; words with others become [UNK]. 1000, of scripts without spaces 3/4 of the size */
  readonly characters?: number;
  /** true */
  readonly lowerCase?: boolean;
  /**
   * Every character of a script without spaces between words is a piece of its own, and marks above and below letters, which are vowels
   * and tones there, are kept. Default: where the texts are written so, see `isSpaceless`.
   */
  readonly splitCharacters?: boolean;
  /** Special tokens included; written to tokenizer_config.json. 512 */
  readonly maxLength?: number;
}

/** The two files of a tokenizer in a hub folder. */
export interface TokenizerFiles {
  readonly tokenizer: Record<string, unknown>;
  readonly config: Record<string, unknown>;
}

/** In the order of their ids. */
const SPECIAL = { pad: '[PAD]', unk: '[UNK]', cls: '[CLS]', sep: '[SEP]', mask: '[MASK]' };

const SPECIAL_TEXT = /\[(?:PAD|UNK|CLS|SEP|MASK)\]/;

const PREFIX = '##';

/** Share of the vocabulary that may be characters where they are pieces: a page of Chinese has more than a thousand. */
const SPACELESS_CHARACTERS = 0.75;

/** Longer words are [UNK] to readers of the file. */
const LONGEST_WORD = 100;

/** What readers call by these names in both libraries. */
interface Splitter {
  readonly normalizer: { normalize(text: string): string };
  readonly pre_tokenizer: { pre_tokenize(text: string): string[] };
}

/**
 * A WordPiece tokenizer learned from texts (training texts only: a vocabulary is fitted like a weight). Words are split into
 * characters, then the pair of neighbours that is seen most often is joined, again and again (Sennrich, Haddow, Birch 2016,
 * "Neural machine translation of rare words with subword units", algorithm 1), ties by the order of the symbols, so equal
 * texts in any order give equal files. Reading takes the longest pieces first (Wu et al. 2016, section 4.1).
 * @throws TextError when the size does not hold the special tokens and characters, or no text has a word
 */
export function trainWordPiece(texts: Iterable<string>, options: WordPieceOptions): TokenizerFiles {
  const all = [...texts];
  const { size, leastCount = 2, lowerCase = true, maxLength = 512 } = options;
  const { splitCharacters = isSpaceless(all) } = options;
  const { characters = splitCharacters ? Math.floor(size * SPACELESS_CHARACTERS) : 1000 } = options;
  const special = Object.values(SPECIAL);
  const form = { lowerCase, maxLength, splitCharacters };
  const counts = countWords(all, splitterOf(files(special, form)));
  if (counts.size === 0) throw new TextError('no text has a word to learn a vocabulary from');
  const alphabet = commonCharacters(counts, characters);
  const words = [...counts]
    .map(([word, count]) => ({ letters: [...word], count }))
    .filter(
      ({ letters }) => letters.length <= LONGEST_WORD && letters.every((letter) => alphabet.has(letter)),
    );

  const symbols: string[] = [];
  const idOf = new Map<string, number>();
  const symbol = (text: string): number => {
    const known = idOf.get(text);
    if (known !== undefined) return known;
    idOf.set(text, symbols.length);
    return symbols.push(text) - 1;
  };
  const first = words.map(({ letters }) =>
    letters.map((letter, at) => (at === 0 ? letter : PREFIX + letter)),
  );
  for (const text of [...new Set(first.flat())].sort()) symbol(text);
  const room = size - special.length;
  if (symbols.length > room) {
    throw new TextError(
      `a vocabulary of ${size} does not hold the ${special.length} special tokens and ${symbols.length} characters; ask for more, or for fewer characters`,
    );
  }
  const pairs = new PairCounts(
    first.map((letters) => letters.map(symbol)),
    words.map(({ count }) => count),
  );
  while (symbols.length < room) {
    const pair = pairs.mostFrequent(leastCount);
    if (!pair) break;
    const [left, right] = pair;
    pairs.join(left, right, symbol(symbols[left]! + symbols[right]!.slice(PREFIX.length)));
  }
  return files([...special, ...symbols], form);
}

function countWords(texts: Iterable<string>, { normalizer, pre_tokenizer }: Splitter): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    // special tokens are found before words are, and are none
    for (const part of text.split(SPECIAL_TEXT)) {
      for (const word of pre_tokenizer.pre_tokenize(normalizer.normalize(part))) {
        counts.set(word, (counts.get(word) ?? 0) + 1);
      }
    }
  }
  // An order of its own, so that the order of the texts does not show.
  return new Map([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

function commonCharacters(words: ReadonlyMap<string, number>, most: number): Set<string> {
  const counts = new Map<string, number>();
  for (const [word, count] of words) {
    for (const letter of word) counts.set(letter, (counts.get(letter) ?? 0) + count);
  }
  const byCount = [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  return new Set(byCount.slice(0, most).map(([letter]) => letter));
}

/** Texts are split for learning by the very code that will split them for reading. */
function splitterOf({ tokenizer, config }: TokenizerFiles): Splitter {
  return new Tokenizer(tokenizer, config) as Splitter;
}

function files(
  vocabulary: readonly string[],
  {
    lowerCase,
    maxLength,
    splitCharacters,
  }: Required<Pick<WordPieceOptions, 'lowerCase' | 'maxLength' | 'splitCharacters'>>,
): TokenizerFiles {
  const words = { type: 'BertPreTokenizer' };
  const special = Object.values(SPECIAL);
  const around = (token: string) => ({ SpecialToken: { id: token, type_id: 0 } });
  const sequence = { Sequence: { id: 'A', type_id: 0 } };
  const second = { Sequence: { id: 'B', type_id: 1 } };
  const single = [around(SPECIAL.cls), sequence, around(SPECIAL.sep)];
  return {
    tokenizer: {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: special.map((content, id) => ({
        id,
        content,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
        special: true,
      })),
      normalizer: {
        type: 'BertNormalizer',
        clean_text: true,
        handle_chinese_chars: true,
        strip_accents: splitCharacters ? false : null,
        lowercase: lowerCase,
      },
      pre_tokenizer: splitCharacters
        ? {
            type: 'Sequence',
            pretokenizers: [
              words,
              { type: 'Split', pattern: { Regex: SPACELESS }, behavior: 'Isolated', invert: false },
            ],
          }
        : words,
      post_processor: {
        type: 'TemplateProcessing',
        single,
        pair: [...single, second, { SpecialToken: { id: SPECIAL.sep, type_id: 1 } }],
        special_tokens: Object.fromEntries(
          [SPECIAL.cls, SPECIAL.sep].map((id) => [id, { id, ids: [special.indexOf(id)], tokens: [id] }]),
        ),
      },
      decoder: { type: 'WordPiece', prefix: PREFIX, cleanup: true },
      model: {
        type: 'WordPiece',
        unk_token: SPECIAL.unk,
        continuing_subword_prefix: PREFIX,
        max_input_chars_per_word: LONGEST_WORD,
        vocab: Object.fromEntries(vocabulary.map((token, id) => [token, id])),
      },
    },
    config: {
      tokenizer_class: 'BertTokenizer',
      do_lower_case: lowerCase,
      model_max_length: maxLength,
      ...Object.fromEntries(Object.entries(SPECIAL).map(([name, token]) => [`${name}_token`, token])),
    },
  };
}
