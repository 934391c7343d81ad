import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { encodeModel, type Graph, GraphBuilder, interpret } from '../../../lib/engine/onnx/index.ts';
import {
  embeddingGraph,
  embedTexts,
  encoderFeeds,
  openTextEncoder,
  ownEncoder,
  saveTextEncoder,
  type TextModel,
  textEncoder,
} from '../../../lib/engine/text/index.ts';

const TEXTS = [
  'white hanging heart t-light holder',
  'jumbo bag red retrospot',
  'set of 6 cake tins',
  'where is my parcel? it should have come on monday, and nobody answers the phone, please help me',
  'bag',
];

const { encoder, files } = ownEncoder(TEXTS, {
  vocabulary: 90,
  layers: 2,
  width: 16,
  heads: 2,
  maxLength: 24,
});

/** A graph under other names of inputs, as some exporters give them. */
function renamed(graph: Graph, names: Record<string, string>, axes: readonly [string, string]): Graph {
  const rename = (name: string) => names[name] ?? name;
  return {
    ...graph,
    inputs: graph.inputs.map((input) => ({ ...input, name: rename(input.name), shape: axes })),
    nodes: graph.nodes.map((node) => ({ ...node, inputs: node.inputs.map(rename) })),
  };
}

describe('an encoder’s folder', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightjar-encoder-'));
    await saveTextEncoder(folder, encoder, files);
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is read back as it was written', async () => {
    // when
    const read = await openTextEncoder(folder);
    // then
    expect(read).toMatchObject({ hidden: 'last_hidden_state', width: 16, maxLength: 24 });
    expect(read.graph.inputs.map(({ name, shape }) => [name, ...shape])).toEqual([
      ['input_ids', 'batch', 'sequence'],
      ['attention_mask', 'batch', 'sequence'],
    ]);
    expect(read.graph.parameters.map(({ name }) => name).sort()).toEqual(
      encoder.graph.parameters.map(({ name }) => name).sort(),
    );
    expect(await embedTexts(read, TEXTS)).toEqual(await embedTexts(encoder, TEXTS));
  });

  it('is refused where files are missing or do not belong together', async () => {
    // given
    const alphabet = ['abcdefghij klmnop qrstuvwxyz 0123456789'];
    const other = ownEncoder(alphabet, { vocabulary: 200, layers: 1, width: 16, heads: 2, maxLength: 24 });
    const mixed = await mkdtemp(join(tmpdir(), 'nightjar-mixed-'));
    // when / then
    await expect(openTextEncoder(mixed)).rejects.toThrow(/no model.onnx or onnx\/model.onnx/);
    await writeFile(join(mixed, 'model.onnx'), await readFile(join(folder, 'model.onnx')));
    await expect(openTextEncoder(mixed)).rejects.toThrow(/no tokenizer.json/);
    await writeFile(join(mixed, 'tokenizer.json'), '[]');
    await expect(openTextEncoder(mixed)).rejects.toThrow(/tokenizer.json cannot be read/);
    await saveTextEncoder(mixed, { ...encoder, graph: other.encoder.graph }, files);
    await expect(openTextEncoder(mixed)).rejects.toThrow(/do not belong together/);
    await expect(openTextEncoder(folder, { model: 'model-sdpa.onnx' })).rejects.toThrow(/no model-sdpa.onnx/);
    await expect(openTextEncoder(folder, { maxLength: 25 })).rejects.toThrow(/more than the 24 tokens/);
    await rm(mixed, { recursive: true });
  });
});

