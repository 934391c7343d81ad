import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { type Dialect, RecordCounter } from './count.ts';
import { Refusal } from './errors.ts';
import { splitRecord } from './header.ts';

/** A drop as it lies in the temp folder, ready for DuckDB, and what one pass over its bytes has told. */
export interface Intake {
  /** Unpacked, without byte order mark and header line. */
  readonly path: string;
  /** Of the bytes as they were dropped. */
  readonly sha256: string;
  readonly bytes: number;
  /** Records by our own count; undefined for parquet, whose footer tells. */
  readonly records?: number;
  /** Names in the header line, or undefined when the format has none. An empty file has an empty header. */
  readonly header?: string[];
  readonly dialect?: Dialect;
  /** Outside quotes, the lines of the file at `path` end in LF alone. */
  readonly linesEndInLf: boolean;
  /** Bytes of the file at `path`. */
  readonly unpacked: number;
  /** Bytes of the longest record. */
  readonly longest: number;
}

export interface TextFormat {
  readonly delimiter: string;
  /** Empty: quotes mean nothing. */
  readonly quote: string;
  /** Names of the columns where the file has no header line; `lines` has neither. */
  readonly columns: readonly string[] | undefined;
  readonly header: boolean;
  readonly emptyLines?: boolean;
}

/** A header line longer than this is no header line. */
const MAX_HEADER = 16 << 20;
const MAX_RECORD = 256 << 20;

/**
 * Streams a drop to a file: SHA-256 of the bytes, unpacked where gzip, UTF-8 proven, header taken off, records counted.
 * @param format undefined for binary formats, which are only hashed and copied
 * @throws Refusal for what no reader could use: broken gzip, another encoding, an unclosed quote
 */
export async function takeIn(
  body: AsyncIterable<Uint8Array>,
  path: string,
  format: TextFormat | undefined,
): Promise<Intake> {
  const hash = createHash('sha256');
  let bytes = 0;
  let unpacked = 0;
  async function* hashed(): AsyncGenerator<Uint8Array> {
    for await (const chunk of body) {
      hash.update(chunk);
      bytes += chunk.length;
      yield chunk;
    }
  }
  const file = await open(path, 'w');
  try {
    if (!format) {
      for await (const chunk of hashed()) await file.writeFile(chunk);
      return { path, sha256: hash.digest('hex'), bytes, unpacked: bytes, longest: 0, linesEndInLf: false };
    }
    const text = new TextIntake(format);
    for await (const chunk of decompressed(hashed())) {
      const rest = text.push(chunk);
      unpacked += rest.length;
      if (rest.length > 0) await file.writeFile(rest);
    }
    const last = text.finish();
    unpacked += last.length;
    if (last.length > 0) await file.writeFile(last);
    const { counter, dialect, header } = text;
    const told = {
      sha256: hash.digest('hex'),
      bytes,
      records: counter.records,
      dialect,
      longest: counter.longest,
    };
    if (counter.unevenLineEnds) await evenLineEnds(path, dialect);
    const linesEndInLf = counter.unevenLineEnds || counter.linesEndInLf;
    return { path, unpacked, ...told, linesEndInLf, ...(header && { header }) };
  } finally {
    await file.close();
  }
}

/** One pass over the unpacked bytes of a text drop. `push` and `finish` return what belongs into the file. */
class TextIntake {
  counter = new RecordCounter({ delimiter: 0, quote: undefined, emptyLines: false });
  dialect: Dialect;
  header: string[] | undefined;
  private readonly format: TextFormat;
  private head: Uint8Array | undefined = new Uint8Array();
  private partial: Uint8Array = new Uint8Array();
  private offset = 0;

  constructor(format: TextFormat) {
    this.format = format;
    const columns = format.columns?.length;
    this.dialect = {
      delimiter: format.delimiter.charCodeAt(0),
      quote: format.quote === '' ? undefined : format.quote.charCodeAt(0),
      emptyLines: columns === 1,
    };
  }

