import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { GraphBuilder, specialise } from '../../../lib/engine/onnx/index.ts';
import {
  applyBottlenecks,
  applyLora,
  gradualUnfreezing,
  layersOf,
  PeftError,
  residualJoins,
  trainable,
  unfreezeSchedule,
} from '../../../lib/engine/peft/index.ts';
import { dropoutPlaces, insertDropout, openTrainer } from '../../../lib/engine/train/index.ts';
import { BATCH, batch, classifier, type EncoderOptions } from './small.ts';

const forms: [string, EncoderOptions][] = [
  ['norms behind the joins', { norm: 'post' }],
  ['norms behind the joins, in pieces', { norm: 'post', decomposed: true }],
  ['norms before the sublayers', { norm: 'pre' }],
  ['norms before the sublayers, in pieces', { norm: 'pre', decomposed: true }],
];

describe('layers by structure', () => {
  it.each(forms)('are found with %s', (_, options) => {
    // given
    const graph = classifier(options);
    // when
    const { embeddings, layers, head } = layersOf(graph);
    // then
    expect(embeddings).toEqual([
      'embeddings.words',
      'embeddings.positions',
      'embeddings.norm.weight',
      'embeddings.norm.bias',
    ]);
    expect(layers).toHaveLength(2);
    layers.forEach((names, layer) => {
      const named = names.filter((name) => name.startsWith('layer.'));
      expect(named).toHaveLength(10);
      expect(named.every((name) => name.startsWith(`layer.${layer}.`))).toBe(true);
      expect(names.filter((name) => name.startsWith('onnx::'))).toEqual(
        Array.from({ length: 6 }, (_, i) => `onnx::MatMul_${100 + 6 * layer + i}`),
      );
    });
    expect(layers[1]!.includes('final.norm.weight')).toBe(options.norm === 'pre');
    expect(head).toEqual(['classifier.weight', 'classifier.bias']);
    expect([...embeddings, ...layers.flat(), ...head].sort()).toEqual(
      graph.parameters.map(({ name }) => name).sort(),
    );
  });

  it.each(forms)('tell attention from feed-forward with %s', (_, options) => {
    expect(residualJoins(classifier(options)).map(({ kind, name }) => [kind, name])).toEqual([
      ['attention', 'layer.0.attention.output.dense'],
      ['feed-forward', 'layer.0.ffn.down'],
      ['attention', 'layer.1.attention.output.dense'],
      ['feed-forward', 'layer.1.ffn.down'],
    ]);
  });

  it('stay the same in a tuned graph, with what was added to them', () => {
    // given
    const rng = createRng(1);
    const base = classifier();
    const { graph } = applyBottlenecks(
      applyLora(base, { rank: 1, alpha: 1, targets: ['output.dense', 'query'], rng }).graph,
      { size: 2, rng },
    );
    // when
    const tuned = layersOf(graph);
    // then
    const before = layersOf(base);
    expect([tuned.embeddings, tuned.head]).toEqual([before.embeddings, before.head]);
    tuned.layers.forEach((names, layer) => {
      const added = names.filter((name) => !before.layers[layer]!.includes(name));
      expect(added).toHaveLength(2 * 2 + 2 * 4);
      expect(added.every((name) => name.includes(`.layer.${layer}.`))).toBe(true);
    });
  });

  it('stay the same with dropout in the graph', () => {
    // given
    const base = specialise(classifier(), { batch: BATCH });
    const { attention, residual } = dropoutPlaces(base);
    // when
    const { graph } = insertDropout(base, { rate: 0.25, after: [...attention, ...residual] });
    // then
    expect(residual).toHaveLength(4);
    expect(layersOf(graph)).toEqual(layersOf(base));
  });

  it('are an error in a graph without residual joins', () => {
    const g = new GraphBuilder('plain');
    const x = g.input('x', 'float32', ['batch', 2]);
    g.output('y', g.add(x, g.tanh(x)));
    expect(() => layersOf(g.build())).toThrow(PeftError);
  });
});

describe('gradual unfreezing', () => {
  it('goes from the head down, each stage with all above it', () => {
    // given
    const graph = classifier({ layers: 3 });
    const { embeddings, layers, head } = layersOf(graph);
    // when
    const stages = unfreezeSchedule(graph);
    // then
    expect(stages.map((names) => [...names].sort())).toEqual(
      [
        head,
        [...head, ...layers[2]!],
        [...head, ...layers[2]!, ...layers[1]!],
        [...head, ...layers.flat()],
        [...head, ...layers.flat(), ...embeddings],
      ].map((names) => [...names].sort()),
    );
    expect(unfreezeSchedule(graph, { layersPerStage: 2 }).map(({ length }) => length)).toEqual([
      2, 34, 50, 54,
    ]);
    expect(unfreezeSchedule(graph, { within: trainable(graph, 'bitfit') })).toHaveLength(5);
    expect(() => unfreezeSchedule(graph, { layersPerStage: 0 })).toThrow(PeftError);
  });

  it('trains every stage from where the last one ended', async () => {
    // given
    const graph = classifier({ layers: 1 });
    const { data: words } = graph.parameters.find(({ name }) => name === 'embeddings.words')!;
    const trainedCounts: number[] = [];
    const losses: number[] = [];
    // when
    const values = await gradualUnfreezing({
      graph,
      loss: 'loss',
      stages: unfreezeSchedule(graph),
      train: async ({ stage, of, training }) => {
        expect(of).toBe(3);
        trainedCounts.push(training.parameters.length);
        const trainer = await openTrainer(training);
        for (let step = 0; step < 5; step++) {
          losses.push((await trainer.step(batch(), { lr: stage === 2 ? 0 : 0.02 })).loss);
        }
        const result = await trainer.parameters();
        await trainer.close();
        return result;
      },
    });
    // then
    expect(trainedCounts).toEqual([2, 18, 22]);
    expect(Object.keys(values)).toHaveLength(22);
    expect(losses[5]).toBeLessThan(losses[4]!);
    expect(losses[10]).toBeLessThan(losses[9]!);
    // the last stage has a rate of 0, so the embeddings stay and the loss with them
    expect(values['embeddings.words']).toEqual(words);
    expect(losses[14]).toBe(losses[10]);
  });
});
