import { ProgramError } from './errors.ts';

const alignment = 64;
const pageBytes = 65_536;
const mostBytes = 65_536 * pageBytes;

/**
 * Zeroed memory whose start lies on a page. JavaScript can not ask where an ArrayBuffer lies, and a reduction in the
 * runtime sums in another order when it starts between two vector registers; WebAssembly memory is page-aligned.
 */
export function alignedBuffer(bytes: number): ArrayBuffer {
  if (bytes > mostBytes) {
    throw new ProgramError(
      `${bytes} bytes do not fit one aligned block of 4 GiB: freeze or split the parameters`,
    );
  }
  return new WebAssembly.Memory({ initial: Math.max(1, Math.ceil(bytes / pageBytes)) }).buffer as ArrayBuffer;
}

/** One float32 array per length, each starting on a multiple of 64 bytes, all in one block. Zeroed. */
export function alignedFloats(lengths: readonly number[]): Float32Array[] {
  const starts: number[] = [];
  let end = 0;
  for (const length of lengths) {
    starts.push(end);
    end += Math.ceil((length * 4) / alignment) * alignment;
  }
  const block = alignedBuffer(end);
  return lengths.map((length, i) => new Float32Array(block, starts[i]!, length));
}
