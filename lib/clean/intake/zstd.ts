import { Decompress } from 'fzstd';
import xxhash from 'xxhash-wasm';
import { Refusal } from '../errors.ts';

const FRAME = 0xfd2fb528;
/** Of frames that hold no data: the last four bits are free. */
const SKIPPABLE = 0x184d2a50;
const RAW_LENGTH_BLOCK = 1;

/**
 * Unpacks zstd (RFC 8878). The library decodes frames and checks no sums, so the frames are walked here, block by block:
 * a frame's end is known, and its checksum is held against its content.
 * @throws Refusal for broken or truncated data
 */
export async function* unzstd(packed: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const { create64 } = await xxhash();
  const input = new Reader(packed);
  for (let frame = 0; ; frame++) {
    const start = await input.upTo(4);
    if (start.length === 0) return;
    if (start.length < 4) throw broken('it ends within a frame');
    const magic = Buffer.from(start).readUInt32LE();
    if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE) {
      await input.skip(Buffer.from(await input.exactly(4)).readUInt32LE());
      continue;
    }
    if (magic !== FRAME) throw broken(frame === 0 ? 'no frame begins there' : 'foreign bytes follow its end');
    const out: Uint8Array[] = [];
    const decoder = new Decompress((chunk) => out.push(Uint8Array.from(chunk)));
    const sum = create64();
    const { header, hasChecksum } = await readHeader(input);
    decode(() => decoder.push(Buffer.concat([start, header])));
    for (let last = false; !last; ) {
      const block = await input.exactly(3);
      const bits = block[0]! | (block[1]! << 8) | (block[2]! << 16);
      last = (bits & 1) === 1;
      const size = ((bits >> 1) & 3) === RAW_LENGTH_BLOCK ? 1 : bits >> 3;
      const whole = Buffer.concat([block, await input.exactly(size)]);
      decode(() => decoder.push(whole));
      yield* taken(out, sum);
    }
    const checksum = hasChecksum ? await input.exactly(4) : undefined;
    decode(() => decoder.push(checksum ?? new Uint8Array(), true));
    yield* taken(out, sum);
    if (checksum && Buffer.from(checksum).readUInt32LE() !== Number(sum.digest() & 0xffffffffn)) {
      throw broken('its checksum does not fit');
    }
  }
}

function* taken(out: Uint8Array[], sum: { update(bytes: Uint8Array): unknown }): Generator<Uint8Array> {
  for (const chunk of out.splice(0)) {
    sum.update(chunk);
    yield chunk;
  }
}

/** The rest of a frame's header behind its magic number (RFC 8878, section 3.1.1.1). */
async function readHeader(input: Reader): Promise<{ header: Uint8Array; hasChecksum: boolean }> {
  const first = await input.exactly(1);
  const descriptor = first[0]!;
  const single = (descriptor >> 5) & 1;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const content = [single, 2, 4, 8][descriptor >> 6]!;
  const rest = await input.exactly((single ? 0 : 1) + dictionary + content);
  return { header: Buffer.concat([first, rest]), hasChecksum: ((descriptor >> 2) & 1) === 1 };
}

function decode(work: () => void): void {
  try {
    work();
  } catch (cause) {
    throw broken(cause instanceof Error ? cause.message : String(cause), cause);
  }
}

function broken(why: string, cause?: unknown): Refusal {
  return new Refusal(
    `the zstd file is broken (${why})`,
    'the upload was probably cut off: drop the whole file again; nothing of it was used',
    { cause },
  );
}

/** Bytes in the sizes that a format asks for. */
class Reader {
  readonly #chunks: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array();

  constructor(bytes: AsyncIterable<Uint8Array>) {
    this.#chunks = bytes[Symbol.asyncIterator]();
  }

  /** Fewer only at the end of the data. */
  async upTo(count: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let missing = count;
    while (missing > 0) {
      if (this.#rest.length === 0) {
        const next = await this.#chunks.next();
        if (next.done) break;
        this.#rest = next.value;
        continue;
      }
      const part = this.#rest.subarray(0, missing);
      this.#rest = this.#rest.subarray(part.length);
      missing -= part.length;
      parts.push(part);
    }
    return parts.length === 1 ? parts[0]! : Buffer.concat(parts);
  }

  async exactly(count: number): Promise<Uint8Array> {
    const bytes = await this.upTo(count);
    if (bytes.length < count) throw broken('it ends within a frame');
    return bytes;
  }

  async skip(count: number): Promise<void> {
    for (let left = count; left > 0; ) left -= (await this.exactly(Math.min(left, 1 << 16))).length;
  }
}
