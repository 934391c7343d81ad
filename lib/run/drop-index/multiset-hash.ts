const SEEDS = [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344];

/**
 * A hash of pairs of 64-bit numbers in any order: the sum of a hash of each. It tells sets apart that differ by chance,
 * not such as somebody has made up to be taken for each other.
 */
export class MultisetHash {
  readonly #lanes = new Uint32Array(SEEDS.length);

  /** Adds the n-th pair. @param a, b numbers in halves, the low one first */
  add(a: Uint32Array, b: Uint32Array, n: number): void {
    for (let lane = 0; lane < SEEDS.length; lane++) {
      let hash = SEEDS[lane]!;
      hash = mixed(hash, a[2 * n]!);
      hash = mixed(hash, a[2 * n + 1]!);
      hash = mixed(hash, b[2 * n]!);
      hash = mixed(hash, b[2 * n + 1]!);
      this.#lanes[lane]! += hash >>> 0;
    }
  }

  /** 32 hex digits. */
  text(): string {
    return Buffer.from(this.#lanes.buffer).toString('hex');
  }
}

/** A step of MurmurHash3 and its finaliser. */
function mixed(hash: number, value: number): number {
  let k = Math.imul(value, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  let h = hash ^ k;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
