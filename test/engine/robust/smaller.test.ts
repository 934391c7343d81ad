import { describe, expect, it } from 'vitest';
import { differentiate, trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import type { Feeds } from '../../../lib/engine/host/index.ts';
import { type Graph, interpret, tensor } from '../../../lib/engine/onnx/index.ts';
import {
  prune,
  pruningCost,
  TEACHER,
  withDistillation,
  withoutMasks,
} from '../../../lib/engine/robust/index.ts';
import { BATCH, batch, network, plainSgd, withTrainer } from './network.ts';

function plain(feeds: Feeds) {
  return Object.fromEntries(
    Object.entries(feeds).map(([name, { type, shape, data }]) => [
      name,
      tensor(type, shape, Array.from(data as Float32Array | BigInt64Array, Number)),
    ]),
  );
}

const run = (graph: Graph, extra = {}) => interpret(graph, { ...plain(batch()), ...extra });

describe('distillation', () => {
  it('has no slope where the student agrees with its teacher, and pulls it there elsewhere', () => {
    // given
    const { graph, loss } = withDistillation(network(), { logits: 'logit', loss: 'loss', share: 1 });
    const own = [...run(network()).logit!.data];
    const slopes = differentiate(graph, { loss, wrt: ['logit'] });
    const by = (logits: number[]) =>
      interpret(slopes, { ...plain(batch()), [TEACHER]: tensor('float32', [BATCH, 1], logits) })[
        'grad:logit'
      ]!.data;
    // when
    const agreed = by(own);
    const higher = by(own.map((logit) => logit + 1));
    // then
    expect(Math.max(...agreed.map(Math.abs))).toBeLessThan(1e-12);
    expect(Math.max(...higher)).toBeLessThan(0);
  });

  it('keeps its size over temperatures: near equal logits it is half their squared difference, by class', () => {
    // given: (1/T²) x T² as Hinton's section 2.1 has it in the limit
    const own = [...run(network()).logit!.data].map((logit) => logit + 0.01);
    const slope = (temperature: number) => {
      const { graph, loss } = withDistillation(network(), {
        logits: 'logit',
        loss: 'loss',
        share: 1,
        temperature,
      });
      const slopes = differentiate(graph, { loss, wrt: ['logit'] });
      return interpret(slopes, { ...plain(batch()), [TEACHER]: tensor('float32', [BATCH, 1], own) })[
        'grad:logit'
      ]!.data;
    };
    // when
    const [warm, hot] = [slope(50), slope(100)];
    // then
    warm.forEach((value, i) => {
      expect(hot[i]! / value).toBeCloseTo(1, 2);
      expect(value).toBeCloseTo(-0.01 / 4 / BATCH, 5);
    });
  });

  it('mixes with the labels by its share', () => {
    const teacher = { [TEACHER]: tensor('float32', [BATCH, 1], new Array(BATCH).fill(0.3)) };
    const at = (share: number) => {
      const { graph, loss } = withDistillation(network(), { logits: 'logit', loss: 'loss', share });
      return run(graph, teacher)[loss]!.data[0]!;
    };
    expect(at(0)).toBeCloseTo(run(network()).loss!.data[0]!, 12);
    expect(at(0.25)).toBeCloseTo(0.75 * at(0) + 0.25 * at(1), 12);
  });
});

describe('pruning', () => {
  const tables = (graph: Graph) => graph.parameters.filter(({ shape }) => shape.length >= 2);
  const zerosOf = (graph: Graph) =>
    tables(graph).reduce((sum, { data }) => sum + data.filter((value) => value === 0).length, 0);

  it.each(['all', 'tensor'] as const)('zeroes the smallest weights, over %s', (over) => {
    // given
    const graph = network();
    const total = tables(graph).reduce((sum, { data }) => sum + data.length, 0);
    // when
    const { graph: pruned, zeros } = prune(graph, { share: 0.4, over });
    // then
    expect(zerosOf(pruned)).toBe(Object.values(zeros).reduce((sum, n) => sum + n, 0));
    expect(Math.abs(zerosOf(pruned) - 0.4 * total)).toBeLessThanOrEqual(over === 'all' ? 0.5 : 1.5);
    for (const { name, data } of tables(pruned)) {
      const before = graph.parameters.find((parameter) => parameter.name === name)!.data;
      const gone = before.filter((_, i) => data[i] === 0).map(Math.abs);
      const kept = before.filter((_, i) => data[i] !== 0).map(Math.abs);
      expect(Math.max(...gone)).toBeLessThanOrEqual(Math.min(...kept));
    }
  });

  it('keeps zeros while training goes on, and is a plain graph again afterwards', async () => {
    // given
    const { graph } = prune(network(), { share: 0.5 });
    const {
      rowGradientOutputs: _,
      inputGradientOutputs: __,
      ...program
    } = trainingGraph(graph, { loss: 'loss' });
    // when
    const values = await withTrainer(program, { ...plainSgd, weightDecay: 0.1 }, async (trainer) => {
      for (let step = 0; step < 5; step++) await trainer.step(batch(step), { lr: 0.3 });
      return trainer.parameters();
    });
    const fitted = {
      ...graph,
      parameters: graph.parameters.map((parameter) => ({ ...parameter, data: values[parameter.name]! })),
    };
    const scoring = withoutMasks(fitted);
    // then
    expect(zerosOf(scoring)).toBe(zerosOf(graph));
    expect(scoring.nodes).toHaveLength(network().nodes.length);
    expect(run(scoring).loss!.data[0]).toBeCloseTo(run(fitted).loss!.data[0]!, 12);
    expect(run(scoring).loss!.data[0]).not.toBeCloseTo(run(graph).loss!.data[0]!, 3);
  });

  it('reports what it costs', async () => {
    // given
    const loss = async (graph: Graph) => run(graph).loss!.data[0]!;
    // when
    const table = await pruningCost(network(), [0.5, 0.95], loss);
    // then
    expect(table.map(({ share }) => share)).toEqual([0, 0.5, 0.95]);
    expect(table[0]!.value).toBe(run(network()).loss!.data[0]);
    expect(new Set(table.map(({ value }) => value)).size).toBe(3);
  });

  it('refuses shares outside [0, 1) and pruning twice', () => {
    expect(() => prune(network(), { share: 1 })).toThrow(/share/);
    expect(() => prune(prune(network(), { share: 0.1 }).graph, { share: 0.2 })).toThrow(/pruned already/);
    expect(() => prune(network(), { share: 0.1, of: () => false })).toThrow(/was chosen/);
  });
});
