/**
 * Holds the tables that describe an Arrow file (FlatBuffers: Footer, Schema, Message of Arrow's format 1.5) against the bytes
 * there are. Their reader has no such check: with a flipped bit in the length of a vector it collects entries until the memory is full.
 */

/** What stands in a table's slots, as far as others are counted by it. */
interface Table {
  readonly [slot: number]: Slot;
}
type Slot =
  | { readonly vectorOf: number | (() => Table) }
  | { readonly table: () => Table }
  | { readonly text: true };

const TEXT: Slot = { text: true };
const KEY_VALUE = (): Table => ({ 0: TEXT, 1: TEXT });
const FIELD = (): Table => ({ 0: TEXT, 5: { vectorOf: FIELD }, 6: { vectorOf: KEY_VALUE } });
const SCHEMA = (): Table => ({ 1: { vectorOf: FIELD }, 2: { vectorOf: KEY_VALUE } });
const BLOCK_BYTES = 24;
const FOOTER = (): Table => ({
  1: { table: SCHEMA },
  2: { vectorOf: BLOCK_BYTES },
  3: { vectorOf: BLOCK_BYTES },
  4: { vectorOf: KEY_VALUE },
});
/** Nodes and buffers are pairs of int64. */
const RECORD_BATCH = (): Table => ({ 1: { vectorOf: 16 }, 2: { vectorOf: 16 }, 4: { vectorOf: 8 } });

const MARK_BYTES = 6;
/** The mark is filled up to 8 bytes at the front; the smallest message and footer follow. */
const LEAST_BYTES = 8 + 4 + MARK_BYTES;
const RECORD_BATCH_HEADER = 3;
/** As deep as columns may lie inside each other. */
const MOST_DEPTH = 16;

/**
 * @param bytes the end of a file, or all of it, with its last mark
 * @param size of the whole file
 * @returns where the messages of its batches stand
 * @throws RangeError when the footer does not fit into them
 */
export function checkFooter(bytes: Uint8Array, size: number): MessagePlace[] {
  if (bytes.length < LEAST_BYTES) throw new RangeError('the file is too short for a footer');
  const lengthAt = bytes.length - MARK_BYTES - 4;
  const length = viewOf(bytes).getInt32(lengthAt, true);
  if (length <= 0 || length > lengthAt) throw new RangeError(`the footer claims ${length} bytes`);
  const footer = bytes.subarray(lengthAt - length, lengthAt);
  const reader = new Checked(footer);
  const root = reader.root();
  reader.table(root, FOOTER(), 0);
  const blocks = reader.vectorAt(root, 3);
  return Array.from({ length: blocks?.count ?? 0 }, (_, i) => {
    const at = blocks!.at + i * BLOCK_BYTES;
    const offset = reader.int64(at);
    const metadataLength = reader.view.getInt32(at + 8, true);
    const bodyLength = reader.int64(at + 16);
    if (
      !(offset >= 0 && metadataLength > 0 && bodyLength >= 0 && offset + metadataLength + bodyLength <= size)
    ) {
      throw new RangeError(`batch ${i} claims bytes beyond the file`);
    }
    return { start: offset, body: offset + metadataLength, end: offset + metadataLength + bodyLength };
  });
}

/** Where the message of a batch stands in a file: its metadata, and from `body` on its rows. */
export interface MessagePlace {
  readonly start: number;
  readonly body: number;
  readonly end: number;
}

/** @param bytes of one message's metadata, its length in front. @throws RangeError when it is none of a batch that fits */
export function checkMessage(bytes: Uint8Array): void {
  // A continuation mark and a length of 4 bytes each.
  const reader = new Checked(bytes.subarray(8));
  const root = reader.root();
  if (reader.byteAt(root, 1) !== RECORD_BATCH_HEADER) throw new RangeError('a message is none of a batch');
  const header = reader.offsetAt(root, 2);
  if (header === undefined) throw new RangeError('a message has no header');
  reader.table(header, RECORD_BATCH(), 0);
  reader.table(root, { 4: { vectorOf: KEY_VALUE } }, 0);
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** Tables in a buffer; a DataView throws RangeError for whatever lies outside. */
class Checked {
  readonly view: DataView;
  /** Entries of vectors that were looked at: vectors inside each other may name the same bytes again and again. */
  #entries = 0;

  constructor(bytes: Uint8Array) {
    this.view = viewOf(bytes);
  }

  root(): number {
    return this.view.getUint32(0, true);
  }

  int64(at: number): number {
    return Number(this.view.getBigInt64(at, true));
  }

  /** Where a slot's value stands, undefined where the table leaves it out. */
  slot(table: number, slot: number): number | undefined {
    const vtable = table - this.view.getInt32(table, true);
    const size = this.view.getUint16(vtable, true);
    const at = 4 + 2 * slot;
    if (at + 2 > size) return undefined;
    const offset = this.view.getUint16(vtable + at, true);
    return offset === 0 ? undefined : table + offset;
  }

  byteAt(table: number, slot: number): number {
    const at = this.slot(table, slot);
    return at === undefined ? 0 : this.view.getUint8(at);
  }

  offsetAt(table: number, slot: number): number | undefined {
    const at = this.slot(table, slot);
    return at === undefined ? undefined : at + this.view.getUint32(at, true);
  }

  vectorAt(table: number, slot: number): { at: number; count: number } | undefined {
    const from = this.offsetAt(table, slot);
    return from === undefined ? undefined : { at: from + 4, count: this.view.getUint32(from, true) };
  }

  table(table: number, slots: Table, depth: number): void {
    if (depth > MOST_DEPTH) throw new RangeError('columns lie too deep inside each other');
    for (const [name, kind] of Object.entries(slots) as [string, Slot][]) {
      const slot = Number(name);
      if ('table' in kind) {
        const at = this.offsetAt(table, slot);
        if (at !== undefined) this.table(at, kind.table(), depth + 1);
        continue;
      }
      const vector = this.vectorAt(table, slot);
      if (!vector) continue;
      const inside = 'vectorOf' in kind ? kind.vectorOf : 1;
      const each = typeof inside === 'number' ? inside : 4;
      if (vector.at + vector.count * each > this.view.byteLength) {
        throw new RangeError(
          `a list of ${vector.count} entries is longer than the ${this.view.byteLength} bytes that describe the file`,
        );
      }
      if (typeof inside === 'number') continue;
      this.#entries += vector.count;
      if (this.#entries > this.view.byteLength)
        throw new RangeError('the same columns are listed again and again');
      for (let i = 0; i < vector.count; i++) {
        const at = vector.at + 4 * i;
        this.table(at + this.view.getUint32(at, true), inside(), depth + 1);
      }
    }
  }
}
