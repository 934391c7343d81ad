import type { Rng } from '../host/index.ts';

/** Shorter words become other words. */
const SHORTEST = 4;

/**
 * A text as a hurried person would have typed it: each longer word, with a probability, has two neighbouring letters swapped, one
 * left out, doubled, or another of the text's letters in its place. Training on such copies makes a model bear typing errors
 * (Belinkov and Bisk 2018, "Synthetic and natural noise both break neural machine translation", section 6.2).
 */
export function withTypos(text: string, rate: number, rng: Rng): string {
  const letters = [...text].filter((letter) => /\p{L}/u.test(letter));
  return text.replace(/\p{L}+/gu, (word) => {
    const own = [...word];
    if (own.length < SHORTEST || rng.uniform() >= rate) return word;
    // the last place has no neighbour behind it
    const at = rng.integer(own.length - 1);
    switch (rng.integer(4)) {
      case 0:
        own.splice(at, 2, own[at + 1]!, own[at]!);
        break;
      case 1:
        own.splice(at, 1);
        break;
      case 2:
        own.splice(at, 0, own[at]!);
        break;
      default:
        own[at] = letters[rng.integer(letters.length)]!;
    }
    return own.join('');
  });
}