  push(chunk: Uint8Array): Uint8Array {
    this.proveUtf8(chunk);
    if (!this.head) return this.count(chunk);
    this.head = this.head.length === 0 ? chunk : Buffer.concat([this.head, chunk]);
    return this.tryHead(false);
  }

  finish(): Uint8Array {
    if (this.partial.length > 0) throw notUtf8(this.offset - this.partial.length);
    const rest = this.head ? this.tryHead(true) : new Uint8Array();
    this.counter.finish();
    if (this.counter.inQuotes) {
      throw new Refusal(
        `an unclosed quote in record ${this.counter.records - 1} runs to the end of the file`,
        'the file is cut off, or a quote inside a field is not doubled: export it again with quotes doubled ("")',
      );
    }
    if (this.counter.longest > MAX_RECORD) {
      throw new Refusal(
        `a record has ${this.counter.longest} bytes, more than ${MAX_RECORD}`,
        'a quote is probably opened and never closed, or the field delimiter is another one',
      );
    }
    return rest;
  }

  private count(chunk: Uint8Array): Uint8Array {
    this.counter.push(chunk);
    return chunk;
  }

  /** Byte order mark and header line, once enough bytes are there to see them whole. */
  private tryHead(atEnd: boolean): Uint8Array {
    let head = this.head ?? new Uint8Array();
    if (head.length < 3 && !atEnd) return new Uint8Array();
    if (head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf) head = head.subarray(3);
    if (this.format.header) {
      const end = headerEnd(head, this.dialect, atEnd);
      if (end === undefined) {
        if (head.length > MAX_HEADER) {
          throw new Refusal(
            `the header line does not end within ${MAX_HEADER} bytes`,
            'is the file a csv with the configured delimiter and quote?',
          );
        }
        return new Uint8Array();
      }
      const { delimiter, quote } = this.format;
      this.header = splitRecord(Buffer.from(head.subarray(0, end)).toString('utf8'), delimiter, quote);
      this.dialect = { ...this.dialect, emptyLines: this.header.length === 1 };
      head = head.subarray(end);
    } else if (this.format.columns) {
      this.header = [...this.format.columns];
    }
    this.head = undefined;
    this.counter = new RecordCounter(this.dialect);
    return this.count(head);
  }

  private proveUtf8(chunk: Uint8Array): void {
    if (this.offset === 0 && chunk.length >= 2) {
      const mark = ((chunk[0] ?? 0) << 8) | (chunk[1] ?? 0);
      if (mark === 0xfffe || mark === 0xfeff) {
        throw new Refusal(
          'the file is UTF-16 (its first bytes say so)',
          'save it as UTF-8, for example: iconv -f UTF-16 -t UTF-8',
        );
      }
    }
    const bytes = this.partial.length > 0 ? Buffer.concat([this.partial, chunk]) : chunk;
    const whole = bytes.length - incompleteTail(bytes);
    if (!isUtf8(bytes.subarray(0, whole))) throw notUtf8(this.offset - this.partial.length);
    this.partial = bytes.slice(whole);
    this.offset += chunk.length;
  }
}

/** Offset behind the first line that is not empty, or undefined when it may go on in the next chunk. */
function headerEnd(bytes: Uint8Array, dialect: Dialect, atEnd: boolean): number | undefined {
  const counter = new RecordCounter({ ...dialect, emptyLines: false });
  let end = 0;
  while (counter.records === 0 && end < bytes.length) end += counter.push(bytes.subarray(end), true);
  if (atEnd) return end;
  const complete = counter.records > 0 && end < bytes.length;
  return complete ? end : undefined;
}

/** How many bytes at the end start a character that the next chunk completes (0 to 3). */
function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) {
      const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
      return length > back ? back : 0;
    }
  }
  return 0;
}

