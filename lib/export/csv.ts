import type { TextColumn } from '../score/index.ts';

/** Bytes that are handed on at a time. */
const CHUNK = 1 << 20;

const COMMA = 0x2c;
const QUOTE = 0x22;
const LINE_END = 0x0a;
const ZERO = 0x30;

/** Bytes that make a reader ask for quotes around a field; '#', as some take a line that begins with it for a comment. */
const SPECIAL = new Uint8Array(256);
for (const character of ',"\n\r#') SPECIAL[character.charCodeAt(0)] = 1;

/** Records of a CSV file (RFC 4180, with line feeds). A field without a value is empty, an empty text is `""`. */
export class CsvWriter {
  #buffer = Buffer.allocUnsafe(CHUNK + CHUNK / 4);
  #at = 0;
  #record = 0;
  /** Bytes of the longest record so far. */
  longest = 0;

  /** Is there enough to hand on? */
  get isFull(): boolean {
    return this.#at >= CHUNK;
  }

  /** What was written since the last call. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#at);
    this.#buffer = Buffer.allocUnsafe(CHUNK + CHUNK / 4);
    this.#at = 0;
    this.#record = 0;
    return taken;
  }

  empty(): void {
    this.#reserve(1);
    this.#buffer[this.#at++] = COMMA;
  }

  /** UTF-8 bytes of a text. */
  bytes(source: Uint8Array, from: number, to: number): void {
    this.#reserve(2 * (to - from) + 3);
    const buffer = this.#buffer;
    let at = this.#at;
    let i = from;
    while (i < to && SPECIAL[source[i]!] === 0) buffer[at++] = source[i++]!;
    if (i < to || from === to) {
      at = this.#at;
      buffer[at++] = QUOTE;
      for (i = from; i < to; i++) {
        const byte = source[i]!;
        if (byte === QUOTE) buffer[at++] = QUOTE;
        buffer[at++] = byte;
      }
      buffer[at++] = QUOTE;
    }
    buffer[at++] = COMMA;
    this.#at = at;
  }

  /** A row of a column of texts. */
  cell({ bytes, offsets, has }: TextColumn, row: number): void {
    if (has(row)) this.bytes(bytes, offsets[row]!, offsets[row + 1]!);
    else this.empty();
  }

  text(text: string): void {
    const bytes = Buffer.from(text);
    this.bytes(bytes, 0, bytes.length);
  }

  /** A text that needs no quotes: a number, a day, hexadecimal digits. */
  plain(text: string): void {
    this.#reserve(text.length + 1);
    this.#at += this.#buffer.write(text, this.#at, 'latin1');
    this.#buffer[this.#at++] = COMMA;
  }

  /** A whole number from 0. */
  whole(value: number): void {
    this.#reserve(17);
    let digits = 1;
    for (let limit = 10; limit <= value; limit *= 10) digits += 1;
    let rest = value;
    for (let place = this.#at + digits - 1; place >= this.#at; place--) {
      this.#buffer[place] = ZERO + (rest % 10);
      rest = Math.floor(rest / 10);
    }
    this.#at += digits;
    this.#buffer[this.#at++] = COMMA;
  }

  /** The comma behind the last field becomes the end of the record. */
  end(): void {
    this.#buffer[this.#at - 1] = LINE_END;
    this.longest = Math.max(this.longest, this.#at - this.#record);
    this.#record = this.#at;
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(2 * (this.#at + bytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
