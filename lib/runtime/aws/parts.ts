import type { ObjectBody } from '../types.ts';

/** S3 takes parts from 5 MiB; a few of them in flight are all that is held of a stream. */
export const PART_BYTES = 8 << 20;

/**
 * A body cut into parts of PART_BYTES, the last one shorter; at least one, if empty. Errors of the body are passed on
 * as they are.
 */
export async function* partsOf(body: ObjectBody): AsyncGenerator<Uint8Array> {
  if (typeof body === 'string') yield* slices(Buffer.from(body));
  else if (body instanceof Uint8Array) yield* slices(body);
  else yield* gathered(body);
}

function* slices(bytes: Uint8Array): Generator<Uint8Array> {
  let start = 0;
  do {
    yield bytes.subarray(start, start + PART_BYTES);
    start += PART_BYTES;
  } while (start < bytes.length);
}

/** Copies the pieces, since whoever makes them may use their memory again. */
async function* gathered(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let held: Uint8Array[] = [];
  let size = 0;
  let full = false;
  for await (const piece of pieces) {
    for (let rest = piece; rest.length > 0; ) {
      const taken = rest.slice(0, PART_BYTES - size);
      rest = rest.subarray(taken.length);
      held.push(taken);
      size += taken.length;
      if (size < PART_BYTES) continue;
      yield joined(held);
      full = true;
      held = [];
      size = 0;
    }
  }
  if (size > 0 || !full) yield joined(held);
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const [only] = pieces;
  return only && pieces.length === 1 ? only : Buffer.concat(pieces);
}
