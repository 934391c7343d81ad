import { Tokenizer } from '@huggingface/tokenizers';
import { TextError } from './errors.ts';

/** Token ids of several texts one after the other: those of text i stand at offsets[i] to offsets[i + 1]. */
export interface TokenizedTexts {
  readonly ids: Int32Array;
  /** (texts + 1) */
  readonly offsets: Int32Array;
}

/** What is used of the library's tokenizer; its own types do not resolve under NodeNext. */
interface HubTokenizer {
  encode(text: string, options?: { add_special_tokens?: boolean }): { ids: number[] };
  decode(ids: number[], options: { skip_special_tokens: boolean }): string;
  get_vocab(withAddedTokens: boolean): Map<string, number>;
  token_to_id(token: string): number | undefined;
  id_to_token(id: number): string | undefined;
}

/** A batch of texts as a rectangle. */
export interface EncodedTexts {
  /** (texts, length), filled up with the padding id. */
  readonly ids: Int32Array;
  /** (texts, length), 1 for tokens and 0 for padding. */
  readonly mask: Int32Array;
  /** Tokens of each text, special ones included. */
  readonly lengths: Int32Array;
  /** Columns: the longest text's tokens, or what was asked for. */
  readonly length: number;
}

export interface TokenizeOptions {
  /** Texts are cut to so many tokens, special ones included (those are kept). Not cut by default. */
  readonly maxLength?: number;
  /** Columns of the rectangle; the longest text's by default. */
  readonly length?: number;
}

/**
 * Text to token ids, as a hub folder's tokenizer.json says (Hugging Face `tokenizers`: WordPiece, BPE, Unigram), with
 * the special tokens its post-processor puts around a single text.
 */
export class TextTokenizer {
  /** The id that fills up; of a tokenizer without one 0, which the mask hides anyway. */
  readonly padId: number;
  /** The id that hides a token in masked-token pretraining, where the tokenizer has one. */
  readonly maskId: number | undefined;
  /** One more than the highest id. */
  readonly size: number;
  /** What stands before and after every text. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  /** Length limit that the files state, special tokens included. */
  readonly statedLength: number | undefined;
  readonly #tokenizer: HubTokenizer;

  /**
   * @param json tokenizer.json
   * @param config tokenizer_config.json; what it says of special tokens goes before what their usual names say
   * @throws TextError when the tokenizer cannot be read
   */
  constructor(json: object, config: object = {}) {
    try {
      this.#tokenizer = new Tokenizer(
        { ...json, normalizer: knownNormalizer(field(json, 'normalizer')) },
        config,
      );
      const vocabulary = this.#tokenizer.get_vocab(true);
      this.size = 0;
      for (const id of vocabulary.values()) this.size = Math.max(this.size, id + 1);
      [this.prefix, this.suffix] = this.#template(vocabulary);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new TextError(`tokenizer.json cannot be used: ${message}`, { cause });
    }
    const special = (key: 'pad' | 'mask', usual: readonly string[]) =>
      [tokenText(field(config, `${key}_token`)), ...usual]
        .map((name) => (name === undefined ? undefined : this.#tokenizer.token_to_id(name)))
        .find((id) => id !== undefined);
    const stated = field(field(json, 'padding'), 'pad_id');
    this.padId = special('pad', ['[PAD]', '<pad>']) ?? (typeof stated === 'number' ? stated : 0);
    this.maskId = special('mask', ['[MASK]', '<mask>']);
    this.statedLength = smallest([
      field(config, 'model_max_length'),
      field(field(json, 'truncation'), 'max_length'),
    ]);
  }

  /** Ids of texts one after the other, special tokens included. @throws TextError when maxLength leaves no room for text */
  tokenize(
    texts: readonly string[],
    { maxLength = Number.POSITIVE_INFINITY }: TokenizeOptions = {},
  ): TokenizedTexts {
    const room = maxLength - this.prefix.length - this.suffix.length;
    if (!(room >= 1)) {
      throw new TextError(
        `maxLength ${maxLength} leaves no room for text: ${this.prefix.length + this.suffix.length} tokens are special`,
      );
    }
    const offsets = new Int32Array(texts.length + 1);
    let ids = new Int32Array(Math.max(64, texts.length * 16));
    let end = 0;
    texts.forEach((text, i) => {
      const own = this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
      const kept = Math.min(own.length, room);
      const needed = end + this.prefix.length + kept + this.suffix.length;
      if (needed > ids.length) {
        const grown = new Int32Array(Math.max(needed, 2 * ids.length));
        grown.set(ids);
        ids = grown;
      }
      for (const id of this.prefix) ids[end++] = id;
      for (let t = 0; t < kept; t++) ids[end++] = own[t]!;
      for (const id of this.suffix) ids[end++] = id;
      offsets[i + 1] = end;
    });
    return { ids: ids.slice(0, end), offsets };
  }

  /** A padded batch. @throws TextError when a text does not fit `length` */
  encode(texts: readonly string[], options: TokenizeOptions = {}): EncodedTexts {
    const rows = Int32Array.from(texts, (_, i) => i);
    const tokenized = this.tokenize(texts, options);
    let longest = 1;
    for (let i = 0; i < texts.length; i++) longest = Math.max(longest, lengthOf(tokenized, i));
    return padRows(tokenized, rows, options.length ?? longest, this.padId);
  }

  /** The text of ids, without special tokens. */
  decode(ids: ArrayLike<number>): string {
    return this.#tokenizer.decode(Array.from(ids), { skip_special_tokens: true });
  }

  /** The token of an id as the vocabulary spells it (`##ing`, `Ġthe`, `▁the`). */
  token(id: number): string | undefined {
    return this.#tokenizer.id_to_token(id);
  }

  /** The special tokens around a text: what the post-processor adds to a token of the vocabulary. */
  #template(vocabulary: ReadonlyMap<string, number>): [number[], number[]] {
    const plain = (text: string) => this.#tokenizer.encode(text, { add_special_tokens: false }).ids;
    for (const probe of ['a', '0', '.', ...vocabulary.keys()]) {
      const own = plain(probe);
      if (own.length === 0) continue;
      const { ids } = this.#tokenizer.encode(probe);
      const start = ids.findIndex((_, at) => own.every((id, t) => ids[at + t] === id));
      if (start >= 0) return [ids.slice(0, start), ids.slice(start + own.length)];
    }
    throw new TextError('no text leads to a token');
  }
}

