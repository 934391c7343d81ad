import { isUtf8 } from 'node:buffer';
import { Refusal } from '../errors.ts';

const MARKS: readonly (readonly [string, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
];
/** How much of a file's start is looked at where nothing says how it is encoded. */
const LOOKED_AT = 512;

/**
 * The bytes of a text as UTF-8, without byte order mark. A mark decides; else the stated encoding does; else it must be UTF-8.
 * @param encoding a label of the WHATWG encoding standard, as the config states it
 * @throws Refusal at the first byte that is none of the encoding
 */
export async function* decoded(
  bytes: AsyncIterable<Uint8Array>,
  encoding: string | undefined,
): AsyncGenerator<Uint8Array> {
  let decoder: Decoder | undefined;
  let head: Uint8Array = new Uint8Array();
  for await (const chunk of bytes) {
    if (decoder) {
      yield decoder.push(chunk);
      continue;
    }
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk]);
    if (head.length < LOOKED_AT) continue;
    decoder = decoderFor(head, encoding);
    yield decoder.push(head.subarray(decoder.start));
  }
  if (!decoder) {
    decoder = decoderFor(head, encoding);
    yield decoder.push(head.subarray(decoder.start));
  }
  yield decoder.finish();
}

interface Decoder {
  /** Length of the byte order mark, which is not pushed. */
  readonly start: number;
  push(chunk: Uint8Array): Uint8Array;
  finish(): Uint8Array;
}

function decoderFor(head: Uint8Array, stated: string | undefined): Decoder {
  const mark = MARKS.find(([, bytes]) => bytes.every((byte, i) => head[i] === byte));
  const encoding = mark?.[0] ?? (stated === undefined ? 'utf-8' : new TextDecoder(stated).encoding);
  if (!mark && stated === undefined) refuseUnmarkedUtf16(head);
  const start = mark?.[1].length ?? 0;
  return encoding === 'utf-8' ? new Utf8Proof(start, stated) : new OtherEncoding(start, encoding);
}

/** Text of mostly ASCII in UTF-16 has a zero in every other byte. */
function refuseUnmarkedUtf16(head: Uint8Array): void {
  const zeros = [0, 0];
  for (let i = 0; i < Math.min(head.length, LOOKED_AT); i++) if (head[i] === 0) zeros[i & 1]! += 1;
  const [even, odd] = zeros as [number, number];
  const half = Math.min(head.length, LOOKED_AT) / 2;
  if (half < 4 || Math.max(even, odd) < half * 0.5 || Math.min(even, odd) > half * 0.1) return;
  const encoding = odd > even ? 'utf-16le' : 'utf-16be';
  throw new Refusal(
    `the file looks like UTF-16 without a byte order mark (a zero in every other byte)`,
    `set encoding: '${encoding}' for this source, or save the file as UTF-8`,
  );
}

/** Passes UTF-8 on as it is, once it is proven to be that. */
class Utf8Proof implements Decoder {
  readonly start: number;
  readonly #stated: string | undefined;
  #partial: Uint8Array = new Uint8Array();
  #offset: number;

  constructor(start: number, stated: string | undefined) {
    this.start = start;
    this.#offset = start;
    this.#stated = stated;
  }

  push(chunk: Uint8Array): Uint8Array {
    const bytes = this.#partial.length > 0 ? Buffer.concat([this.#partial, chunk]) : chunk;
    const whole = bytes.length - incompleteTail(bytes);
    if (!isUtf8(bytes.subarray(0, whole))) throw this.#notUtf8(bytes.subarray(0, whole));
    this.#partial = bytes.slice(whole);
    this.#offset += whole;
    return bytes.subarray(0, whole);
  }

  finish(): Uint8Array {
    if (this.#partial.length > 0) throw this.#notUtf8(this.#partial);
    return new Uint8Array();
  }

  #notUtf8(bytes: Uint8Array): Refusal {
    const at = this.#offset + firstWrongByte(bytes);
    return new Refusal(
      `the file is not UTF-8 (a wrong byte after byte ${at})`,
      this.#stated === undefined
        ? "set encoding for this source, for example 'windows-1252' or 'latin1', or save the file as UTF-8"
        : 'save the file in the encoding that the config states',
    );
  }
}

class OtherEncoding implements Decoder {
  readonly start: number;
  readonly #encoding: string;
  readonly #decoder: TextDecoder;

  constructor(start: number, encoding: string) {
    this.start = start;
    this.#encoding = encoding;
    this.#decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  }

  push(chunk: Uint8Array): Uint8Array {
    return this.#decode(chunk, true);
  }

  finish(): Uint8Array {
    return this.#decode(new Uint8Array(), false);
  }

  #decode(bytes: Uint8Array, stream: boolean): Uint8Array {
    try {
      return Buffer.from(this.#decoder.decode(bytes, { stream }), 'utf8');
    } catch (cause) {
      throw new Refusal(
        `the file holds bytes that are no ${this.#encoding.toUpperCase()}`,
        'it is cut off, or encoding in the config names another encoding than the file has',
        { cause },
      );
    }
  }
}

/** How many bytes are whole UTF-8 before the first that is not. */
function firstWrongByte(bytes: Uint8Array): number {
  let low = 0;
  let high = bytes.length;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    const whole = middle - incompleteTail(bytes.subarray(0, middle));
    if (isUtf8(bytes.subarray(0, whole))) low = middle;
    else high = middle - 1;
  }
  return low;
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
