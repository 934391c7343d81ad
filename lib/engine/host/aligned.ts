import { ProgramError } from './errors.ts';
import { attachKernels } from './kernels/index.ts';

const alignment = 64;
const pageBytes = 65_536;
const mostBytes = 65_536 * pageBytes;

/**
 * Zeroed memory whose start lies on a page. JavaScript cannot ask where an ArrayBuffer lies, and a reduction in the
 * runtime sums in another order when it starts between two vector registers; WebAssembly memory is page-aligned.
 */
export function alignedBuffer(bytes: number): ArrayBuffer {
  return checkedMemory(bytes).buffer as ArrayBuffer;
}

function checkedMemory(bytes: number): WebAssembly.Memory {
  if (bytes > mostBytes) {
    throw new ProgramError(
      `${bytes} bytes do not fit one aligned block of 4 GiB: freeze or split the parameters`,
    );
  }
  return new WebAssembly.Memory({ initial: Math.max(1, Math.ceil(bytes / pageBytes)) });
}

/** One float32 array per length, each starting on a multiple of 64 bytes, all in one block. Zeroed. */
export function alignedFloats(lengths: readonly number[]): Float32Array[] {
  return alignedGroups([lengths])[0]!;
}

/**
 * Groups of such arrays: a parameter, its gradient and its moments. Each group lies in one block, so that the vector
 * kernels reach all of it at once; there are more blocks than one only beyond 4 GiB.
 */
export function alignedGroups(groups: readonly (readonly number[])[]): Float32Array[][] {
  const blocks: { bytes: number; members: { group: number; starts: number[] }[] }[] = [];
  groups.forEach((lengths, group) => {
    let block = blocks.at(-1);
    const needed = lengths.reduce((sum, length) => sum + alignedBytes(length), 0);
    if (!block || block.bytes + needed > mostBytes) {
      block = { bytes: 0, members: [] };
      blocks.push(block);
    }
    const starts: number[] = [];
    for (const length of lengths) {
      starts.push(block.bytes);
      block.bytes += alignedBytes(length);
    }
    block.members.push({ group, starts });
  });
  const arrays: Float32Array[][] = [];
  for (const { bytes, members } of blocks) {
    const memory = checkedMemory(bytes);
    attachKernels(memory);
    for (const { group, starts } of members) {
      const lengths = groups[group]!;
      arrays[group] = starts.map(
        (start, i) => new Float32Array(memory.buffer as ArrayBuffer, start, lengths[i]!),
      );
    }
  }
  return arrays;
}

function alignedBytes(length: number): number {
  return Math.ceil((length * 4) / alignment) * alignment;
}
