import { createHash } from 'node:crypto';
import { z } from 'zod';
import { decodeSafetensors, encodeSafetensors, type Feeds, float32 } from '../host/index.ts';
import { type Graph, withParameters } from '../onnx/index.ts';
import { type BottleneckAdapter, insertBottlenecks } from './bottleneck.ts';
import { PeftError } from './errors.ts';
import { insertLora, type LoraAdapter } from './lora.ts';
import { insertPrefix, type PrefixAdapter } from './prefix.ts';

/** Parameters of the graph itself that were tuned, without a rewrite: BitFit, a head, unfrozen layers. */
export interface ParameterAdapter {
  readonly kind: 'parameters';
}

export type Adapter = LoraAdapter | BottleneckAdapter | PrefixAdapter | ParameterAdapter;

const count = z.int().positive();
const adapterSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('lora'),
    rank: count,
    alpha: z.number().positive(),
    rankStabilised: z.boolean(),
    targets: z.array(z.object({ name: z.string(), in: count, out: count })),
  }),
  z.object({
    kind: z.literal('bottleneck'),
    size: count,
    places: z.array(z.object({ name: z.string(), width: count })),
  }),
  z.object({
    kind: z.literal('prefix'),
    length: count,
    attentions: z.array(z.object({ heads: count, headWidth: count })),
  }),
  z.object({ kind: z.literal('parameters') }),
]);

const FORMAT = 'nightjar.adapter.1';

/** Prefixes of the parameters that a rewrite adds; all others are the base's. */
const ADDED: Readonly<Record<Adapter['kind'], string | undefined>> = {
  lora: 'lora.',
  bottleneck: 'adapter.',
  prefix: 'prefix.',
  parameters: undefined,
};

/**
 * The trained parameters of an adapter as a safetensors file: what the rewrite added, and whatever else was trained (a
 * head, biases), with the adapter's settings and a hash of the frozen rest as metadata. `graph` is the tuned graph (that of
 * applyLora, say, with its head). Equal inputs give equal bytes. Throws PeftError when a value is of no parameter.
 */
export function encodeAdapter(
  graph: Graph,
  adapter: Adapter,
  values: Readonly<Record<string, Float32Array>>,
): Uint8Array {
  const shapes = new Map(graph.parameters.map(({ name, shape }) => [name, shape]));
  const tensors: Feeds = {};
  for (const name of Object.keys(values).sort()) {
    const shape = shapes.get(name);
    const data = values[name]!;
    if (!shape || shape.reduce((product, dim) => product * dim, 1) !== data.length) {
      throw new PeftError(
        `Graph ${graph.name} has no parameter ${name} of ${data.length} values; give the graph that was trained.`,
      );
    }
    tensors[name] = float32(data, shape);
  }
  return encodeSafetensors(tensors, {
    format: FORMAT,
    adapter: JSON.stringify(adapter),
    base: baseHash(graph, adapter, Object.keys(values)),
  });
}

/**
 * Puts a stored adapter on its base: the rewritten graph with the trained values, the adapter's settings and the values.
 * The base may be another export of the same weights: tensors count, not their names.
 * Throws PeftError when the file is no adapter, or was trained on other weights; CheckpointError when it is damaged.
 */
export function decodeAdapter(
  bytes: Uint8Array,
  base: Graph,
): { graph: Graph; adapter: Adapter; values: Record<string, Float32Array> } {
  const { tensors, metadata } = decodeSafetensors(bytes);
  const adapter = readAdapter(metadata);
  const values: Record<string, Float32Array> = {};
  for (const [name, { type, data }] of Object.entries(tensors)) {
    if (type !== 'float32')
      throw new PeftError(`${name} of the adapter file is ${type}; float32 is expected.`);
    values[name] = data;
  }
  const hash = baseHash(base, adapter, Object.keys(values));
  if (hash !== metadata.base) {
    throw new PeftError(
      `The adapter was trained on other weights than those of graph ${base.name} (hash ${metadata.base}, here ${hash}): ` +
        'load the model that it was trained on, without changes to its weights.',
    );
  }
  return { graph: withParameters(insertAdapter(base, adapter, values), values), adapter, values };
}

function insertAdapter(base: Graph, adapter: Adapter, values: Readonly<Record<string, Float32Array>>): Graph {
  switch (adapter.kind) {
    case 'lora':
      return insertLora(base, adapter, values);
    case 'bottleneck':
      return insertBottlenecks(base, adapter, values);
    case 'prefix':
      return insertPrefix(base, adapter, values);
    case 'parameters':
      return base;
  }
}

function readAdapter({ format, adapter }: Record<string, string>): Adapter {
  if (format !== FORMAT || adapter === undefined) {
    throw new PeftError(
      `The file is no adapter of Nightjar (format ${format ?? 'none'}, expected ${FORMAT}).`,
    );
  }
  let settings: unknown;
  try {
    settings = JSON.parse(adapter);
  } catch (cause) {
    throw new PeftError('The settings of the adapter file are not JSON; it is damaged.', { cause });
  }
  const read = adapterSchema.safeParse(settings);
  if (read.success) return read.data;
  throw new PeftError(`The adapter file's settings cannot be read: ${z.prettifyError(read.error)}`);
}

/**
 * A hash over the frozen parameters: shapes and values, not names and order, which differ between exports of one model.
 */
function baseHash(graph: Graph, { kind }: Adapter, trained: readonly string[]): string {
  const added = ADDED[kind];
  const left = new Set(trained);
  const frozen = graph.parameters.filter(
    ({ name }) => !left.has(name) && !(added !== undefined && name.startsWith(added)),
  );
  const tensors = frozen.map(({ shape, data }) =>
    createHash('sha256')
      .update(`${shape.join(',')}|`)
      .update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
      .digest('hex'),
  );
  const whole = createHash('sha256');
  // equal tensors count once: exporters store them once, and importers may take them apart
  for (const tensor of [...new Set(tensors)].sort()) whole.update(tensor);
  return whole.digest('hex').slice(0, 32);
}
