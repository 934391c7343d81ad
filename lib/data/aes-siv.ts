import { createCipheriv } from 'node:crypto';

/**
 * AES-SIV without associated data (RFC 5297, sections 2.4 to 2.7) over many short messages at once. The block cipher is
 * OpenSSL's, through Node, which offers no SIV mode: a mode that is built block by block costs a call per message and
 * block there, so the blocks of all messages go through the cipher together, round by round.
 */
export interface AesSiv {
  /** Synthetic IV (16 bytes) followed by the ciphertext, for each message. */
  encrypt(messages: readonly Uint8Array[]): Uint8Array[];
  /** The messages, or undefined in the place of each that was altered or encrypted under another key. */
  decrypt(sealed: readonly Uint8Array[]): (Uint8Array | undefined)[];
}

const BLOCK = 16;
/** Messages that are worked on together: bounds the memory. */
const TOGETHER = 8192;

/** @param key the key of the synthetic IV and that of the cipher, one after the other; 32, 48 or 64 bytes */
export function aesSiv(key: Uint8Array): AesSiv {
  const half = key.length / 2;
  const authenticate = blockCipher(key.subarray(0, half));
  const encipher = blockCipher(key.subarray(half));
  const zero = authenticate(new Uint8Array(BLOCK));
  // Of CMAC (RFC 4493, section 2.3): the last block is whole, or was padded.
  const whole = doubled(zero);
  const padded = doubled(whole);
  // S2V begins with the CMAC of a block of zeros.
  const start = authenticate(xor(new Uint8Array(BLOCK), whole));
  const subkeys = { whole, padded, start, short: doubled(start) };

  const transform = (messages: readonly Uint8Array[], ivs: Uint8Array): Uint8Array[] => {
    const counters = counterBlocks(messages, ivs);
    const stream = encipher(counters);
    let at = 0;
    return messages.map((message) => {
      const out = xor(Uint8Array.from(message), stream.subarray(at, at + message.length));
      at += Math.ceil(message.length / BLOCK) * BLOCK;
      return out;
    });
  };

  return {
    encrypt: inParts((messages) => {
      const ivs = syntheticIvs(messages, authenticate, subkeys);
      return transform(messages, ivs).map((text, i) => Buffer.concat([ivAt(ivs, i), text]));
    }),
    decrypt: inParts((sealed) => {
      const ivs = new Uint8Array(sealed.length * BLOCK);
      for (const [i, bytes] of sealed.entries()) ivs.set(bytes.subarray(0, BLOCK), i * BLOCK);
      const messages = transform(
        sealed.map((bytes) => bytes.subarray(BLOCK)),
        ivs,
      );
      const expected = syntheticIvs(messages, authenticate, subkeys);
      return messages.map((message, i) => {
        const genuine = sealed[i]!.length >= BLOCK && ivAt(ivs, i).equals(ivAt(expected, i));
        return genuine ? message : undefined;
      });
    }),
  };
}

type BlockCipher = (blocks: Uint8Array) => Uint8Array;

function blockCipher(key: Uint8Array): BlockCipher {
  // ECB is the bare block cipher; the modes on top of it are SIV's own.
  const cipher = createCipheriv(`aes-${key.length * 8}-ecb`, key, null).setAutoPadding(false);
  return (blocks) => cipher.update(blocks);
}

function inParts<T>(
  work: (messages: readonly Uint8Array[]) => T[],
): (messages: readonly Uint8Array[]) => T[] {
  return (messages) => {
    const all: T[] = [];
    for (let i = 0; i < messages.length; i += TOGETHER) {
      for (const one of work(messages.slice(i, i + TOGETHER))) all.push(one);
    }
    return all;
  };
}

interface Subkeys {
  readonly whole: Uint8Array;
  readonly padded: Uint8Array;
  readonly start: Uint8Array;
  readonly short: Uint8Array;
}

/** S2V of each message alone: CMAC over the message, whose end the subkeys are mixed into. 16 bytes a message. */
function syntheticIvs(
  messages: readonly Uint8Array[],
  authenticate: BlockCipher,
  subkeys: Subkeys,
): Uint8Array {
  const inputs = messages.map((message) => cmacInput(message, subkeys));
  const states = new Uint8Array(messages.length * BLOCK);
  let active = inputs.map((_, i) => i);
  for (let round = 0; active.length > 0; round++) {
    const blocks = new Uint8Array(active.length * BLOCK);
    for (const [place, i] of active.entries()) {
      for (let k = 0; k < BLOCK; k++) {
        blocks[place * BLOCK + k] = states[i * BLOCK + k]! ^ inputs[i]![round * BLOCK + k]!;
      }
    }
    const out = authenticate(blocks);
    for (const [place, i] of active.entries()) {
      states.set(out.subarray(place * BLOCK, (place + 1) * BLOCK), i * BLOCK);
    }
    active = active.filter((i) => inputs[i]!.length > (round + 1) * BLOCK);
  }
  return states;
}

/** The blocks that CMAC chains for one message, the last one mixed with its subkey. */
function cmacInput(message: Uint8Array, { whole, padded, start, short }: Subkeys): Uint8Array {
  const { length } = message;
  if (length < BLOCK) {
    const block = new Uint8Array(BLOCK);
    block.set(message);
    block[length] = 0x80;
    return xor(xor(block, short), whole);
  }
  const input = new Uint8Array(Math.ceil(length / BLOCK) * BLOCK);
  input.set(message);
  xor(input.subarray(length - BLOCK, length), start);
  if (length < input.length) input[length] = 0x80;
  xor(input.subarray(input.length - BLOCK), length < input.length ? padded : whole);
  return input;
}

/** The counters of CTR mode for every block of every message; the IV's 32nd and 64th bit from the right are cleared. */
function counterBlocks(messages: readonly Uint8Array[], ivs: Uint8Array): Uint8Array {
  const blocks = messages.reduce((sum, { length }) => sum + Math.ceil(length / BLOCK), 0);
  const counters = new Uint8Array(blocks * BLOCK);
  const counter = new Uint8Array(BLOCK);
  let at = 0;
  for (const [i, { length }] of messages.entries()) {
    counter.set(ivs.subarray(i * BLOCK, (i + 1) * BLOCK));
    counter[8]! &= 0x7f;
    counter[12]! &= 0x7f;
    for (let done = 0; done < length; done += BLOCK) {
      counters.set(counter, at);
      at += BLOCK;
      for (let k = BLOCK - 1; k >= 0 && (counter[k] = (counter[k]! + 1) & 0xff) === 0; k--);
    }
  }
  return counters;
}

const ivAt = (ivs: Uint8Array, i: number): Buffer =>
  Buffer.from(ivs.buffer, ivs.byteOffset + i * BLOCK, BLOCK);

/** Changes and returns the target. */
function xor(target: Uint8Array, other: Uint8Array): Uint8Array {
  for (let i = 0; i < target.length; i++) target[i]! ^= other[i]!;
  return target;
}

/** Multiplication by x in GF(2^128) (RFC 5297, section 2.3). */
function doubled(block: Uint8Array): Uint8Array {
  const out = new Uint8Array(BLOCK);
  for (let i = 0; i < BLOCK; i++) out[i] = (block[i]! << 1) | (i + 1 < BLOCK ? block[i + 1]! >> 7 : 0);
  if (block[0]! & 0x80) out[BLOCK - 1]! ^= 0x87;
  return out;
}
