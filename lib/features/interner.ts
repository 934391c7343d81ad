import { grown } from './grow.ts';

/**
 * Gives every distinct string a small integer, straight from its UTF-8 bytes: a shard repeats each item name
 * thousands of times, and decoding a string per entry costs more than the rest of the fold.
 */
export class Interner {
  #slots = new Int32Array(1024).fill(-1);
  #hashes = new Int32Array(512);
  /** Name i lies in #bytes[#ends[i - 1], #ends[i]). */
  #ends = new Float64Array(512);
  #bytes = new Uint8Array(1 << 14);
  #texts: (string | undefined)[] = [];
  #count = 0;

  get size(): number {
    return this.#count;
  }

  /** The number of the name in bytes[start, end); the same for equal bytes, for the life of this object. */
  intern(bytes: Uint8Array, start: number, end: number): number {
    let hash = end - start;
    for (let i = start; i < end; i++) hash = Math.imul(hash ^ bytes[i]!, 0x5bd1e995) ^ (hash >>> 15);
    hash = Math.imul(hash ^ (hash >>> 13), 0x9e3779b1);
    hash ^= hash >>> 16;
    const mask = this.#slots.length - 1;
    let slot = hash & mask;
    for (let id = this.#slots[slot]!; id >= 0; id = this.#slots[slot]!) {
      if (this.#hashes[id] === hash && this.#same(id, bytes, start, end)) return id;
      slot = (slot + 1) & mask;
    }
    return this.#add(hash, slot, bytes, start, end);
  }

  /** The number of a name given as text. */
  internText(text: string): number {
    const bytes = Buffer.from(text);
    return this.intern(bytes, 0, bytes.length);
  }

  /** The name of a number that this object gave out. */
  text(id: number): string {
    const known = this.#texts[id];
    if (known !== undefined) return known;
    const start = this.#startOf(id);
    const end = this.#ends[id]!;
    const text = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start).toString();
    this.#texts[id] = text;
    return text;
  }

  /** Names one after the other as UTF-8, and where each ends: what a text column is made of, without making strings. */
  concatenated(ids: Int32Array): { offsets: Int32Array; bytes: Uint8Array } {
    const offsets = new Int32Array(ids.length + 1);
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i]!;
      offsets[i + 1] = offsets[i]! + this.#ends[id]! - this.#startOf(id);
    }
    const bytes = new Uint8Array(offsets[ids.length]!);
    for (let i = 0; i < ids.length; i++) {
      const from = this.#startOf(ids[i]!) - offsets[i]!;
      for (let at = offsets[i]!; at < offsets[i + 1]!; at++) bytes[at] = this.#bytes[from + at]!;
    }
    return { offsets, bytes };
  }

  /** Order of two names by UTF-16 code units, the same on every machine; no name (-1) comes first. */
  compare(a: number, b: number): number {
    if (a === b) return 0;
    if (a < 0 || b < 0) return a < 0 ? -1 : 1;
    return this.text(a) < this.text(b) ? -1 : 1;
  }

  #startOf(id: number): number {
    return id === 0 ? 0 : this.#ends[id - 1]!;
  }

  #same(id: number, bytes: Uint8Array, start: number, end: number): boolean {
    const from = this.#startOf(id);
    if (this.#ends[id]! - from !== end - start) return false;
    for (let i = start, j = from; i < end; i++, j++) {
      if (bytes[i] !== this.#bytes[j]) return false;
    }
    return true;
  }

  #add(hash: number, slot: number, bytes: Uint8Array, start: number, end: number): number {
    const id = this.#count++;
    const from = this.#startOf(id);
    this.#bytes = grown(this.#bytes, from + end - start);
    this.#bytes.set(bytes.subarray(start, end), from);
    this.#ends = grown(this.#ends, this.#count);
    this.#ends[id] = from + end - start;
    this.#hashes = grown(this.#hashes, this.#count);
    this.#hashes[id] = hash;
    this.#slots[slot] = id;
    if (this.#count * 2 > this.#slots.length) this.#rehash();
    return id;
  }

  #rehash(): void {
    const slots = new Int32Array(this.#slots.length * 4).fill(-1);
    const mask = slots.length - 1;
    for (let id = 0; id < this.#count; id++) {
      let slot = this.#hashes[id]! & mask;
      while (slots[slot]! >= 0) slot = (slot + 1) & mask;
      slots[slot] = id;
    }
    this.#slots = slots;
  }
}
