/** Symbols are numbers below this, so that a pair of them is one exact number. */
const SYMBOLS = 2 ** 26;

interface Entry {
  readonly count: number;
  readonly pair: number;
}

/**
 * How often two symbols stand side by side in words, kept up to date while pairs are joined. The most frequent pair comes from a
 * heap whose entries may be out of date: counts of a pair fall silently, and are put right when it comes up.
 */
export class PairCounts {
  readonly #words: number[][];
  readonly #weights: readonly number[];
  readonly #counts = new Map<number, number>();
  /** Words that hold a pair, or did. */
  readonly #places = new Map<number, Set<number>>();
  readonly #heap: Entry[] = [];

  /**
   * @param words symbols of each word; changed in place
   * @param weights occurrences of each word
   */
  constructor(words: number[][], weights: readonly number[]) {
    this.#words = words;
    this.#weights = weights;
    words.forEach((_, word) => {
      this.#count(word, 1);
    });
    for (const [pair, count] of this.#counts) this.#push({ count, pair });
  }

  /** The pair seen most often, that of the lower symbols among equals; none where all are below `least`. */
  mostFrequent(least: number): readonly [number, number] | undefined {
    for (let top = this.#heap[0]; top; top = this.#heap[0]) {
      const count = this.#counts.get(top.pair) ?? 0;
      if (count === top.count) {
        return count >= least ? [Math.floor(top.pair / SYMBOLS), top.pair % SYMBOLS] : undefined;
      }
      this.#pop();
      if (count > 0) this.#push({ count, pair: top.pair });
    }
    return undefined;
  }

  /** Writes one symbol for the pair in all words. */
  join(left: number, right: number, joined: number): void {
    const pair = left * SYMBOLS + right;
    const grown = new Set<number>();
    for (const word of this.#places.get(pair) ?? []) {
      const symbols = this.#words[word]!;
      this.#count(word, -1);
      let end = 0;
      for (let at = 0; at < symbols.length; at++) {
        const isPair = symbols[at] === left && symbols[at + 1] === right;
        symbols[end++] = isPair ? joined : symbols[at]!;
        if (isPair) at++;
      }
      symbols.length = end;
      this.#count(word, 1);
      for (let at = 0; at + 1 < symbols.length; at++) {
        if (symbols[at] === joined || symbols[at + 1] === joined) grown.add(pairOf(symbols, at));
      }
    }
    this.#places.delete(pair);
    for (const changed of grown) this.#push({ count: this.#counts.get(changed)!, pair: changed });
  }

  #count(word: number, sign: 1 | -1): void {
    const symbols = this.#words[word]!;
    const weight = sign * this.#weights[word]!;
    for (let at = 0; at + 1 < symbols.length; at++) {
      const pair = pairOf(symbols, at);
      const count = (this.#counts.get(pair) ?? 0) + weight;
      if (count === 0) this.#counts.delete(pair);
      else this.#counts.set(pair, count);
      if (sign < 0) continue;
      const places = this.#places.get(pair);
      if (places) places.add(word);
      else this.#places.set(pair, new Set([word]));
    }
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  }
}

const pairOf = (symbols: readonly number[], at: number): number => symbols[at]! * SYMBOLS + symbols[at + 1]!;

const before = (a: Entry, b: Entry): boolean => a.count > b.count || (a.count === b.count && a.pair < b.pair);
