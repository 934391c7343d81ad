import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRng, float32, int64 } from '../../../lib/engine/host/index.ts';
import {
  attentionProbabilities,
  attentionRollout,
  describeModel,
  explainTexts,
  integratedGradients,
  openTextModel,
} from '../../../lib/engine/inspect/index.ts';
import { rollOut } from '../../../lib/engine/inspect/rollout.ts';
import { meanPool } from '../../../lib/engine/nn/index.ts';
import { encodeModel, GraphBuilder, readModelFile, specialise } from '../../../lib/engine/onnx/index.ts';
import { applyLora } from '../../../lib/engine/peft/index.ts';
import { nightjar } from '../../e2e/command.ts';

const TINY_BERT = fileURLToPath(new URL('../../fixtures/reference/tiny-bert', import.meta.url));
const EXPORTS = ['model.onnx', 'model-sdpa.onnx', 'model-dynamo.onnx'];

/** tiny-bert with a head of two classes on its mean, and its tokenizer. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightjar-inspect-'));
  const encoder = await readModelFile(join(TINY_BERT, 'model.onnx'));
  const g = GraphBuilder.from({ ...encoder, outputs: [] });
  const value = (name: string) => ({ name, ...encoder.values.get(name)! });
  const pooled = meanPool(g, value('last_hidden_state'), value('attention_mask'));
  const weight = createRng('head').uniforms(128, -0.5, 0.5);
  g.output('logits', g.linear(pooled, g.parameter('head.weight', [64, 2], weight)));
  await writeFile(join(folder, 'model.onnx'), encodeModel(g.build(), { parametersAs: 'initializers' }));
  for (const file of ['tokenizer.json', 'tokenizer_config.json'])
    await copyFile(join(TINY_BERT, file), join(folder, file));
});
afterAll(() => rm(folder, { recursive: true }));

describe('what a model is made of', () => {
  it.each(EXPORTS)('layers by structure and the share that LoRA trains, %s', async (file) => {
    // given
    const encoder = await readModelFile(join(TINY_BERT, file));
    const targets = ['query', 'value'];
    const { graph } = applyLora(encoder, { rank: 4, alpha: 8, targets, rng: createRng(0) });
    // when
    const { layers, parameters, inputs } = describeModel(graph, 'lora');
    // then: 2 layers x 2 targets x (A 4 x 64 + B 64 x 4)
    expect(inputs.map(({ name }) => name)).toEqual(['input_ids', 'attention_mask', 'token_type_ids']);
    expect(parameters.trained).toBe(2048);
    expect(parameters.share).toBeCloseTo(2048 / parameters.values, 12);
    expect(layers.map(({ name, values, trained }) => [name, values, trained])).toEqual([
      ['embeddings', 2000 * 64 + 64 * 64 + 2 * 64 + 2 * 64, 0],
      ['layer 0', 49_984 + 1024, 1024],
      ['layer 1', 49_984 + 1024, 1024],
    ]);
  });

  it('a selection that fits nothing is told with the names there are', async () => {
    const encoder = await readModelFile(join(TINY_BERT, 'model.onnx'));
    expect(() => describeModel(encoder, 'head')).toThrow(/fits head; it has embeddings\.word_embeddings/);
  });
});

describe('integrated gradients', () => {
  it('of features: a linear model gives weight x difference, a curved one adds up to the difference', async () => {
    // given
    const g = new GraphBuilder('small');
    const x = g.input('x', 'float32', [2, 3]);
    const weights = g.parameter('w', [3, 2], Float32Array.of(1, 0.5, -2, 1, 0.25, -3));
    const linear = g.matmul(x, weights);
    g.output('linear', linear);
    g.output('curved', g.mul(g.tanh(linear), linear));
    const graph = g.build();
    const feeds = { x: float32(Float32Array.of(1, 2, 3, -1, 0.5, 2), [2, 3]) };
    const baseline = Float32Array.of(0, 1, 0);
    // when
    const straight = await integratedGradients(graph, {
      value: 'x',
      output: 'linear',
      feeds,
      baseline,
      steps: 1,
    });
    const curved = await integratedGradients(graph, { value: 'x', output: 'curved', column: [0, 1], feeds });
    const coarse = await integratedGradients(graph, {
      value: 'x',
      output: 'curved',
      column: [0, 1],
      feeds,
      steps: 8,
    });
    // then
    expect([...straight.data]).toEqual([1, -2, 0.75, -1, 1, 0.5]);
    expect(straight.gap).toBeLessThan(1e-6);
    expect([...curved.atBaseline]).toEqual([0, 0]);
    expect(curved.gap).toBeLessThan(2e-3);
    expect(coarse.gap).toBeGreaterThan(curved.gap);
  });

  it('an output or a baseline that does not fit is told', async () => {
    const g = new GraphBuilder('small');
    g.output('y', g.tanh(g.input('x', 'float32', [2, 3])));
    const graph = g.build();
    const feeds = { x: float32(new Float32Array(6), [2, 3]) };
    const explain = (options: object) =>
      integratedGradients(graph, { value: 'x', output: 'y', feeds, ...options });
    await expect(explain({ output: 'z' })).rejects.toThrow(/z is no float output .* y \[2, 3\]/);
    await expect(explain({ column: 3 })).rejects.toThrow(/column 3, 3 does not fit y \[2, 3\]/);
    await expect(explain({ baseline: new Float32Array(4) })).rejects.toThrow(
      /baseline has 4 numbers; x has 6/,
    );
    await expect(explain({ steps: 0 })).rejects.toThrow(/points from 1, given 0/);
  });
});

describe('attention roll-out', () => {
  it('two layers by hand: halves of the identity, multiplied upwards', () => {
    // given: one head that looks at the other position, then two heads whose mean looks at the first
    const swap = { batch: 1, heads: 1, length: 2, data: Float32Array.of(0, 1, 1, 0) };
    const first = { batch: 1, heads: 2, length: 2, data: Float32Array.of(1, 0, 1, 0, 1, 0, 1, 0) };
    // then: [[1, 0], [1/2, 1/2]] times [[1/2, 1/2], [1/2, 1/2]]
    expect([...rollOut([first]).data]).toEqual([1, 0, 0.5, 0.5]);
    expect([...rollOut([swap, first]).data]).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect([...rollOut([first, swap]).data]).toEqual([0.75, 0.25, 0.75, 0.25]);
  });

  it.each(EXPORTS)('shares add up to one and padding gets none, %s', async (file) => {
    // given
    const encoder = await readModelFile(join(TINY_BERT, file));
    const axes = Object.fromEntries(encoder.inputs[0]!.shape.map((dim, axis) => [dim, axis === 0 ? 1 : 6]));
    const graph = specialise(encoder, axes);
    const feeds = {
      input_ids: int64([2, 40, 50, 3, 0, 0], [1, 6]),
      attention_mask: int64([1, 1, 1, 1, 0, 0], [1, 6]),
      token_type_ids: int64([0, 0, 0, 0, 0, 0], [1, 6]),
    };
    // when
    const { data, length } = await attentionRollout(graph, feeds);
    // then
    expect(attentionProbabilities(graph)).toHaveLength(2);
    expect(length).toBe(6);
    for (let row = 0; row < 4; row++) {
      const shares = [...data.subarray(row * 6, row * 6 + 6)];
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
      expect(shares.slice(0, 4).every((share) => share > 0.02)).toBe(true);
      expect(shares.slice(4)).toEqual([0, 0]);
    }
  });
});

describe('texts', () => {
  it('what their tokens add makes up the output', async () => {
    // given
    const model = await openTextModel(folder);
    // when
    const [explanation] = await explainTexts(model, ['love this dress'], { steps: 128 });
    const { tokens, output } = explanation!;
    // then
    expect(tokens.map(({ token }) => token)).toEqual(['[CLS]', 'love', 'this', 'dress', '[SEP]']);
    const sum = tokens.reduce((total, { attribution }) => total + attribution!, 0);
    const difference = output!.value - output!.atBaseline;
    expect(Math.abs(difference)).toBeGreaterThan(0.02);
    expect(Math.abs(sum - difference)).toBeLessThan(0.02 * Math.abs(difference));
    expect(output!.gap).toBeCloseTo(Math.abs(sum - difference), 5);
    expect(tokens.reduce((total, { rollout }) => total + rollout!, 0)).toBeCloseTo(1, 5);
  });

  it('an encoder without a head has a roll-out alone; a folder without a tokenizer is told', async () => {
    // when
    const [explanation] = await explainTexts(await openTextModel(TINY_BERT), ['love']);
    // then
    expect(explanation!.output).toBeNull();
    expect(explanation!.tokens.map((token) => Object.keys(token))).toEqual(
      Array(3).fill(['token', 'rollout']),
    );
    await expect(openTextModel(join(TINY_BERT, 'nowhere'))).rejects.toThrow(/holds no tokenizer.json/);
  });
});

it('the commands print summary and explanation, and tell what they do not find', async () => {
  // when
  const run = (...args: string[]) => nightjar(['model', ...args], folder);
  const [shown, explained, unknown] = await Promise.all([
    run('show', 'model.onnx', '--lora', 'query', '--rank', '2'),
    run('explain', folder, '--text', 'love this dress', '--steps', '8', '--json'),
    run('show', 'nobody'),
  ]);
  // then
  expect(shown.stdout).toMatch(/input +input_ids +int64 +\[batch_size, sequence_length\]/);
  expect(shown.stdout).toMatch(/layer 0 +\d+ +[\d,]+ +256\n/);
  expect(shown.stdout).toMatch(/0\.\d\d % would be trained/);
  expect([shown.code, explained.code]).toEqual([0, 0]);
  expect(JSON.parse(explained.stdout)[0].tokens).toHaveLength(5);
  expect(unknown.code).not.toBe(0);
  expect(unknown.stderr).toMatch(/^nightjar: /m);
});
