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

/** Bytes with which a text begins that a spreadsheet takes for a formula (OWASP, "CSV Injection"). */
const FORMULA = new Uint8Array(256);
for (const character of '=+-@\t\r') FORMULA[character.charCodeAt(0)] = 1;
const APOSTROPHE = 0x27;
/** A number is no formula, whatever its sign: ids that are numbers stay as they are. */
const NUMBER = /^[+-]?\d+(?:\.\d+)?$/;

/**
 * Records of a CSV file (RFC 4180, with line feeds). A field without a value is empty, an empty text is `""`.
 */
export class CsvWriter {
  readonly #guarded: boolean;
  /** Texts so far that a spreadsheet would take for a formula. */
  formulas = 0;
  #buffer = Buffer.allocUnsafe(CHUNK + CHUNK / 4);
  #at = 0;
  #record = 0;
  /** Bytes of the longest record so far. */
  longest = 0;

  /** @param guarded put an apostrophe before what a spreadsheet would take for a formula */
  constructor({ guarded = false }: { readonly guarded?: boolean } = {}) {
    this.#guarded = guarded;
  }

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
    this.#reserve(2 * (to - from) + 4);
    const buffer = this.#buffer;
    const guards = from < to && FORMULA[source[from]!] === 1 && isFormula(source, from, to);
    if (guards) this.formulas += 1;
    const guard = guards && this.#guarded;
    let at = this.#at;
    let i = from;
    if (guard) buffer[at++] = APOSTROPHE;
    while (i < to && SPECIAL[source[i]!] === 0) buffer[at++] = source[i++]!;
    if (i < to || from === to) {
      at = this.#at;
      buffer[at++] = QUOTE;
      if (guard) buffer[at++] = APOSTROPHE;
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

const isFormula = (source: Uint8Array, from: number, to: number): boolean =>
  !NUMBER.test(Buffer.from(source.buffer, source.byteOffset + from, to - from).toString('latin1'));
