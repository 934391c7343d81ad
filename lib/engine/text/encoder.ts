import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Feeds, int32, int64 } from '../host/index.ts';
import {
  type Dim,
  type Graph,
  inferTypes,
  readModelFile,
  selectOutputs,
  specialise,
  type Value,
} from '../onnx/index.ts';
import { TextError } from './errors.ts';
import { findTokenTable } from './token-table.ts';
import { type EncodedTexts, field, smallest, TextTokenizer } from './tokenizer.ts';

/** A text encoder as read from a hub folder: weights are the graph's parameters. */
export interface TextModel {
  /**
   * Computes `hidden` and nothing else. Inputs are named `input_ids`, `attention_mask`, `token_type_ids`,
   * `position_ids`, those of them that the export has, (batch, sequence) each, int64 or int32; axes that the export left open are named
   * `batch` and `sequence`.
   */
  readonly graph: Graph;
  /** Name of the hidden states' value (batch, sequence, width). */
  readonly hidden: string;
  readonly width: number;
  readonly tokenizer: TextTokenizer;
  /** Tokens that the encoder takes, special ones included. */
  readonly maxLength: number;
  /** config.json, where the folder has one. */
  readonly config: Readonly<Record<string, unknown>>;
}

export interface OpenTextEncoderOptions {
  /** The model's file in the folder, where it is neither `model.onnx` nor `onnx/model.onnx`. */
  readonly model?: string;
  /** Cut texts to fewer tokens than the encoder takes. */
  readonly maxLength?: number;
}

/** Where exporters put the model. */
const MODEL_FILES = ['model.onnx', 'onnx/model.onnx'];

/** Tokens where no file tells a limit: every published encoder takes as many. */
const USUAL_LENGTH = 512;

/** Families whose positions count from the padding id on, so that the table holds so many rows more than places. */
const OFFSET_POSITIONS = new Set(['roberta', 'xlm-roberta', 'camembert', 'mpnet', 'longformer', 'xmod']);

const ROLES = ['input_ids', 'attention_mask', 'token_type_ids', 'position_ids'] as const;
type Role = (typeof ROLES)[number];

/**
 * Opens a folder as published on model hubs: `model.onnx` (or `onnx/model.onnx`) with its external data, `tokenizer.json`,
 * and where they are there `tokenizer_config.json` and `config.json`.
 * @throws TextError when a file is missing or the model is no text encoder, GraphError when the import does not know the model
 */
export async function openTextEncoder(
  folder: string,
  options: OpenTextEncoderOptions = {},
): Promise<TextModel> {
  const candidates = options.model ? [options.model] : MODEL_FILES;
  const model = candidates.map((name) => join(folder, name)).find((path) => existsSync(path));
  if (!model) {
    throw new TextError(
      `${folder} holds no ${candidates.join(' or ')}; name the model file if it is another`,
    );
  }
  const tokenizerJson = await readJson(join(folder, 'tokenizer.json'));
  if (!tokenizerJson) {
    throw new TextError(
      `${folder} holds no tokenizer.json; save the tokenizer in its fast form beside the model`,
    );
  }
  const config = (await readJson(join(folder, 'config.json'))) ?? {};
  const tokenizer = new TextTokenizer(tokenizerJson, await readJson(join(folder, 'tokenizer_config.json')));
  return textEncoder(await readModelFile(model), tokenizer, config, options.maxLength);
}

/**
 * An encoder out of its parts.
 * @param graph integer inputs (batch, sequence), among the outputs one of hidden states (batch, sequence, width)
 * @throws TextError when inputs or outputs are not those of a text encoder, or the tokenizer has more ids than the encoder
 */
