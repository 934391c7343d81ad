import { DataError } from '../../data/index.ts';

/**
 * Identities of events: 64 bits, which clean writes as 16 hexadecimal digits. In memory and in Arrow they are two words
 * of 32 bits, the low one first: exact, and no object per value, which BigInt would be.
 */

const DIGITS = 16;

const VALUES = new Uint8Array(256).fill(255);
for (const [value, digit] of [...'0123456789abcdef'].entries()) VALUES[digit.charCodeAt(0)] = value;

/**
 * Reads the digits at bytes[start, end) into out[at] and out[at + 1].
 * @throws DataError when they are no identity
 */
export function parseEventId(
  bytes: Uint8Array,
  start: number,
  end: number,
  out: Uint32Array,
  at: number,
  file: string,
): void {
  let wrong = end - start === DIGITS ? 0 : 255;
  let high = 0;
  let low = 0;
  for (let i = start; i < start + 8; i++) {
    const a = VALUES[bytes[i]!]!;
    const b = VALUES[bytes[i + 8]!]!;
    wrong |= a | b;
    high = (high << 4) | a;
    low = (low << 4) | b;
  }
  if (wrong > 15) {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
    throw new DataError(
      `${file}: "${text}" is no event id, expected ${DIGITS} hexadecimal digits; rebuild it from its drop`,
    );
  }
  out[at] = low;
  out[at + 1] = high;
}