function notUtf8(offset: number): Refusal {
  return new Refusal(
    `the file is not UTF-8 (a wrong byte after byte ${offset})`,
    'save it as UTF-8, for example: iconv -f WINDOWS-1252 -t UTF-8',
  );
}

/** Bytes as they are, or unpacked where they start as gzip does; the name of a file proves nothing. */
async function* decompressed(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  let first: Uint8Array = new Uint8Array();
  let done = false;
  while (first.length < 2 && !done) {
    const next = await iterator.next();
    if (next.done) done = true;
    else first = first.length === 0 ? next.value : Buffer.concat([first, next.value]);
  }
  let given = 0;
  async function* whole(): AsyncGenerator<Uint8Array> {
    given += first.length;
    if (first.length > 0) yield first;
    while (!done) {
      const next = await iterator.next();
      if (next.done) return;
      given += next.value.length;
      yield next.value;
    }
  }
  if (first[0] !== 0x1f || first[1] !== 0x8b) {
    yield* whole();
    return;
  }
  const gunzip = createGunzip();
  const source = Readable.from(whole(), { objectMode: false });
  source.on('error', (error) => gunzip.destroy(error));
  source.pipe(gunzip);
  try {
    for await (const chunk of gunzip) yield chunk;
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && String(cause.code).startsWith('Z_'))) throw cause;
    throw new Refusal(
      `the gzip file is broken (${cause.message})`,
      'the upload was probably cut off: drop the whole file again; nothing of it was used',
      { cause },
    );
  }
  if (gunzip.bytesWritten < given) {
    throw new Refusal(
      `${given - gunzip.bytesWritten} bytes follow the end of the gzip data`,
      'drop the file again as one gzip file; nothing of it was used',
    );
  }
}

/**
 * Calls `visit` for every record of a file in order.
 * @param visit gets the bytes without the line end, the offset of the first byte and the record's number from 0
 */
export async function forEachRecord(
  path: string,
  dialect: Dialect,
  visit: (record: Uint8Array, start: number, ordinal: number) => void | Promise<void>,
): Promise<void> {
  let rest: Uint8Array = new Uint8Array();
  let restAt = 0;
  let ordinal = 0;
  const records = async (bytes: Uint8Array, atEnd: boolean) => {
    let start = 0;
    while (start < bytes.length) {
      const counter = new RecordCounter(dialect);
      const end = start + counter.push(bytes.subarray(start), true);
      // A line end at the very end of the bytes may be the first half of CRLF.
      if (end === bytes.length && !atEnd) break;
      counter.finish();
      const waiting =
        counter.records > 0
          ? visit(withoutLineEnd(bytes.subarray(start, end)), restAt + start, ordinal++)
          : undefined;
      if (waiting) await waiting;
      start = end;
    }
    rest = bytes.subarray(start);
    restAt += start;
  };
  for await (const chunk of createReadStream(path, { highWaterMark: 4 << 20 })) {
    await records(rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk, false);
  }
  await records(rest, true);
}

function withoutLineEnd(line: Uint8Array): Uint8Array {
  let end = line.length;
  if (line[end - 1] === 10) end--;
  if (line[end - 1] === 13) end--;
  return line.subarray(0, end);
}

/** Rewrites the line ends outside quotes as LF. */
async function evenLineEnds(path: string, dialect: Dialect): Promise<void> {
  const file = await open(`${path}.even`, 'w');
  try {
    let lines: Uint8Array[] = [];
    let size = 0;
    const newline = Uint8Array.of(10);
    const flush = async () => {
      await file.writeFile(Buffer.concat(lines));
      lines = [];
      size = 0;
    };
    await forEachRecord(path, dialect, async (record) => {
      lines.push(Uint8Array.from(record), newline);
      size += record.length + 1;
      if (size > 1 << 20) await flush();
    });
    await flush();
  } finally {
    await file.close();
  }
  await rename(`${path}.even`, path);
}
