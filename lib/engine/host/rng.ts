import { TrainError } from './errors.ts';

/** All there is to a generator: its 64-bit key and how many 32-bit words were drawn. */
export interface RngState {
  key: readonly [number, number];
  counter: number;
}

/**
 * Counter-based generator: Philox4x32-10 (Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011). Word i of a stream is a pure function of (key, i), so a state is two numbers and a counter, a checkpoint
 * is exact, and streams forked by name never depend on the order in which they are asked for.
 */
export class Rng {
  readonly #key: readonly [number, number];
  #counter = 0;
  #blockIndex = -1;
  readonly #block = new Uint32Array(4);

  constructor(state: RngState) {
    this.#key = [state.key[0] >>> 0, state.key[1] >>> 0];
    this.restore(state);
  }

  /** A generator of its own for `name`; does not advance this one, and the same name gives the same stream. */
  fork(name: string): Rng {
    const out = new Uint32Array(4);
    philox(hashText(name, 0x9e3779b9), hashText(name, 0x85ebca6b), name.length, 0x666f726b, this.#key, out);
    return new Rng({ key: [out[0]!, out[1]!], counter: 0 });
  }

  state(): RngState {
    return { key: [this.#key[0], this.#key[1]], counter: this.#counter };
  }

  /** Continue from a state of this very generator. Throws when the key is another generator's. */
  restore(state: RngState): void {
    if (state.key[0] !== this.#key[0] || state.key[1] !== this.#key[1]) {
      throw new TrainError(
        `the state of another generator was given (key ${state.key}, expected ${this.#key})`,
      );
    }
    if (!Number.isSafeInteger(state.counter) || state.counter < 0) {
      throw new TrainError(`a generator's counter is a whole number from 0, given ${state.counter}`);
    }
    this.#counter = state.counter;
    this.#blockIndex = -1;
  }

  /** 32 random bits. */
  word(): number {
    const index = Math.floor(this.#counter / 4);
    if (index !== this.#blockIndex) {
      philox(index >>> 0, Math.floor(index / 2 ** 32), 0, 0, this.#key, this.#block);
      this.#blockIndex = index;
    }
    return this.#block[this.#counter++ % 4]!;
  }

  /** Uniform in [0, 1) with 53 random bits; two words. */
  uniform(): number {
    const high = this.word() >>> 5;
    return (high * 2 ** 26 + (this.word() >>> 6)) / 2 ** 53;
  }

  /** Standard normal by Box and Muller (1958); four words. */
  normal(): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** Uniform over 0 … n-1 without bias, n up to 2^32, by rejection. */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new TrainError(`a whole number from 1 to 2^32 is expected as the range of a draw, given ${n}`);
    }
    const limit = 2 ** 32 - (2 ** 32 % n);
    let word = this.word();
    while (word >= limit) word = this.word();
    return word % n;
  }

  /** A random order of 0 … n-1 (Fisher and Yates; Durstenfeld 1964). */
  permutation(n: number): Int32Array {
    const order = Int32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i--) {
      const j = this.integer(i + 1);
      const kept = order[i]!;
      order[i] = order[j]!;
      order[j] = kept;
    }
    return order;
  }

  /** n floats in [low, high). */
  uniforms(n: number, low = 0, high = 1): Float32Array {
    const out = new Float32Array(n);
    // 24 bits: what a float32 holds without rounding up to `high`
    for (let i = 0; i < n; i++) out[i] = low + (high - low) * ((this.word() >>> 8) / 2 ** 24);
    return out;
  }

  /** n floats, normal with the given standard deviation and mean. */
  normals(n: number, deviation = 1, mean = 0): Float32Array {
    const out = new Float32Array(n);
    for (let i = 0; i < n; i++) out[i] = mean + deviation * this.normal();
    return out;
  }

  /**
   * n factors of inverted dropout (Srivastava et al. 2014): 0 with probability `rate`, else 1/(1 - rate).
   * Fed to the graph as an input: the runtime's own Dropout keeps a hidden state that no checkpoint can save.
   */
  dropoutMask(n: number, rate: number): Float32Array {
    if (!(rate >= 0 && rate < 1)) throw new TrainError(`a dropout rate lies in [0, 1), given ${rate}`);
    const out = new Float32Array(n);
    const keep = 1 / (1 - rate);
    const threshold = rate * 2 ** 32;
    for (let i = 0; i < n; i++) out[i] = this.word() < threshold ? 0 : keep;
    return out;
  }
}

/** The root generator of a seed; everything random in a run is forked from one of these by name. */
export function createRng(seed: number | string): Rng {
  const text = `seed:${seed}`;
  return new Rng({ key: [hashText(text, 1), hashText(text, 2)], counter: 0 });
}

/** FNV-1a over UTF-16 units with a salt, then the finaliser of MurmurHash3 (both public domain). */
function hashText(text: string, salt: number): number {
  let h = (0x811c9dc5 ^ salt) >>> 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** High 32 bits of a 32 x 32 bit product, from 16-bit halves: a double holds only 53 bits of it. */
function multiplyHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle & 0xffff);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

/** One block of Philox4x32-10: counter (c0 lowest) and key to four words, in `out`. */
export function philox(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  key: readonly [number, number],
  out: Uint32Array,
): void {
  let k0 = key[0] >>> 0;
  let k1 = key[1] >>> 0;
  let [x0, x1, x2, x3] = [c0 >>> 0, c1 >>> 0, c2 >>> 0, c3 >>> 0];
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, x0);
    const low0 = Math.imul(0xd2511f53, x0);
    const high1 = multiplyHigh(0xcd9e8d57, x2);
    const low1 = Math.imul(0xcd9e8d57, x2);
    x0 = (high1 ^ x1 ^ k0) >>> 0;
    x1 = low1 >>> 0;
    x2 = (high0 ^ x3 ^ k1) >>> 0;
    x3 = low0 >>> 0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  out[0] = x0;
  out[1] = x1;
  out[2] = x2;
  out[3] = x3;
}