describe('textEncoder', () => {
  it('finds inputs by their names or by what is left, whatever the axes are called', () => {
    // given
    const telling = renamed(encoder.graph, { input_ids: 'tokens', attention_mask: 'padding_mask' }, [
      'N',
      'L',
    ]);
    const silent = renamed(encoder.graph, { input_ids: 'input.1', attention_mask: 'input.2' }, ['a', 'b']);
    for (const graph of [telling, silent]) {
      // when
      const found = textEncoder(graph, encoder.tokenizer);
      // then
      expect(found.graph.inputs).toEqual(encoder.graph.inputs);
      expect(found.width).toBe(16);
    }
  });

  it('refuses models that are no text encoders, and says what they have', () => {
    // given
    const scores = new GraphBuilder('language-model');
    const ids = scores.input('input_ids', 'int64', ['batch', 'sequence']);
    const table = scores.parameter('table', [90, 90], new Float32Array(8100));
    scores.output('logits', scores.gather(table, ids));
    const pixels = new GraphBuilder('pictures');
    pixels.output('y', pixels.relu(pixels.input('pixels', 'float32', ['batch', 3, 8, 8])));
    // when / then
    expect(() => textEncoder(scores.build(), encoder.tokenizer, { vocab_size: 90 })).toThrow(
      /no output holds hidden states.*logits \(3, 7, 90\)/,
    );
    expect(() => textEncoder(pixels.build(), encoder.tokenizer)).toThrow(/pixels float32 \(batch, 3, 8, 8\)/);
  });

  it('counts the positions that a family keeps for padding', () => {
    // given
    const roberta = { model_type: 'roberta', max_position_embeddings: 20 };
    // when / then: positions begin behind the padding id
    expect(textEncoder(encoder.graph, encoder.tokenizer, roberta).maxLength).toBe(19);
  });
});

describe('embedTexts', () => {
  let vectors: Float32Array;
  beforeAll(async () => {
    vectors = await embedTexts(encoder, TEXTS, { batchSize: 2 });
  });
  const row = (values: Float32Array, i: number) => Array.from(values.subarray(i * 16, (i + 1) * 16));

  it('gives each text the mean of its tokens’ hidden states', () => {
    // given the float64 interpreter on one text
    const { graph, tokenizer } = encoder;
    const feeds = encoderFeeds(graph, tokenizer.encode([TEXTS[1]!]));
    const tensors = Object.fromEntries(
      Object.entries(feeds).map(([name, { shape, data }]) => [
        name,
        { dtype: 'int64' as const, shape, data: data as BigInt64Array },
      ]),
    );
    // when
    const hidden = interpret(graph, tensors)[encoder.hidden]!;
    const tokens = hidden.shape[1]!;
    const mean = Array.from({ length: 16 }, (_, d) => {
      let sum = 0;
      for (let t = 0; t < tokens; t++) sum += hidden.data[t * 16 + d]! / tokens;
      return sum;
    });
    // then
    row(vectors, 1).forEach((value, d) => {
      expect(value).toBeCloseTo(mean[d]!, 5);
    });
  });

  it('depends neither on the other texts, nor on their order, nor on the batch', async () => {
    // given
    const order = [3, 0, 4, 3, 1, 2];
    // when
    const shuffled = await embedTexts(
      encoder,
      order.map((i) => TEXTS[i]!),
      { batchSize: 8 },
    );
    // then
    order.forEach((i, at) => {
      row(shuffled, at).forEach((value, d) => {
        expect(value).toBeCloseTo(row(vectors, i)[d]!, 5);
      });
    });
    expect(row(shuffled, 0)).toEqual(row(shuffled, 3));
  });

  it('encodes equal texts once', async () => {
    // given
    const told: [number, number][] = [];
    // when
    await embedTexts(encoder, ['bag', 'bag', 'tins', 'bag'], {
      onProgress: (done, of) => told.push([done, of]),
    });
    // then
    expect(told.at(-1)).toEqual([2, 2]);
  });

  it('takes an encoder exported for one shape, and refuses longer texts than it takes', async () => {
    // given
    const fixed: TextModel = textEncoder(
      { ...encoder.graph, inputs: encoder.graph.inputs.map((input) => ({ ...input, shape: [2, 12] })) },
      encoder.tokenizer,
    );
    // when
    const own = await embedTexts(fixed, TEXTS.slice(0, 3));
    // then
    expect(fixed.maxLength).toBe(12);
    const open = await embedTexts(encoder, TEXTS.slice(0, 3), { maxLength: 12 });
    own.forEach((value, i) => {
      expect(value).toBeCloseTo(open[i]!, 5);
    });
    await expect(embedTexts(fixed, TEXTS, { maxLength: 13 })).rejects.toThrow(/more than the 12 tokens/);
  });

  it('makes one graph of encoder and pooling', () => {
    // when
    const graph = embeddingGraph(encoder, 'first');
    // then
    expect(graph.outputs).toMatchObject([{ name: 'text.embedding', shape: ['batch', 16] }]);
    expect(encodeModel(graph, { parametersAs: 'initializers' }).length).toBeGreaterThan(10_000);
  });
});
