import { createHash } from 'node:crypto';
import { SIGNATURE_BYTES } from './signatures.ts';

/**
 * The bytes of a drop on their way to whoever reads them, hashed as they pass. A reader that gives up early does not end
 * them: what a file is called depends on all of its bytes, also where the first ones are enough to refuse it.
 */
export class HashedBytes implements AsyncIterable<Uint8Array> {
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #hash = createHash('sha256');
  #bytes = 0;
  #ended = false;
  #head: Uint8Array = new Uint8Array();

  constructor(body: AsyncIterable<Uint8Array>) {
    this.#source = body[Symbol.asyncIterator]();
  }

  /** The first bytes: what the file is, where its format's reader cannot take it. */
  get head(): Uint8Array {
    return this.#head;
  }

  /** The bytes that were not read before. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = await this.#next();
      if (!chunk) return;
      yield chunk;
    }
  }

  /** Reads what is left. @returns SHA-256 (hex) and number of all bytes */
  async finish(): Promise<{ readonly sha256: string; readonly bytes: number }> {
    while (!this.#ended) await this.#next();
    return { sha256: this.#hash.copy().digest('hex'), bytes: this.#bytes };
  }

  /** Gives the source back: nobody wants what is left. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  async #next(): Promise<Uint8Array | undefined> {
    const next = await this.#source.next();
    if (next.done) {
      this.#ended = true;
      return undefined;
    }
    const { value: chunk } = next;
    this.#hash.update(chunk);
    this.#bytes += chunk.length;
    if (this.#head.length < SIGNATURE_BYTES) {
      this.#head = Buffer.concat([this.#head, chunk.subarray(0, SIGNATURE_BYTES)]);
    }
    return chunk;
  }
}