export const lengthOf = ({ offsets }: TokenizedTexts, text: number): number =>
  offsets[text + 1]! - offsets[text]!;

/**
 * Rows of ragged texts as a rectangle of `length` columns.
 * @throws TextError when a row is longer
 */
export function padRows(
  texts: TokenizedTexts,
  rows: Int32Array,
  length: number,
  padId: number,
): EncodedTexts {
  const ids = new Int32Array(rows.length * length).fill(padId);
  const mask = new Int32Array(rows.length * length);
  const lengths = new Int32Array(rows.length);
  rows.forEach((row, i) => {
    const own = texts.ids.subarray(texts.offsets[row]!, texts.offsets[row + 1]!);
    if (own.length > length) {
      throw new TextError(`a text of ${own.length} tokens does not fit ${length} columns; give maxLength`);
    }
    ids.set(own, i * length);
    mask.fill(1, i * length, i * length + own.length);
    lengths[i] = own.length;
  });
  return { ids, mask, lengths, length };
}

/** A member of JSON that may be of any form. */
export function field(json: unknown, name: string): unknown {
  return json !== null && typeof json === 'object' ? (json as Record<string, unknown>)[name] : undefined;
}

/**
 * SentencePiece's NMT normaliser, which the library does not know, as replacements that it does: some control characters
 * go, further kinds of white space become blanks.
 */
function knownNormalizer(normalizer: unknown): unknown {
  const parts = field(normalizer, 'normalizers');
  if (Array.isArray(parts)) return { ...(normalizer as object), normalizers: parts.map(knownNormalizer) };
  if (field(normalizer, 'type') !== 'Nmt') return normalizer;
  const replace = (Regex: string, content: string) => ({ type: 'Replace', pattern: { Regex }, content });
  return {
    type: 'Sequence',
    normalizers: [
      replace('[\\u0001-\\u0008\\u000B\\u000E-\\u001F\\u007F\\u008F\\u009F]', ''),
      replace('[\\u0009\\u000A\\u000C\\u000D\\u1680\\u200B-\\u200F\\u2028\\u2029\\u2581\\uFEFF\\uFFFD]', ' '),
    ],
  };
}

/** A token stands as text or as { content }. */
function tokenText(token: unknown): string | undefined {
  const text = typeof token === 'string' ? token : field(token, 'content');
  return typeof text === 'string' ? text : undefined;
}

/** Lengths of 10^30 stand for none. */
export function smallest(lengths: readonly unknown[]): number | undefined {
  const stated = lengths.filter((n): n is number => typeof n === 'number' && n >= 1 && n < 1e6);
  return stated.length > 0 ? Math.min(...stated) : undefined;
}
