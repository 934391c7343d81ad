import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, normalize } from 'node:path';
import { GraphError } from '../errors.ts';
import type { Graph } from '../graph.ts';
import { type ImportOptions, importFrom } from './model.ts';

/**
 * Reads a model file with the weights that lie in files beside it; see `importModel`. Throws GraphError when a file
 * cannot be read or a weight's file would lie outside the model's folder.
 */
export async function readModelFile(
  path: string,
  options: Omit<ImportOptions, 'externalData'> = {},
): Promise<Graph> {
  let source: Uint8Array;
  try {
    source = await readFile(path);
  } catch (cause) {
    throw new GraphError(
      `The model ${path} cannot be read: ${cause instanceof Error ? cause.message : cause}.`,
      { cause },
    );
  }
  return importFrom(
    source,
    (location, offset, length) => readRange(dirname(path), location, offset, length),
    options,
  );
}

/** Only the bytes of one tensor: a weights file may be larger than one buffer can be. */
function readRange(folder: string, location: string, offset: number, length: number | undefined): Uint8Array {
  if (isAbsolute(location) || normalize(location).startsWith('..'))
    throw new GraphError('it lies outside the folder of the model');
  const path = join(folder, location);
  // Opening a pipe waits for whoever writes to it, and a device has no end.
  const info = statSync(path);
  if (!info.isFile()) throw new GraphError('it is no file');
  if (!(offset >= 0)) throw new GraphError(`a file has no byte ${offset}`);
  const file = openSync(path, 'r');
  try {
    const there = Math.max(0, info.size - offset);
    const bytes = new Uint8Array(Math.min(length ?? there, there));
    let filled = 0;
    while (filled < bytes.length) {
      const count = readSync(file, bytes, filled, bytes.length - filled, offset + filled);
      if (count === 0) return bytes.subarray(0, filled);
      filled += count;
    }
    return bytes;
  } finally {
    closeSync(file);
  }
}
