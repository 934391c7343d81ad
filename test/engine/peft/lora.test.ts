import { describe, expect, it } from 'vitest';
import { trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import { createRng, type HostTensor } from '../../../lib/engine/host/index.ts';
import { GraphBuilder, selectOutputs, specialise, withParameters } from '../../../lib/engine/onnx/index.ts';
import {
  applyLora,
  LORA_INPUT,
  linears,
  mergeLora,
  PeftError,
  trainable,
} from '../../../lib/engine/peft/index.ts';
import { insertDropout, openTrainer } from '../../../lib/engine/train/index.ts';
import { exactly, largestDifference } from './oracle.ts';
import { BATCH, batch, classifier, drawn, encoder } from './small.ts';

const rng = createRng(5);
const options = { rank: 2, alpha: 6, targets: ['query', 'value'], rng };

describe('LoRA', () => {
  it('changes no output before training', () => {
    // given
    const base = encoder();
    // when
    const { graph, adapter } = applyLora(base, options);
    // then
    expect(exactly(graph, 'hidden')).toEqual(exactly(base, 'hidden'));
    expect(adapter.targets.map(({ name }) => name)).toEqual([
      'layer.0.attention.self.query',
      'layer.0.attention.self.value',
      'layer.1.attention.self.query',
      'layer.1.attention.self.value',
    ]);
    expect(base.parameters.some(({ name }) => name.startsWith('lora.'))).toBe(false);
  });

  it.each([
    [false, 6 / 2],
    [true, 6 / Math.sqrt(2)],
  ])('adds s (x Aᵀ) Bᵀ, rank-stabilised %s', (rankStabilised, scaling) => {
    // given a layer y = x W + b with LoRA of some A and B
    const build = (changed: boolean) => {
      const g = new GraphBuilder('layer');
      const x = g.input('x', 'float32', ['batch', 4]);
      const draw = (name: string, ...shape: number[]) =>
        g.parameter(
          name,
          shape,
          createRng(name).normals(
            shape.reduce((a, b) => a * b, 1),
            1,
          ),
        );
      const y = g.linear(x, draw('w', 4, 3), draw('a.bias', 3));
      const low = changed ? g.matmulT(x, draw('lora.a.A', 2, 4), { transB: true }) : undefined;
      const change = low && g.matmulT(low, draw('lora.a.B', 3, 2), { transB: true });
      g.output('y', change ? g.add(y, g.mul(change, scaling)) : y);
      return g.build();
    };
    const expected = build(true);
    const { graph } = applyLora(build(false), { ...options, targets: ['a'], rankStabilised });
    const values = Object.fromEntries(expected.parameters.map(({ name, data }) => [name, data]));
    const x = { type: 'float32', shape: [2, 4], data: createRng(1).normals(8) } as const;
    // when
    const outputs = [withParameters(graph, values), expected].map((g) => exactly(g, 'y', { x }));
    // then
    expect(largestDifference(outputs[0]!, outputs[1]!)).toBeLessThan(1e-12);
  });

  it('draws A uniformly within 1/√in, by the name of the layer alone', () => {
    // given
    const base = encoder();
    // when
    const few = applyLora(base, { ...options, targets: ['value'] }).graph;
    const many = applyLora(base, { ...options, targets: ['value', 'query', '*.ffn.*'] }).graph;
    // then
    const name = 'lora.layer.1.attention.self.value.A';
    const [a, same] = [few, many].map((g) => g.parameters.find((p) => p.name === name)!);
    expect(a!.shape).toEqual([2, 8]);
    expect(same!.data).toEqual(a!.data);
    expect(Math.max(...a!.data.map(Math.abs))).toBeLessThanOrEqual(1 / Math.sqrt(8));
    expect(Math.max(...a!.data)).toBeGreaterThan(0.5 / Math.sqrt(8));
  });

  it('drops from what A reads alone', () => {
    // given LoRA of some A and B, with masks that keep nothing
    const base = encoder();
    const { graph } = applyLora(base, options);
    const tuned = specialise(withParameters(graph, drawn(graph, trainable(graph, 'lora'))), { batch: BATCH });
    const { graph: dropping, sites } = insertDropout(tuned, { rate: 0.5, after: [LORA_INPUT] });
    const masks = sites.map(({ input, shape }): [string, HostTensor] => [
      input,
      { type: 'bool', shape, data: new Uint8Array(shape.reduce((a, b) => a * b, 1)) },
    ]);
    // when
    const nothing = exactly(dropping, 'hidden', { ...batch(), ...Object.fromEntries(masks) });
    // then
    expect(sites).toHaveLength(4);
    expect(nothing).toEqual(exactly(base, 'hidden'));
    expect(exactly(tuned, 'hidden')).not.toEqual(nothing);
  });

  it('refuses a second time, and ranks and alphas out of range', () => {
    const { graph } = applyLora(encoder(), options);
    expect(() => applyLora(graph, options)).toThrow(
      /lora\.layer\.0\.attention\.self\.query\.A already: it was tuned/,
    );
    expect(() => applyLora(encoder(), { ...options, rank: 1.5 })).toThrow(PeftError);
    expect(() => applyLora(encoder(), { ...options, alpha: 0 })).toThrow(PeftError);
  });
});

describe('merging', () => {
  it('gives the trained outputs without the LoRA nodes, and says by how much they differ', async () => {
    // given a classifier whose LoRA and head were trained for some steps
    const base = classifier();
    const { graph, adapter } = applyLora(base, { ...options, targets: ['*.self.*', 'ffn.up'] });
    const wrt = trainable(graph, ['lora', 'head']);
    const { model, parameters, lossOutput, gradientOutputs } = trainingGraph(
      specialise(graph, { batch: BATCH }),
      { loss: 'loss', wrt },
    );
    const trainer = await openTrainer({ model, parameters, lossOutput, gradientOutputs });
    const losses: number[] = [];
    for (let step = 0; step < 12; step++) losses.push((await trainer.step(batch(), { lr: 0.03 })).loss);
    const values = await trainer.parameters();
    await trainer.close();
    // when
    const merged = await mergeLora(graph, adapter, values, {
      inputs: [batch(), batch(8)],
      outputs: ['logits'],
    });
    // then
    expect(losses.at(-1)).toBeLessThan(0.7 * losses[0]!);
    expect(merged.maxDifference).toBeLessThan(1e-5);
    const scoring = selectOutputs(base, ['logits']);
    expect(merged.graph.nodes.length).toBe(scoring.nodes.length);
    expect(merged.graph.parameters.map(({ name }) => name)).toEqual(
      scoring.parameters.map(({ name }) => name),
    );
    const tuned = exactly(withParameters(graph, values), 'logits');
    expect(largestDifference(exactly(merged.graph, 'logits'), tuned)).toBeLessThan(1e-6);
    expect(largestDifference(exactly(base, 'logits'), tuned)).toBeGreaterThan(0.1);
  });

  it('copies a weight that an embedding reads too, and handles transposed weights and factors', async () => {
    // given the table as output layer (tied), a Gemm with alpha, and a weight that is used twice
    const g = new GraphBuilder('tied');
    const draw = (name: string, ...shape: number[]) =>
      g.parameter(name, shape, createRng(name).normals(shape.reduce((a, b) => a * b, 1)));
    const table = draw('words', 6, 4);
    let x = g.gather(table, g.input('ids', 'int64', ['batch']));
    x = g.op('Gemm', [x, draw('gemm', 4, 4), draw('gemm.bias', 4)], { transB: 1, alpha: 0.5 });
    const shared = draw('shared', 4, 4);
    x = g.tanh(g.matmulT(g.tanh(g.matmul(x, shared)), shared, { alpha: 2 }));
    g.output('scores', g.matmul(x, g.transpose(table, [1, 0])));
    const base = g.build();
    const { graph, adapter } = applyLora(base, { ...options, targets: ['*'] });
    const values = drawn(graph, trainable(graph, 'lora'));
    const feeds = { ids: { type: 'int64', shape: [3], data: BigInt64Array.of(0n, 5n, 2n) } } as const;
    // when
    const merged = await mergeLora(graph, adapter, values);
    // then
    expect(adapter.targets.map(({ name }) => name)).toEqual(['gemm', 'shared', 'words']);
    expect(merged.maxDifference).toBeUndefined();
    const tuned = exactly(withParameters(graph, values), 'scores', feeds);
    expect(largestDifference(exactly(merged.graph, 'scores', feeds), tuned)).toBeLessThan(1e-5);
    const table2 = merged.graph.parameters.find(({ name }) => name === 'words')!;
    expect(table2.data).toEqual(base.parameters.find(({ name }) => name === 'words')!.data);
    expect(merged.graph.parameters.map(({ name }) => name)).toContain('words.merged');
    expect(linears(merged.graph).some(({ weight }) => weight === 'words.merged')).toBe(true);
  });

  it('finds its layer again where a Reshape stands between product and bias', async () => {
    // given
    const g = new GraphBuilder('reshaped');
    const weight = g.parameter('w', [4, 3], createRng('w').normals(12));
    const product = g.reshape(g.matmul(g.input('x', 'float32', [6, 4]), weight), [2, 3, 3]);
    g.output('y', g.add(product, g.parameter('a.bias', [3], Float32Array.of(1, 2, 3))));
    const { graph, adapter } = applyLora(g.build(), { ...options, targets: ['a'] });
    const values = drawn(graph, trainable(graph, 'lora'));
    const x = { type: 'float32', shape: [6, 4], data: createRng(1).normals(24) } as const;
    // when
    const merged = await mergeLora(graph, adapter, values);
    // then
    const tuned = exactly(withParameters(graph, values), 'y', { x });
    expect(largestDifference(exactly(merged.graph, 'y', { x }), tuned)).toBeLessThan(1e-6);
    expect(largestDifference(exactly(graph, 'y', { x }), tuned)).toBeGreaterThan(0.1);
  });

  it('refuses a graph without the adapter, and values of other parameters', async () => {
    const { graph, adapter } = applyLora(encoder(), options);
    await expect(mergeLora(encoder(), adapter, {})).rejects.toThrow(/has no LoRA on layer\.0/);
    await expect(mergeLora(graph, adapter, { other: new Float32Array(1) })).rejects.toThrow(
      /no parameters other/,
    );
  });
});
