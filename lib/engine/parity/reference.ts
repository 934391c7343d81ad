import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { decodeSafetensors, type Feeds, type HostTensor } from '../host/index.ts';
import { FolderError } from './errors.ts';
import { type Figures, figuresSchema, type Precision } from './schema.ts';

/** Model files with the values another framework computed for them. */
export interface Reference {
  readonly folder: string;
  readonly figures: Figures;
  readonly tensors: Feeds;
  /** Names of the model files, in the order to compare them. */
  readonly files: readonly string[];
}

/**
 * Reads `parity.json` and `parity.safetensors` of a folder. The model files are read when they are compared.
 * @throws FolderError when a file is missing or does not have the form
 */
export async function readReference(folder: string): Promise<Reference> {
  const figures = figuresSchema.safeParse(parse(folder, await read(folder, 'parity.json')));
  if (!figures.success) {
    throw new FolderError(
      `${join(folder, 'parity.json')} does not have the form of a reference: ${z.prettifyError(figures.error)}`,
    );
  }
  const { tensors } = decodeTensors(folder, await read(folder, 'parity.safetensors'));
  return { folder, figures: figures.data, tensors, files: Object.keys(figures.data.onnx).sort() };
}

/** @throws FolderError that names the file and says what a folder holds */
export async function read(folder: string, name: string): Promise<Uint8Array> {
  try {
    return await readFile(join(folder, name));
  } catch (cause) {
    throw new FolderError(
      `${join(folder, name)} cannot be read: a reference folder holds parity.json, parity.safetensors and the model files that parity.json names under "onnx"`,
      { cause },
    );
  }
}

function parse(folder: string, bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch (cause) {
    throw new FolderError(`${join(folder, 'parity.json')} is not JSON`, { cause });
  }
}

function decodeTensors(folder: string, bytes: Uint8Array): ReturnType<typeof decodeSafetensors> {
  try {
    return decodeSafetensors(bytes);
  } catch (cause) {
    throw new FolderError(
      `${join(folder, 'parity.safetensors')} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
      { cause },
    );
  }
}

/** Numbers of a tensor, in float64, with its shape. */
export interface Numbers {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

/** An expected tensor, or undefined where the folder has none of that name. */
export function expected({ tensors }: Reference, name: string): Numbers | undefined {
  const found = tensors[name];
  if (!found) return undefined;
  if (found.type !== 'float32' && found.type !== 'float64')
    throw new FolderError(`tensor ${name} of parity.safetensors is ${found.type}; floats are expected`);
  return { shape: found.shape, data: found.data };
}

/**
 * The expected tensor to hold a result against: that of the float64 run, which has no rounding of its own, and in
 * float32 that of the float32 run where there is no other.
 */
export function expectedIn(
  reference: Reference,
  precision: Precision,
  name: (precision: Precision) => string,
): Numbers | undefined {
  const exact = expected(reference, name('f64'));
  return exact ?? (precision === 'f32' ? expected(reference, name('f32')) : undefined);
}

/** As `expectedIn`, for a figure of parity.json. */
export function figureIn<T>(
  figures: { readonly f32?: T | undefined; readonly f64?: T | undefined } | undefined,
  precision: Precision,
): T | undefined {
  return figures?.f64 ?? (precision === 'f32' ? figures?.f32 : undefined);
}

/** A tensor that the comparison cannot do without. @throws FolderError */
export function needed({ tensors, folder }: Reference, name: string): HostTensor {
  const found = tensors[name];
  if (!found)
    throw new FolderError(`${join(folder, 'parity.safetensors')} has no tensor ${name}, which is needed`);
  return found;
}
