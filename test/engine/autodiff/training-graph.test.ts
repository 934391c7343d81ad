import { Tensor as RuntimeTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import { decodeModel, type Graph, GraphBuilder } from '../../../lib/engine/onnx/index.ts';
import { uniform } from '../onnx/support/random.ts';
import { runModel } from '../onnx/support/runtime.ts';

function model(): Graph {
  const random = uniform(9);
  const g = new GraphBuilder('model');
  const weights = (name: string, ...shape: number[]) =>
    g.parameter(
      name,
      shape,
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random() - 0.5),
    );
  const ids = g.input('ids', 'int64', ['batch', 3]);
  const label = g.input('label', 'float32', ['batch']);
  const pooled = g.reduceMean(g.gather(weights('table', 7, 4), ids), [1]);
  const logit = g.squeeze(g.linear(pooled, weights('head.weight', 4, 1), weights('head.bias', 1)), [1]);
  g.output('logit', logit);
  g.output('loss', g.reduceMean(g.sub(g.softplus(logit), g.mul(label, logit))));
  return g.build();
}

const feeds = {
  ids: new RuntimeTensor('int64', BigInt64Array.of(0n, 1n, 1n, 6n, 2n, 0n), [2, 3]),
  label: new RuntimeTensor('float32', Float32Array.of(1, 0), [2]),
};

describe('trainingGraph', () => {
  it('lists what a training loop feeds and reads, and descends', async () => {
    // given
    const training = trainingGraph(model(), { loss: 'loss' });
    const parameters = training.parameters.map((p) => ({ ...p, data: p.data.slice() }));
    // when: plain gradient steps on one batch
    const losses: number[] = [];
    for (let step = 0; step < 30; step++) {
      const fed = Object.fromEntries(
        parameters.map((p) => [p.name, new RuntimeTensor('float32', p.data, p.shape)]),
      );
      const outputs = await runModel(training.model, { ...feeds, ...fed });
      losses.push(outputs[training.lossOutput]!.data[0]!);
      for (const { name, data } of parameters) {
        outputs[training.gradientOutputs[name]!]!.data.forEach((slope, i) => {
          data[i]! -= 0.5 * slope;
        });
      }
    }
    // then
    expect(parameters.map(({ name }) => name)).toEqual(['table', 'head.weight', 'head.bias']);
    expect(losses.every((loss, i) => i === 0 || loss < losses[i - 1]!)).toBe(true);
    expect(losses.at(-1)!).toBeLessThan(0.5 * losses[0]!);
  });

  it('freezes the parameters that are not trained and can ask for rows', () => {
    // given / when
    const training = trainingGraph(model(), { loss: 'loss', wrt: ['head.bias'], rows: ['table'] });
    // then
    const written = decodeModel(training.model);
    expect(written.inputs.map(({ name }) => name)).toEqual(['ids', 'label', 'table', 'head.bias']);
    expect(written.outputs.map(({ name }) => name)).toEqual([
      'logit',
      'loss',
      'grad:head.bias',
      'grad-ids:table',
      'grad-rows:table',
    ]);
    expect(written.initializers.map(({ name }) => name)).toContain('head.weight');
    expect(training.gradientOutputs).toEqual({ 'head.bias': 'grad:head.bias' });
    expect(training.rowGradientOutputs).toEqual({
      table: { ids: 'grad-ids:table', rows: 'grad-rows:table' },
    });
  });

  it('makes a loss inside the graph an output', () => {
    // given
    const g = new GraphBuilder('inner');
    const squared = g.square(g.parameter('w', [], Float32Array.of(3)));
    g.label('inner', squared);
    g.output('twice', g.mul(squared, 2));
    // when
    const training = trainingGraph(g.build(), { loss: 'inner' });
    // then
    expect(decodeModel(training.model).outputs.map(({ name }) => name)).toEqual(['twice', 'inner', 'grad:w']);
  });

  it('refuses to train what is no parameter', () => {
    // given / when / then
    expect(() => trainingGraph(model(), { loss: 'loss', wrt: ['label'] })).toThrow(
      'label is no parameter of graph model',
    );
    expect(() => trainingGraph(model(), { loss: 'los' })).toThrow('no value los');
  });
});
