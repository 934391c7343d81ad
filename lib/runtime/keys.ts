import { InvalidKey } from './errors.ts';
import type { OtherEntry } from './types.ts';

/** S3 allows 1,024 bytes a key; common file systems 255 bytes a name. */
const KEY_BYTES = 1024;
const PART_BYTES = 255;

/**
 * Checks that a key names the same object in every store, a folder and S3 alike, and cannot leave the store's root.
 * @throws InvalidKey
 */
export function checkKey(key: string): void {
  if (key === '') throw new InvalidKey(key, 'it is empty');
  checkText(key);
  for (const part of key.split('/')) checkPart(key, part);
}

/** Why a text is no key; undefined where it is one. */
export function whyNoKey(key: string): string | undefined {
  try {
    checkKey(key);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidKey) return error.message;
    throw error;
  }
}

/**
 * Checks the beginning of keys, as `list` takes it: the last part may be cut short or empty.
 * @throws InvalidKey
 */
export function checkPrefix(prefix: string): void {
  checkText(prefix);
  const parts = prefix.split('/');
  const last = parts.pop();
  for (const part of parts) checkPart(prefix, part);
  if (last) checkPart(prefix, last);
}

function checkText(key: string): void {
  if (Buffer.byteLength(key) > KEY_BYTES) throw new InvalidKey(key, `it is longer than ${KEY_BYTES} bytes`);
  if (key.includes('\\')) throw new InvalidKey(key, "it holds '\\', which is a separator on some systems");
  if (/\p{Cc}/u.test(key)) throw new InvalidKey(key, 'it holds a control character');
  if (/\p{Surrogate}/u.test(key))
    throw new InvalidKey(key, 'it holds half a surrogate pair, which has no UTF-8');
}

function checkPart(key: string, part: string): void {
  if (part === '') throw new InvalidKey(key, "one of its parts between '/' is empty");
  if (part.startsWith('.')) throw new InvalidKey(key, 'a part starts with a dot: such files are hidden');
  if (Buffer.byteLength(part) > PART_BYTES) {
    throw new InvalidKey(key, `one of its parts is longer than ${PART_BYTES} bytes`);
  }
}

/** Order of keys in S3: by their UTF-8 bytes, which differs from JavaScript's order of UTF-16 units. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    // Halves of a pair stand for characters behind all that have one unit.
    if (x !== y) return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

const isSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdfff;

/** What a listing tells of a name with a leading dot: systems and copying tools mean such files to be hidden. */
export function hiddenEntry(key: string): OtherEntry {
  return { key, kind: 'hidden', reason: 'its name starts with a dot', hint: 'rename it to have it read' };
}
