import { bool, type Feeds, philox, type Rng, sizeOf } from '../../host/index.ts';
import type { DropoutSite } from './dropout-graph.ts';

/**
 * Masks for a graph's dropout, a pure function of (generator, step, site): the same whatever the order in which they are
 * asked for, so that a resumed run has them again without keeping any state.
 */
export class DropoutMasks {
  readonly #sites: readonly DropoutSite[];
  readonly #rng: Rng;

  /** @param rng never advances; another for each run */
  constructor({ sites, rng }: { sites: readonly DropoutSite[]; rng: Rng }) {
    this.#sites = sites;
    this.#rng = rng;
  }

  /**
   * The mask inputs of one batch, in memory of their own.
   * @param step number of the batch
   */
  at(step: number): Feeds {
    const own = this.#rng.fork(`step ${step}`);
    return Object.fromEntries(
      this.#sites.map(({ input, shape, dropped }) => [
        input,
        bool(keepMask(sizeOf(shape), dropped, own.fork(input)), shape),
      ]),
    );
  }
}

/** n bytes, 0 with probability dropped / 256, else 1; a byte of a Philox block each. */
function keepMask(n: number, dropped: number, rng: Rng): Uint8Array {
  const blocks = Math.ceil(n / 16);
  const words = new Uint32Array(blocks * 4);
  const { key } = rng.state();
  const block = new Uint32Array(4);
  for (let i = 0; i < blocks; i++) {
    philox(i, 0, 0, 0, key, block);
    words.set(block, i * 4);
  }
  const bytes = new Uint8Array(words.buffer);
  for (let i = 0; i < n; i++) bytes[i] = bytes[i]! < dropped ? 0 : 1;
  return n === bytes.length ? bytes : bytes.slice(0, n);
}
