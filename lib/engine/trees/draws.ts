/**
 * Random numbers by name instead of by sequence: each is a hash of (seed, what for, which), so that a draw depends neither
 * on the order in which others are made nor on the thread that makes it. The mixer is the finaliser of MurmurHash3 (public
 * domain); rows and columns are sampled with it, nothing secret.
 */
export class Draws {
  readonly #key: number;

  constructor(seed: number, purpose: string, index = 0) {
    let key = mix(seed ^ 0x9e3779b9);
    for (let i = 0; i < purpose.length; i++) key = mix(key ^ purpose.charCodeAt(i));
    this.#key = mix(key ^ Math.imul(index + 1, 0x85ebca6b));
  }

  /** 32 random bits, the same for the same number. */
  word(which: number): number {
    return mix(mix(which ^ this.#key) + this.#key);
  }

  /** Uniform in [0, 1) with 32 bits. */
  uniform(which: number): number {
    return this.word(which) / 2 ** 32;
  }

  /** Uniform over 0 … n - 1; for n far below 2^32, where the bias of a product is none to speak of (Lemire 2019). */
  below(n: number, which: number): number {
    return Math.floor((this.word(which) / 2 ** 32) * n);
  }

  /** A random order of 0 … n - 1 (Fisher and Yates; Durstenfeld 1964). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    this.#shuffle(order, n);
    return order;
  }

  /** k of 0 … n - 1 without repetition, ascending. */
  sample(n: number, k: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    this.#shuffle(order, k);
    return order.slice(0, k).sort();
  }

  /** Puts a random choice at each of the first k places. */
  #shuffle(order: Int32Array, k: number): void {
    for (let i = 0; i < Math.min(k, order.length - 1); i++) {
      const j = i + this.below(order.length - i, i);
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
  }
}

function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
