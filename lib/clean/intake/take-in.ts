import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Dialect } from './count.ts';
import { decoded } from './decode.ts';
import { HashedBytes } from './hashed.ts';
import { countRecords, tidyRecords } from './records.ts';
import { type TextFormat, TextIntake } from './text-intake.ts';
import { unpacked } from './unpack.ts';

/** A drop as it lies in the temp folder, ready for DuckDB, and what one pass over its bytes has told. */
export interface Intake {
  /** Unpacked, in UTF-8, without byte order mark and header line. */
  readonly path: string;
  /** Records by our own count; undefined for parquet, whose footer tells. */
  readonly records?: number;
  /** Records if a backslash takes the meaning from a quote, where the config does not say and that makes a difference. */
  readonly ifBackslashEscapes?: number;
  /** Names in the header line, or undefined when the format has none. An empty file has an empty header. */
  readonly header?: string[];
  readonly dialect?: Dialect;
  /** Outside quotes, the lines of the file at `path` end in LF alone. */
  readonly linesEndInLf: boolean;
  /** Bytes of the file at `path`. */
  readonly unpacked: number;
  /** Bytes of the longest record. */
  readonly longest: number;
  /** The first bytes as they were dropped: what the file is, where its format's reader cannot take it. */
  readonly head: Uint8Array;
}

const BACKSLASH = 0x5c;

/**
 * Streams a drop to a file: unpacked where gzip, zstd or zip, turned into UTF-8 or proven to be it, header taken off,
 * records counted.
 * @param format undefined for binary formats, which are only hashed and copied
 * @throws Refusal for what no reader could use: broken or foreign containers, another encoding, an unclosed quote
 */
export async function takeIn(
  body: HashedBytes,
  path: string,
  format: TextFormat | undefined,
): Promise<Intake> {
  if (!format) {
    const written = await writeAll(path, body);
    return { path, unpacked: written, head: body.head, longest: 0, linesEndInLf: false };
  }
  const text = new TextIntake(format);
  const plain = decoded(unpacked(body, `${path}.zip`), format.encoding);
  const written = await writeAll(path, text.rows(plain));
  const { counter, dialect, header } = text;
  // A backslash before a quote leaves two readings, where the config does not say how quotes inside fields are written.
  const unsure = format.escape === undefined && text.backslashQuotes;
  const otherwise = unsure ? await countRecords(path, { ...dialect, escape: BACKSLASH }) : counter.records;
  const tidied = counter.unevenLineEnds || counter.marks;
  if (tidied) await tidyRecords(path, dialect);
  return {
    path,
    head: body.head,
    records: counter.records,
    ...(otherwise !== counter.records && { ifBackslashEscapes: otherwise }),
    dialect,
    longest: counter.longest,
    unpacked: written,
    linesEndInLf: tidied || counter.linesEndInLf,
    ...(header && { header }),
  };
}

/** `takeIn` for a file on this machine. */
export async function takeInFile(
  file: string,
  path: string,
  format: TextFormat | undefined,
): Promise<Intake> {
  const body = new HashedBytes(createReadStream(file));
  try {
    return await takeIn(body, path, format);
  } finally {
    await body.close();
  }
}

async function writeAll(path: string, chunks: AsyncIterable<Uint8Array>): Promise<number> {
  const file = await open(path, 'w');
  let written = 0;
  try {
    for await (const chunk of chunks) {
      if (chunk.length === 0) continue;
      await file.writeFile(chunk);
      written += chunk.length;
    }
  } finally {
    await file.close();
  }
  return written;
}
