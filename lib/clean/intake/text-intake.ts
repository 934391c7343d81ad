import { Refusal } from '../errors.ts';
import { type Dialect, RecordCounter } from './count.ts';
import { splitRecord } from './header.ts';

/** How the counter and the reader see a text file. */
export interface TextFormat {
  readonly delimiter: string;
  /** Empty: quotes mean nothing. */
  readonly quote: string;
  /** What stands before a quote that belongs to a field; undefined: the config does not say, quotes are doubled. */
  readonly escape?: string | undefined;
  /** Names of the columns where the file has no header line; lines of JSON have neither. */
  readonly columns: readonly string[] | undefined;
  readonly header: boolean;
  /** Lines before the header, or before the first record. */
  readonly skipLines?: number;
  /** A label of the WHATWG encoding standard; undefined: UTF-8. */
  readonly encoding?: string | undefined;
}

/** A header line longer than this is no header line. */
const MAX_HEADER = 16 << 20;
const MAX_RECORD = 256 << 20;
const BACKSLASH_QUOTE = Buffer.from('\\"');

/** One pass over the plain bytes of a text drop: the lines before the records are taken off, records are counted. */
export class TextIntake {
  counter: RecordCounter;
  dialect: Dialect;
  header: string[] | undefined;
  /** Somewhere a backslash stands before a quote. */
  backslashQuotes = false;
  readonly #format: TextFormat;

  constructor(format: TextFormat) {
    this.#format = format;
    const byte = (text: string | undefined) => (text ? text.charCodeAt(0) : undefined);
    const quote = byte(format.quote);
    this.dialect = {
      delimiter: format.delimiter.charCodeAt(0),
      quote,
      escape: byte(format.escape) ?? quote,
      emptyLines: format.columns?.length === 1,
    };
    this.counter = new RecordCounter(this.dialect);
  }

  /** The bytes of the records alone. @throws Refusal where they end within quotes or a record is too long */
  async *rows(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let head: Uint8Array | undefined = new Uint8Array();
    let last = 0;
    for await (const chunk of plain) {
      if (chunk.length === 0) continue;
      let rows: Uint8Array | undefined = chunk;
      if (head) {
        head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
        rows = this.#behindHead(head, false);
        if (!rows) continue;
        head = undefined;
      }
      this.#count(rows, last);
      last = rows.at(-1) ?? last;
      yield rows;
    }
    if (head) {
      const rows = this.#behindHead(head, true) ?? new Uint8Array();
      this.#count(rows, last);
      yield rows;
    }
    this.counter.finish();
    if (this.counter.inQuotes) {
      throw new Refusal(
        `an unclosed quote in record ${this.counter.records - 1} runs to the end of the file`,
        this.backslashQuotes && this.#format.escape === undefined
          ? `the file holds \\": if a backslash escapes quotes there, set csv: { escape: '\\\\' }`
          : 'the file is cut off, or a quote inside a field is not doubled: export it again with quotes doubled ("")',
      );
    }
    if (this.counter.longest > MAX_RECORD) {
      throw new Refusal(
        `a record has ${this.counter.longest} bytes, more than ${MAX_RECORD}`,
        'a quote is probably opened and never closed, or the field delimiter is another one',
      );
    }
  }

  #count(rows: Uint8Array, last: number): void {
    this.counter.push(rows);
    this.backslashQuotes ||=
      (last === BACKSLASH_QUOTE[0] && rows[0] === BACKSLASH_QUOTE[1]) ||
      Buffer.from(rows.buffer, rows.byteOffset, rows.length).includes(BACKSLASH_QUOTE);
  }

  /** What follows skipped lines, `sep=` and the header line; undefined while more bytes are needed to see them whole. */
  #behindHead(head: Uint8Array, atEnd: boolean): Uint8Array | undefined {
    const { skipLines = 0, header, columns, delimiter, quote } = this.#format;
    const start = this.#afterPreamble(head, skipLines, atEnd);
    if (start === undefined) return tooLong(head);
    let rest = head.subarray(start);
    if (header) {
      const end = headerEnd(rest, this.dialect, atEnd);
      if (end === undefined) return tooLong(head);
      const line = Buffer.from(rest.subarray(0, end)).toString('utf8');
      this.header = splitRecord(line, delimiter, quote, this.#format.escape);
      this.dialect = { ...this.dialect, emptyLines: this.header.length === 1 };
      this.counter = new RecordCounter(this.dialect);
      rest = rest.subarray(end);
    } else if (columns) {
      this.header = [...columns];
    }
    return rest;
  }

  /** The offset behind the lines that are told to be skipped, and Excel's line `sep=;`. */
  #afterPreamble(head: Uint8Array, skipLines: number, atEnd: boolean): number | undefined {
    let start = 0;
    for (let line = 0; line < skipLines; line++) {
      const end = lineEnd(head, start, atEnd);
      if (end === undefined) return undefined;
      start = end;
    }
    if (this.#format.quote === '') return start;
    const end = lineEnd(head, start, atEnd);
    if (end === undefined) return undefined;
    const text = Buffer.from(head.subarray(start, Math.min(end, start + 16))).toString('utf8');
    const named = /^\uFEFF?sep=(.)[\r\n]*$/iu.exec(text)?.[1];
    if (named === undefined) return start;
    if (named !== this.#format.delimiter) {
      throw new Refusal(
        `the first line says that fields are separated by "${named}", the config says "${this.#format.delimiter}"`,
        `set csv: { delimiter: '${named}' }`,
      );
    }
    return end;
  }
}

function tooLong(head: Uint8Array): undefined {
  if (head.length <= MAX_HEADER) return undefined;
  throw new Refusal(
    `the header line does not end within ${MAX_HEADER} bytes`,
    'is the file a csv with the configured delimiter and quote?',
  );
}

/** Offset behind the next line end; undefined when it may lie in bytes to come. */
function lineEnd(bytes: Uint8Array, from: number, atEnd: boolean): number | undefined {
  for (let i = from; i < bytes.length; i++) {
    if (bytes[i] === 10) return i + 1;
    if (bytes[i] !== 13) continue;
    if (i + 1 < bytes.length) return bytes[i + 1] === 10 ? i + 2 : i + 1;
    break;
  }
  return atEnd ? bytes.length : undefined;
}

/** Offset behind the first line that is not empty, or undefined when it may go on in bytes to come. */
function headerEnd(bytes: Uint8Array, dialect: Dialect, atEnd: boolean): number | undefined {
  const counter = new RecordCounter({ ...dialect, emptyLines: false });
  let end = 0;
  while (counter.records === 0 && end < bytes.length) end += counter.push(bytes.subarray(end), true);
  if (atEnd) return end;
  const complete = counter.records > 0 && end < bytes.length;
  return complete ? end : undefined;
}