export function textEncoder(
  graph: Graph,
  tokenizer: TextTokenizer,
  config: Readonly<Record<string, unknown>> = {},
  maxLength?: number,
): TextModel {
  const named = inferTypes(withRoles(graph, inputRoles(graph)));
  const { hidden, width } = findHidden(named, config);
  const length = encoderLength(named, tokenizer, config);
  if (maxLength !== undefined && maxLength > length) {
    throw new TextError(`maxLength ${maxLength} is more than the ${length} tokens that the encoder takes`);
  }
  const vocabulary = findTokenTable(named)?.shape[0] ?? config.vocab_size;
  if (typeof vocabulary === 'number' && tokenizer.size > vocabulary) {
    throw new TextError(
      `the tokenizer has ids up to ${tokenizer.size - 1}, the encoder ${vocabulary} embeddings: they do not belong together`,
    );
  }
  return {
    graph: selectOutputs(named, [hidden]),
    hidden,
    width,
    tokenizer,
    maxLength: maxLength ?? length,
    config,
  };
}

/** The axes of a graph's texts: a name where the export left them open, else the size it was exported with. */
export function textAxes({ inputs }: Pick<Graph, 'inputs'>): { batch: Dim; sequence: Dim } {
  const [batch, sequence] = inputs.find(({ name }) => name === 'input_ids')!.shape;
  return { batch: batch!, sequence: sequence! };
}

/** The graph for batches of one shape. @throws TextError when it was exported for another */
export function encoderOfShape(graph: Graph, batch: number, sequence: number): Graph {
  const axes = textAxes(graph);
  const sizes: Record<string, number> = {};
  for (const [axis, size] of Object.entries({ batch, sequence })) {
    const dim = axis === 'batch' ? axes.batch : axes.sequence;
    if (typeof dim === 'string') sizes[dim] = size;
    else if (dim !== size) {
      throw new TextError(
        `the encoder was exported for a fixed ${axis} of ${dim}, not ${size}: export it with dynamic axes`,
      );
    }
  }
  return specialise(graph, sizes);
}

/** Feeds of a padded batch for those of the encoder's inputs that a graph reads. */
export function encoderFeeds(graph: Pick<Graph, 'inputs'>, texts: EncodedTexts): Feeds {
  const rows = texts.lengths.length;
  const shape = [rows, texts.length];
  const feeds: Feeds = {};
  for (const { name, dtype } of graph.inputs) {
    if (!isRole(name)) continue;
    const data = roleData(name, texts);
    feeds[name] =
      dtype === 'int64' ? int64(BigInt64Array.from(data, BigInt), shape) : int32(data.slice(), shape);
  }
  return feeds;
}

function roleData(role: Role, { ids, mask, length }: EncodedTexts): Int32Array {
  switch (role) {
    case 'input_ids':
      return ids;
    case 'attention_mask':
      return mask;
    case 'token_type_ids':
      return new Int32Array(ids.length);
    case 'position_ids':
      return Int32Array.from(ids, (_, i) => i % length);
  }
}

const isRole = (name: string): name is Role => (ROLES as readonly string[]).includes(name);

/** What each integer input of rank 2 is, by its name; one without a telling name is what is missing, in the usual order. */
function inputRoles(graph: Graph): Map<string, Role> {
  const roles = new Map<string, Role>();
  const isInteger = ({ dtype }: Value) => dtype === 'int64' || dtype === 'int32';
  const texts = graph.inputs.filter((input) => isInteger(input) && input.shape.length === 2);
  const others = graph.inputs.filter((input) => !texts.includes(input));
  const describe = ({ name, dtype, shape }: Value) => `${name} ${dtype} (${shape.join(', ')})`;
  if (others.length > 0 || texts.length === 0) {
    throw new TextError(
      `a text encoder's inputs are integers (batch, sequence); this model has ${graph.inputs.map(describe).join(', ') || 'none'}`,
    );
  }
  const free = new Set<Role>(ROLES);
  const give = ({ name }: Value, role: Role | undefined) => {
    if (!role || !free.delete(role)) {
      throw new TextError(
        `it is not plain what the model's inputs ${texts.map(describe).join(', ')} are; expected were ${ROLES.join(', ')}`,
      );
    }
    roles.set(name, role);
  };
  const telling: readonly [RegExp, Role][] = [
    [/mask/i, 'attention_mask'],
    [/type|segment/i, 'token_type_ids'],
    [/position/i, 'position_ids'],
    [/ids|tokens?$/i, 'input_ids'],
  ];
  const unnamed: Value[] = [];
  for (const input of texts) {
    const role = telling.find(([pattern]) => pattern.test(input.name))?.[1];
    if (role) give(input, role);
    else unnamed.push(input);
  }
  for (const input of unnamed) give(input, [...free][0]);
  if (free.has('input_ids')) {
    throw new TextError(`none of the inputs ${texts.map(describe).join(', ')} holds token ids`);
  }
  return roles;
}

