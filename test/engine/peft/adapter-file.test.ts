import { describe, expect, it } from 'vitest';
import { createRng, decodeSafetensors, encodeSafetensors } from '../../../lib/engine/host/index.ts';
import { type Graph, withParameters } from '../../../lib/engine/onnx/index.ts';
import {
  type Adapter,
  applyBottlenecks,
  applyLora,
  applyPrefix,
  decodeAdapter,
  encodeAdapter,
  PeftError,
  trainable,
} from '../../../lib/engine/peft/index.ts';
import { exactly } from './oracle.ts';
import { classifier, drawn, encoder } from './small.ts';

const rng = createRng(2);
const kinds: [string, (base: Graph) => { graph: Graph; adapter: Adapter }, string[]][] = [
  ['LoRA', (base) => applyLora(base, { rank: 2, alpha: 4, targets: ['query'], rng }), ['lora', 'head']],
  ['bottlenecks', (base) => applyBottlenecks(base, { size: 3, rng }), ['adapter', 'norms', 'head']],
  ['a prefix', (base) => applyPrefix(base, { length: 2, rng }), ['prefix', 'head']],
  ['BitFit', (graph) => ({ graph, adapter: { kind: 'parameters' } }), ['bitfit', 'head']],
];

describe('an adapter file', () => {
  it.each(kinds)('of %s loads on its base', (_, apply, selection) => {
    // given a tuned graph, some values of what is trained, and the base in memory anew
    const { graph, adapter } = apply(classifier());
    const values = drawn(graph, trainable(graph, selection));
    // when
    const bytes = encodeAdapter(graph, adapter, values);
    const loaded = decodeAdapter(bytes, classifier());
    // then
    expect(loaded.adapter).toEqual(adapter);
    expect(loaded.values).toEqual(values);
    expect(exactly(loaded.graph, 'logits')).toEqual(exactly(withParameters(graph, values), 'logits'));
    expect(encodeAdapter(graph, adapter, values)).toEqual(bytes);
  });

  it('loads on another export of the same weights, and holds only what was trained', () => {
    // given an export that names its weights otherwise
    const { graph, adapter } = kinds[0]![1](classifier());
    const values = drawn(graph, trainable(graph, ['lora', 'head']));
    const bytes = encodeAdapter(graph, adapter, values);
    // when
    const loaded = decodeAdapter(bytes, classifier({ prefix: 'val_' }));
    // then
    expect(exactly(loaded.graph, 'logits')).toEqual(exactly(withParameters(graph, values), 'logits'));
    expect(Object.keys(decodeSafetensors(bytes).tensors).sort()).toEqual(Object.keys(values).sort());
  });

  it('is refused on other weights', () => {
    const { graph, adapter } = kinds[0]![1](classifier());
    const bytes = encodeAdapter(graph, adapter, drawn(graph, trainable(graph, 'lora')));
    expect(() => decodeAdapter(bytes, classifier({ seed: 9 }))).toThrow(PeftError);
    expect(() => decodeAdapter(bytes, classifier({ seed: 9 }))).toThrow(
      /trained on other weights than those of graph encoder .* load the model that it was trained on/,
    );
  });

  it('with a head is not refused because the head differs, but because it is missing', () => {
    // given a base with another head
    const { graph, adapter } = kinds[0]![1](classifier());
    const values = drawn(graph, trainable(graph, ['lora', 'head']));
    const bytes = encodeAdapter(graph, adapter, values);
    const base = classifier();
    const other = withParameters(base, drawn(base, ['classifier.weight'], 4));
    // when
    const loaded = decodeAdapter(bytes, other);
    // then
    expect(exactly(loaded.graph, 'logits')).toEqual(exactly(withParameters(graph, values), 'logits'));
    expect(() => decodeAdapter(bytes, encoder())).toThrow(/add the head they belong to first/);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['none', {}, /no adapter of Nightjar/],
    ['no JSON', { format: 'nightjar.adapter.1', adapter: '{' }, /not JSON/],
    ['an unknown kind', { format: 'nightjar.adapter.1', adapter: '{"kind":"ia3"}' }, /cannot be read/],
    [
      'half the settings',
      { format: 'nightjar.adapter.1', adapter: '{"kind":"lora","rank":2}' },
      /cannot be read/,
    ],
  ])('with %s for settings is refused', (_, metadata, message) => {
    const attempt = () => decodeAdapter(encodeSafetensors({}, metadata), classifier());
    expect(attempt).toThrow(PeftError);
    expect(attempt).toThrow(message);
  });

  it('is refused when it lacks a tensor or the values are of no parameter', () => {
    const { graph, adapter } = kinds[0]![1](classifier());
    const bytes = encodeAdapter(graph, adapter, {});
    expect(() => decodeAdapter(bytes, classifier())).toThrow(/lack lora\.layer\.0/);
    expect(() => encodeAdapter(graph, adapter, { other: new Float32Array(1) })).toThrow(
      /no parameter other of 1/,
    );
  });
});
