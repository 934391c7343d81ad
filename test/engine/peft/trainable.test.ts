import { describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { GraphBuilder } from '../../../lib/engine/onnx/index.ts';
import { applyLora, PeftError, trainable } from '../../../lib/engine/peft/index.ts';
import { classifier } from './small.ts';

describe('what to train', () => {
  it.each([false, true])('is told by use, norms in pieces: %s', (decomposed) => {
    // given
    const graph = classifier({ decomposed });
    // when
    const [biases, norms, head] = [
      trainable(graph, 'bitfit'),
      trainable(graph, 'norms'),
      trainable(graph, 'head'),
    ];
    // then
    const names = graph.parameters.map(({ name }) => name);
    expect(biases).toEqual(names.filter((name) => name.endsWith('.bias')));
    expect(norms).toEqual(names.filter((name) => name.includes('norm.')));
    expect(head).toEqual(['classifier.weight', 'classifier.bias']);
    expect(trainable(graph, 'all')).toEqual(names);
  });

  it('adds selections up, in the order of the graph, patterns included', () => {
    const { graph } = applyLora(classifier(), {
      rank: 1,
      alpha: 1,
      targets: ['layer.0.*.query'],
      rng: createRng(1),
    });
    expect(trainable(graph, ['lora', 'head', 'embeddings.norm.*', /positions/])).toEqual([
      'embeddings.positions',
      'embeddings.norm.weight',
      'embeddings.norm.bias',
      'classifier.weight',
      'classifier.bias',
      'lora.layer.0.attention.self.query.A',
      'lora.layer.0.attention.self.query.B',
    ]);
  });

  it('leaves out what the loss does not depend on', () => {
    // given a second output by a parameter of its own
    const g = GraphBuilder.from(classifier());
    const pooled = g.reduceMean(g.value('hidden'), [1]);
    g.output('pooled', g.matmul(pooled, g.parameter('pooler', [8, 8], new Float32Array(64))));
    const graph = g.build();
    // when
    const [all, head] = [
      trainable(graph, 'all', { loss: 'loss' }),
      trainable(graph, 'head', { loss: 'loss' }),
    ];
    // then
    expect(trainable(graph, 'head')).toContain('pooler');
    expect(all).not.toContain('pooler');
    expect(head).toEqual(['classifier.weight', 'classifier.bias']);
  });

  it.each(['lora', 'adapter', 'prefix', 'layer.7.*'])(
    'is an error for %s, of which there is none',
    (kind) => {
      expect(() => trainable(classifier(), kind)).toThrow(PeftError);
      expect(() => trainable(classifier(), kind)).toThrow(/it has embeddings\.words, /);
    },
  );
});
