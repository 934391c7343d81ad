import { createReadStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { type Dialect, RecordCounter } from './count.ts';

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

/** How many records a file has by another dialect. */
export async function countRecords(path: string, dialect: Dialect): Promise<number> {
  const counter = new RecordCounter(dialect);
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 })) counter.push(chunk);
  counter.finish();
  return counter.records;
}

/** Rewrites the line ends outside quotes as LF, and takes off the byte order marks before records. */
export async function tidyRecords(path: string, dialect: Dialect): Promise<void> {
  const file = await open(`${path}.tidy`, 'w');
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
      lines.push(Uint8Array.from(withoutMark(record)), newline);
      size += record.length + 1;
      if (size > 1 << 20) await flush();
    });
    await flush();
  } finally {
    await file.close();
  }
  await rename(`${path}.tidy`, path);
}

function withoutLineEnd(line: Uint8Array): Uint8Array {
  let end = line.length;
  if (line[end - 1] === 10) end--;
  if (line[end - 1] === 13) end--;
  return line.subarray(0, end);
}

function withoutMark(record: Uint8Array): Uint8Array {
  const marked = record[0] === 0xef && record[1] === 0xbb && record[2] === 0xbf;
  return marked ? record.subarray(3) : record;
}
