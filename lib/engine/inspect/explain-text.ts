import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Feeds, int64 } from '../host/index.ts';
import {
  encodeModel,
  type Graph,
  readModelFile,
  selectOutputs,
  specialise,
  type Value,
} from '../onnx/index.ts';
import { lookupsOf } from '../robust/index.ts';
import { TextTokenizer } from '../text/index.ts';
import { openSession } from '../train/index.ts';
import { InspectError } from './errors.ts';
import { integratedGradients } from './integrated-gradients.ts';
import { attentionProbabilities, attentionRollout } from './rollout.ts';

/** A text model of a folder: an encoder, with or without a head. */
export interface TextModel {
  readonly graph: Graph;
  readonly tokenizer: TextTokenizer;
}

export interface TextExplanation {
  readonly text: string;
  readonly tokens: readonly {
    readonly token: string;
    /** What it added to the output, by integrated gradients; absent for a model without such an output. */
    readonly attribution?: number;
    /** Its share in the first position after the last layer, by attention roll-out; absent without attention. */
    readonly rollout?: number;
  }[];
  /** The output that is explained, its value, and the value with all token embeddings zero; null without one. */
  readonly output: {
    readonly name: string;
    readonly column: number;
    readonly value: number;
    readonly atBaseline: number;
    /** What the attributions leave of the difference. */
    readonly gap: number;
  } | null;
}

/**
 * Opens `model.onnx` (or another file) and `tokenizer.json` of a folder.
 * @throws InspectError when a file is missing, GraphError when the model cannot be imported
 */
export async function openTextModel(folder: string, file = 'model.onnx'): Promise<TextModel> {
  const json = await jsonOf(folder, 'tokenizer.json');
  if (!json)
    throw new InspectError(`${folder} holds no tokenizer.json, so texts cannot be given to its model`);
  const tokenizer = new TextTokenizer(json, await jsonOf(folder, 'tokenizer_config.json'));
  return { graph: await readModelFile(join(folder, file)), tokenizer };
}

async function jsonOf(folder: string, name: string): Promise<object | undefined> {
  try {
    const value: unknown = JSON.parse(await readFile(join(folder, name), 'utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

export interface ExplainOptions {
  /** Float output (batch, classes) or (batch); the first of that form by default. */
  readonly output?: string;
  /** Class to explain; the highest of each text by default. */
  readonly column?: number;
  /** Points of the path of integrated gradients. 64 */
  readonly steps?: number;
  /** Cuts texts to so many tokens. */
  readonly maxLength?: number;
}

/**
 * What each token of a text did: integrated gradients of an output by the token embeddings (against zeros), and attention
 * roll-out into the first position.
 * @throws InspectError when the model looks up no token embeddings or has no such output
 */
export async function explainTexts(
  { graph, tokenizer }: TextModel,
  texts: readonly string[],
  options: ExplainOptions = {},
): Promise<TextExplanation[]> {
  const explanations: TextExplanation[] = [];
  for (const text of texts) {
    const length = options.maxLength ?? Math.min(tokenizer.statedLength ?? 512, 512);
    const { ids } = tokenizer.tokenize([text], { maxLength: length });
    const fixed = specialise(graph, openSizes(graph, ids.length));
    const feeds = feedsOf(fixed, ids);
    const shares =
      attentionProbabilities(fixed).length > 0 ? (await attentionRollout(fixed, feeds)).data : undefined;
    const explained = await attributionsOf(fixed, feeds, options);
    explanations.push({
      text,
      tokens: Array.from(ids, (id, i) => ({
        token: tokenizer.token(id) ?? String(id),
        ...(explained ? { attribution: explained.byToken[i]! } : {}),
        ...(shares ? { rollout: shares[i]! } : {}),
      })),
      output: explained?.output ?? null,
    });
  }
  return explanations;
}

/** Axes of the inputs that are open: one example, so many tokens. */
function openSizes({ inputs }: Graph, length: number): Record<string, number> {
  const sizes: Record<string, number> = {};
  for (const { shape } of inputs) {
    shape.forEach((dim, axis) => {
      if (typeof dim === 'string') sizes[dim] = axis === 0 ? 1 : length;
    });
  }
  return sizes;
}

/** One text as the graph's inputs, by their usual names. */
function feedsOf({ inputs }: Graph, ids: Int32Array): Feeds {
  const columns: Record<string, ArrayLike<number>> = {
    input_ids: ids,
    attention_mask: ids.map(() => 1),
    token_type_ids: ids.map(() => 0),
    position_ids: ids.map((_, i) => i),
  };
  return Object.fromEntries(
    inputs.map(({ name, dtype }) => {
      const column = columns[name];
      if (!column || dtype !== 'int64') {
        const known = Object.keys(columns).join(', ');
        throw new InspectError(`the model's input ${name} (${dtype}) is none of ${known} as int64`);
      }
      return [name, int64(column, [1, ids.length])];
    }),
  );
}

async function attributionsOf(
  graph: Graph,
  feeds: Feeds,
  { output: wanted, column, steps }: ExplainOptions,
): Promise<{ byToken: number[]; output: NonNullable<TextExplanation['output']> } | undefined> {
  const isTarget = ({ dtype, shape }: Value) =>
    dtype === 'float32' && (shape.length === 1 || shape.length === 2);
  const output = wanted ?? graph.outputs.find(isTarget)?.name;
  if (output === undefined) return undefined;
  const lookup = lookupsOf(graph, tokenTable(graph)).at(-1)!;
  const chosen = column ?? (await highest(graph, feeds, output));
  const explained = await integratedGradients(graph, {
    value: lookup,
    output,
    column: chosen,
    feeds,
    ...(steps === undefined ? {} : { steps }),
  });
  const width = explained.shape.at(-1)!;
  const byToken = Array.from({ length: explained.data.length / width }, (_, token) =>
    explained.data.subarray(token * width, (token + 1) * width).reduce((sum, value) => sum + value, 0),
  );
  const { at, atBaseline, gap } = explained;
  return {
    byToken,
    output: { name: output, column: chosen, value: at[0]!, atBaseline: atBaseline[0]!, gap },
  };
}

/** The table that input_ids are looked up in. */
function tokenTable({ name: graphName, nodes, parameters }: Graph): string {
  const known = new Set(parameters.map(({ name }) => name));
  const found = nodes.find(
    ({ op, inputs: [table = '', ids] }) => op === 'Gather' && ids === 'input_ids' && known.has(table),
  );
  if (!found) throw new InspectError(`graph ${graphName} looks up no table of token embeddings by input_ids`);
  return found.inputs[0]!;
}

async function highest(graph: Graph, feeds: Feeds, output: string): Promise<number> {
  const part = selectOutputs(graph, [output]);
  const session = await openSession(encodeModel(part, { parametersAs: 'initializers' }));
  try {
    const own = Object.fromEntries(part.inputs.map(({ name }) => [name, feeds[name]!]));
    const data = (await session.run(own))[output]!.data as Float32Array;
    return data.indexOf(Math.max(...data));
  } finally {
    await session.close();
  }
}
