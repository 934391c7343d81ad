import { join } from 'node:path';
import { type Graph, type Parameter, readModelFile } from '../onnx/index.ts';
import { FolderError } from './errors.ts';
import { type Reference, read } from './reference.ts';

/** A weight of the reference in an imported graph. */
export interface Weight {
  /** Of the graph's parameter. */
  readonly parameter: string;
  /** The graph holds it as (in, out), the reference as (out, in). */
  readonly transposed: boolean;
}

/** A model file, imported, and where each of the reference's weights is in it. */
export interface Encoder {
  readonly file: string;
  /** Both axes of the inputs fixed to the reference's batches. */
  readonly graph: Graph;
  /** By the reference's names. */
  readonly weights: ReadonlyMap<string, Weight>;
  /** The reference's weights that the file does not hold: left out, folded away or fused by its exporter. */
  readonly absent: readonly string[];
  /** Name of the output with the hidden states, (batch, sequence, width). */
  readonly hidden: string;
}

/**
 * Imports a model file of the folder.
 * @throws FolderError when the file is missing or its output is no hidden state; GraphError when it cannot be imported
 */
export async function openEncoder(reference: Reference, file: string, batch: number): Promise<Encoder> {
  await read(reference.folder, file);
  const path = join(reference.folder, file);
  const first = await readModelFile(path);
  const dims = inputSizes(reference, file, first, batch);
  const plain = await readModelFile(path, { dims });
  const tied = tiedAliases(reference, file, plain);
  const graph = tied.length === 0 ? plain : await readModelFile(path, { dims, tied });
  const weights = locate(reference, file, graph);
  const absent = reference.figures.param_names.filter((name) => !isHead(name) && !weights.has(name));
  return { file, graph, weights, absent, hidden: hiddenOutput(file, graph) };
}

export const isHead = (name: string): boolean => name.startsWith('head.');

/** Sizes of the inputs' named axes, read off the reference's batches, with `batch` examples. */
function inputSizes(
  { tensors }: Reference,
  file: string,
  graph: Graph,
  batch: number,
): Record<string, number> {
  const dims: Record<string, number> = {};
  for (const { name, shape } of graph.inputs) {
    const given = tensors[`batch0.${name}`];
    if (!given) {
      throw new FolderError(
        `${file} has an input ${name}, for which parity.safetensors has no tensor batch0.${name}`,
      );
    }
    shape.forEach((dim, axis) => {
      if (typeof dim === 'string') dims[dim] = axis === 0 ? batch : given.shape[axis]!;
    });
  }
  return dims;
}

/**
 * Where each weight lies. A parameter under the weight's own name comes first: exporters that store equal weights once give
 * the others as aliases under their own names, while a map made by values may name the one that was stored for all.
 */
function locate({ figures }: Reference, file: string, graph: Graph): Map<string, Weight> {
  const map = figures.onnx[file]!.weight_map;
  const parameters = new Map(graph.parameters.map((parameter) => [parameter.name, parameter]));
  const found = new Map<string, Weight>();
  for (const name of figures.param_names) {
    const entry = map[name];
    const shared = Object.values(map).filter((other) => other?.initializer === entry?.initializer).length > 1;
    const own = [...parameters.keys()].find((key) => key === name || key.endsWith(`.${name}`));
    if (own !== undefined && (shared || !entry?.initializer)) {
      found.set(name, { parameter: own, transposed: entry?.transposed ?? false });
    } else if (entry?.initializer && parameters.has(entry.initializer)) {
      found.set(name, { parameter: entry.initializer, transposed: entry.transposed });
    }
  }
  return found;
}

/**
 * Layers that share a weight have one name in the reference. Where the exporter wrote the later uses as aliases, those that
 * belong to no other weight and hold the same values are the same weight.
 */
function tiedAliases(reference: Reference, file: string, graph: Graph): string[][] {
  const claimed = new Set([...locate(reference, file, graph).values()].map(({ parameter }) => parameter));
  const known = graph.parameters.filter(({ name }) => claimed.has(name));
  const groups = new Map<string, string[]>();
  for (const alias of graph.parameters.filter(({ name }) => !claimed.has(name))) {
    const twin = known.find((parameter) => sameValues(parameter, alias));
    if (twin) groups.set(twin.name, [...(groups.get(twin.name) ?? [twin.name]), alias.name]);
  }
  return [...groups.values()];
}

function sameValues(a: Parameter, b: Parameter): boolean {
  return a.shape.join() === b.shape.join() && a.data.every((value, i) => value === b.data[i]);
}

function hiddenOutput(file: string, graph: Graph): string {
  const found = graph.outputs.find(({ shape }) => shape.length === 3);
  if (!found) {
    const outputs = graph.outputs.map(({ name, shape }) => `${name} [${shape.join(', ')}]`);
    throw new FolderError(`${file} has no output (batch, sequence, width); it has ${outputs.join(', ')}`);
  }
  return found.name;
}
