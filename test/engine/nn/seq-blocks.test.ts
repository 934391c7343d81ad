import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { differentiate, gradientName } from '../../../lib/engine/autodiff/index.ts';
import { interpret, isFloat, type Tensor } from '../../../lib/engine/onnx/index.ts';
import { relativeError } from '../onnx/support/compare.ts';
import { runGraph } from '../onnx/support/runtime.ts';
import { readSafetensors } from '../onnx/support/safetensors.ts';
import { blockNames, buildBlock, tensorsOf } from './blocks.ts';

const folder = new URL('../../fixtures/reference/', import.meta.url);
const all = readSafetensors(new URL('seq-blocks.safetensors', folder));
const description = JSON.parse(readFileSync(new URL('seq-blocks.json', folder), 'utf8')) as {
  blocks: Record<string, { outputs: string[] }>;
};

const numbers = (t: Tensor | undefined): Float64Array => t?.data as Float64Array;

/** Largest absolute difference: what the reference's 1e-10 means. */
function largestDifference(a: Float64Array, b: Float64Array): number {
  return a.reduce(
    (worst, v, i) => Math.max(worst, Math.abs(v - b[i]!)),
    a.length === b.length ? 0 : Number.POSITIVE_INFINITY,
  );
}

it('covers every block of the reference', () => {
  expect([...blockNames].sort()).toEqual(Object.keys(description.blocks).sort());
});

describe.each(blockNames)('%s', (block) => {
  it('matches the reference: float64 to 1e-10, the runtime to 1e-5 (outputs) and 1e-4 (gradients)', async () => {
    // given
    const tensors = tensorsOf(all, block);
    const graph = buildBlock(block, tensors);
    const floatInputs = graph.inputs.filter(({ dtype }) => isFloat(dtype)).map(({ name }) => name);
    const sources = [...graph.parameters.map(({ name }) => name), ...floatInputs];
    const feeds = Object.fromEntries(graph.inputs.map(({ name }) => [name, tensors.get(`input.${name}`)!]));
    // when
    const gradients = differentiate(graph, { loss: 'loss', wrt: sources });
    const exact = interpret(gradients, feeds);
    const single = await runGraph(gradients, feeds);
    // then
    for (const name of description.blocks[block]!.outputs) {
      const reference = numbers(tensors.get(`f64.output.${name}`));
      expect(exact[name]!.shape, name).toEqual(tensors.get(`f64.output.${name}`)!.shape);
      expect(largestDifference(exact[name]!.data, reference), name).toBeLessThan(1e-10);
      expect(relativeError(single[name]!.data, reference), name).toBeLessThan(1e-5);
    }
    expect(largestDifference(exact.loss!.data, numbers(tensors.get('f64.loss')))).toBeLessThan(1e-10);
    const expected = [...tensors.keys()].filter((key) => key.startsWith('f64.grad.'));
    expect(sources.map((name) => `f64.grad.${name}`).sort()).toEqual(expected.sort());
    for (const name of sources) {
      const reference = numbers(tensors.get(`f64.grad.${name}`));
      expect(largestDifference(exact[gradientName(name)]!.data, reference), name).toBeLessThan(1e-10);
      expect(relativeError(single[gradientName(name)]!.data, reference), name).toBeLessThan(1e-4);
    }
  });
});
