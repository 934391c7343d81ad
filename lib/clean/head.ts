import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { open, rm, writeFile } from 'node:fs/promises';
import { packingOf, SIGNATURE_BYTES, unpacked } from './intake/index.ts';

/** The beginning of a file, for guesses about the rest. */
export interface Head {
  /** Where it lies: whole lines of UTF-8 without a byte order mark; the file itself where that is parquet. */
  readonly path: string;
  readonly parquet: boolean;
  readonly text: string;
  /** What the bytes seem to be, as a label of the WHATWG encoding standard; undefined: UTF-8, or a byte order mark says it. */
  readonly encoding?: string;
  /** It is the whole file. */
  readonly whole: boolean;
}

/** A guess gets no better with more than this. */
const MOST = 4 << 20;
/** A quote that is open where the head ends closes on a later line. */
const LINES_TRIED = 500;

/**
 * The first lines of a file, unpacked and in UTF-8.
 * @param path where to write them
 * @throws Refusal for what no reader could use
 */
export async function headOf(file: string, path: string, most = MOST): Promise<Head> {
  const start = await firstBytes(file);
  if (!packingOf(start) && start.subarray(0, 4).toString('latin1') === 'PAR1') {
    return { path: file, parquet: true, text: '', whole: true };
  }
  const { bytes, whole } = await plainBytes(file, `${path}.zip`, most);
  const encoding = encodingOf(bytes);
  const decoded = new TextDecoder(encoding.label, { ignoreBOM: false }).decode(bytes);
  const text = whole ? decoded : wholeLines(decoded);
  await writeFile(path, text);
  return { path, parquet: false, text, whole, ...(encoding.stated && { encoding: encoding.label }) };
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SIGNATURE_BYTES), 0, SIGNATURE_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

async function plainBytes(file: string, scratch: string, most: number) {
  const chunks: Uint8Array[] = [];
  let length = 0;
  let whole = true;
  try {
    for await (const chunk of unpacked(createReadStream(file), scratch)) {
      chunks.push(chunk);
      length += chunk.length;
      if (length <= most) continue;
      whole = false;
      break;
    }
  } finally {
    await rm(scratch, { force: true });
  }
  return { bytes: Buffer.concat(chunks), whole };
}

/** Marks decide; else UTF-8 where all is; else zeros in every other byte are UTF-16, and the rest mostly is Windows'. */
function encodingOf(bytes: Buffer): { label: string; stated: boolean } {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return { label: 'utf-16le', stated: false };
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return { label: 'utf-16be', stated: false };
  const zeros = [0, 0];
  for (let i = 0; i < Math.min(bytes.length, 512); i++) if (bytes[i] === 0) zeros[i & 1]! += 1;
  if (Math.max(...zeros) > 8) return { label: zeros[1]! > zeros[0]! ? 'utf-16le' : 'utf-16be', stated: true };
  // The head may end within a character.
  for (let cut = 0; cut < 4; cut++) {
    if (isUtf8(bytes.subarray(0, bytes.length - cut))) return { label: 'utf-8', stated: false };
  }
  return { label: 'windows-1252', stated: true };
}

function wholeLines(text: string): string {
  let end = text.lastIndexOf('\n') + 1;
  for (let line = 0; line < LINES_TRIED && end > 1; line++) {
    const kept = text.slice(0, end);
    if ((kept.split('"').length - 1) % 2 === 0) return kept;
    end = text.lastIndexOf('\n', end - 2) + 1;
  }
  return text.slice(0, text.lastIndexOf('\n') + 1);
}
