/**
 * Characters of scripts that put no spaces between words: Thai, Lao, Myanmar, Khmer, Japanese kana, Chinese characters (also those of
 * Japanese). Written out as ranges, which every reader of a tokenizer.json understands.
 */
const RANGES = [
  [0x0e00, 0x0eff],
  [0x1000, 0x109f],
  [0x1780, 0x17ff],
  [0x3005, 0x3007],
  [0x3040, 0x30ff],
  [0x31f0, 0x31ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xf900, 0xfaff],
  [0xff66, 0xff9f],
  [0x20000, 0x323af],
] as const;

/** A pattern that one such character fits; with the flag u. */
export const SPACELESS = `[${RANGES.map((range) => range.map((code) => String.fromCodePoint(code)).join('-')).join('')}]`;

const ONE = new RegExp(SPACELESS, 'gu');
const LETTER = /\p{L}/gu;

/** From this share of the letters on, texts are taken to be written without spaces. */
const SHARE = 0.05;

/** Are texts written in a script without spaces between words, to a share that counts? */
export function isSpaceless(texts: Iterable<string>): boolean {
  let [letters, spaceless] = [0, 0];
  for (const text of texts) {
    letters += text.match(LETTER)?.length ?? 0;
    spaceless += text.match(ONE)?.length ?? 0;
  }
  return letters > 0 && spaceless >= SHARE * letters;
}

const RUN = new RegExp(`${SPACELESS}+`, 'gu');

/** The characters of each run of such scripts in a word: [] where it has none. */
export const charactersOf = (word: string): string[][] => [...word.matchAll(RUN)].map(([run]) => [...run]);
