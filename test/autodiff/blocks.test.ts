import { describe, expect, it } from 'vitest';
import { differentiate, gradientName } from '../../lib/autodiff/index.ts';
import { interpret, isFloat, type Tensor } from '../../lib/onnx/index.ts';
import { relativeError } from '../onnx/support/compare.ts';
import { runGraph } from '../onnx/support/runtime.ts';
import { readSafetensors } from '../onnx/support/safetensors.ts';
import { type BlockTensors, blockNames, buildBlock } from './blocks.ts';

const all = readSafetensors(new URL('../fixtures/seq-blocks.safetensors', import.meta.url));

function tensorsOf(block: string): BlockTensors {
  const prefix = `${block}.`;
  return new Map(
    [...all].filter(([key]) => key.startsWith(prefix)).map(([key, t]) => [key.slice(prefix.length), t]),
  );
}

function numbers(t: Tensor | undefined): Float64Array {
  return t?.data as Float64Array;
}

/** Largest absolute difference: what the reference's 1e-10 means. */
function largestDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce(
    (worst, v, i) => Math.max(worst, Math.abs(v - b[i]!)),
    a.length === b.length ? 0 : Number.POSITIVE_INFINITY,
  );
}

describe.each(blockNames)('%s', (block) => {
  it('matches the reference: float64 to 1e-10, the runtime to 1e-5 (outputs) and 1e-4 (gradients)', async () => {
    // given
    const tensors = tensorsOf(block);
    const graph = buildBlock(block, tensors);
    const floatInputs = graph.inputs.filter(({ dtype }) => isFloat(dtype)).map(({ name }) => name);
    const sources = [...graph.parameters.map(({ name }) => name), ...floatInputs];
    const feeds = Object.fromEntries(graph.inputs.map(({ name }) => [name, tensors.get(`input.${name}`)!]));
    // when
    const gradients = differentiate(graph, { loss: 'loss', wrt: sources });
    const exact = interpret(gradients, feeds);
    const single = await runGraph(gradients, feeds);
    // then
    const outputs = [...tensors.keys()].filter((key) => key.startsWith('f64.output.'));
    expect(outputs.length).toBeGreaterThan(0);
    for (const key of outputs) {
      const name = key.slice('f64.output.'.length);
      expect(largestDifference(exact[name]!.data, numbers(tensors.get(key)))).toBeLessThan(1e-10);
      expect(relativeError(single[name]!.data, numbers(tensors.get(key)))).toBeLessThan(1e-5);
    }
    expect(largestDifference(exact.loss!.data, numbers(tensors.get('f64.loss')))).toBeLessThan(1e-10);
    const expected = [...tensors.keys()].filter((key) => key.startsWith('f64.grad.'));
    expect(sources.map((name) => `f64.grad.${name}`).sort()).toEqual(expected.sort());
    for (const name of sources) {
      const reference = numbers(tensors.get(`f64.grad.${name}`));
      expect(largestDifference(exact[gradientName(name)]!.data, reference)).toBeLessThan(1e-10);
      expect(relativeError(single[gradientName(name)]!.data, reference)).toBeLessThan(1e-4);
    }
  });
});