/** The graph with inputs and open axes under their usual names. */
function withRoles(graph: Graph, roles: ReadonlyMap<string, Role>): Graph {
  const taken = new Set([
    ...graph.initializers.map(({ name }) => name),
    ...graph.parameters.map(({ name }) => name),
    ...graph.nodes.flatMap(({ outputs }) => outputs),
  ]);
  for (const role of roles.values()) {
    if (taken.has(role)) throw new TextError(`the model calls a value ${role} that is not that input`);
  }
  const rename = (name: string) => roles.get(name) ?? name;
  const axes = ['batch', 'sequence'];
  return {
    ...graph,
    inputs: graph.inputs.map(({ name, dtype, shape }) => ({
      name: rename(name),
      dtype,
      shape: shape.map((dim, axis) => (typeof dim === 'string' ? axes[axis]! : dim)),
    })),
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) })),
  };
}

/** Sizes for a look at the outputs: unlike each other and what widths are. */
const PROBE = { batch: 3, sequence: 7 };

/** The output with a vector for each token. Sentence vectors are of rank 2; a language model's scores are as wide as the vocabulary. */
function findHidden(
  graph: Graph,
  config: Readonly<Record<string, unknown>>,
): { hidden: string; width: number } {
  const axes = textAxes(graph);
  const size = (dim: Dim, probe: number) => (typeof dim === 'number' ? dim : probe);
  const [batch, sequence] = [size(axes.batch, PROBE.batch), size(axes.sequence, PROBE.sequence)];
  const outputs = encoderOfShape(graph, batch, sequence).outputs;
  const found = outputs.filter(
    ({ dtype, shape }) =>
      dtype === 'float32' && shape.length === 3 && shape[0] === batch && shape[1] === sequence,
  );
  const hidden =
    found.find(({ name }) => name === 'last_hidden_state') ??
    found.find(({ shape }) => shape[2] === config.hidden_size) ??
    found.find(({ shape }) => shape[2] !== config.vocab_size);
  const width = hidden?.shape[2];
  if (!hidden || typeof width !== 'number') {
    const listed = outputs.map(({ name, shape }) => `${name} (${shape.join(', ')})`).join(', ');
    throw new TextError(
      `no output holds hidden states (batch, sequence, width); for ${batch} texts of ${sequence} tokens the outputs are ${listed}. Export the encoder without its head (task feature-extraction)`,
    );
  }
  return { hidden: hidden.name, width };
}

/** Tokens that positions reach for, and the tokenizer's own limit. */
function encoderLength(
  graph: Graph,
  tokenizer: TextTokenizer,
  config: Readonly<Record<string, unknown>>,
): number {
  const { sequence } = textAxes(graph);
  if (typeof sequence === 'number') return sequence;
  const rows = config.max_position_embeddings;
  const offset = OFFSET_POSITIONS.has(String(config.model_type)) ? tokenizer.padId + 1 : 0;
  const places = typeof rows === 'number' ? rows - offset : undefined;
  return smallest([places, tokenizer.statedLength]) ?? USUAL_LENGTH;
}

async function readJson(path: string): Promise<Record<string, unknown> | undefined> {
  if (!existsSync(path)) return undefined;
  try {
    const json: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (field(json, 'constructor') === undefined || Array.isArray(json))
      throw new TextError('it is no object');
    return json as Record<string, unknown>;
  } catch (cause) {
    throw new TextError(`${path} cannot be read: ${cause instanceof Error ? cause.message : cause}`, {
      cause,
    });
  }
}
