import { describe, expect, it } from 'vitest';
import { differentiate, gradientName } from '../../../../lib/engine/autodiff/index.ts';
import { createRng } from '../../../../lib/engine/host/index.ts';
import { interpret, specialise } from '../../../../lib/engine/onnx/index.ts';
import { visitsBranch } from '../../../../lib/models/candidates/network/branches/index.ts';
import {
  type Network,
  scoringModel,
  trainingModel,
} from '../../../../lib/models/candidates/network/graph.ts';
import { withValues } from '../../../../lib/models/candidates/network/parameters.ts';
import type { SequenceReader } from '../../../../lib/models/candidates/network/visits/encode.ts';
import { pretrainEncoder } from '../../../../lib/models/candidates/network/visits/pretrain.ts';
import { VISIT_FIELDS, visitTableSize } from '../../../../lib/models/candidates/network/visits/visit-ids.ts';
import { SLOW } from '../../../e2e/nights.ts';
import { relativeError } from '../../../engine/onnx/support/compare.ts';
import { runGraph } from '../../../engine/onnx/support/runtime.ts';
import {
  floats,
  ints,
  perturbed,
  RAW,
  rawFeatures,
  trainingFeeds,
  transform,
  visitIds,
  vocabulary,
  whole,
} from './small.ts';

const READERS: readonly SequenceReader[] = ['transformer', 'gru', 'lstm', 'cnn'];
const ROWS = 4;
const VISITS = 5;
const STRIDE = VISITS * VISIT_FIELDS;
const ids = visitTableSize(vocabulary);
const sizes = { ids, width: 4, layers: 2, heads: 2 };
const identity = { count: transform.kept.length, matrix: new Float32Array(transform.kept.length ** 2) };

const networkOf = (reader: SequenceReader, length: number | 'length'): Network => {
  const shape = whole(VISITS);
  return { ...shape, branches: [...shape.branches.slice(0, 2), visitsBranch({ ...sizes, reader, length })] };
};

describe.each(READERS)('what reads visits: %s', { timeout: SLOW }, (reader) => {
  const network = networkOf(reader, VISITS);
  const trained = trainingModel(network, createRng(3), { linearL2: 0.01, dropout: 0 });
  const values = perturbed(trained.parameters);
  const raw = rawFeatures(ROWS);
  const visits = visitIds(ROWS, VISITS); // row r has VISITS - r of them

  it('has the gradients of the runtime in float64 as in float32, and none that is always zero', async () => {
    // given
    const graph = specialise(withValues(trained, values), { batch: ROWS });
    const names = graph.parameters.map(({ name }) => name);
    const kept = transform.kept.length;
    const feeds = {
      inputs: floats(createRng('inputs').normals(ROWS * kept), [ROWS, kept]),
      tokens: ints(visits, [ROWS, VISITS, VISIT_FIELDS]),
      ...trainingFeeds(network, ROWS),
    };
    const gradients = differentiate(graph, { loss: 'loss', wrt: names });
    // when
    const exact = interpret(gradients, feeds);
    const single = await runGraph(gradients, feeds);
    // then
    for (const name of names) {
      const key = gradientName(name);
      expect(relativeError(single[key]!.data, exact[key]!.data), name).toBeLessThan(1e-3);
      expect(
        exact[key]!.data.some((d) => d !== 0),
        name,
      ).toBe(true);
    }
  });

  it('scores a row alike alone, among others, and in a batch of shorter sequences', async () => {
    // given: the scoring graph with any number of visits
    const graph = withValues(scoringModel(networkOf(reader, 'length'), createRng(0), identity), values);
    const score = async (rows: readonly number[], length: number) => {
      const own = rows.flatMap((row) => [
        ...visits.subarray(row * STRIDE, row * STRIDE + length * VISIT_FIELDS),
      ]);
      const features = rows.flatMap((row) => [...raw.subarray(row * RAW, (row + 1) * RAW)]);
      const { logits } = await runGraph(graph, {
        features: floats(Float32Array.from(features), [rows.length, RAW]),
        tokens: ints(Int32Array.from(own), [rows.length, length, VISIT_FIELDS]),
      });
      return Float32Array.from(logits!.data as ArrayLike<number>);
    };
    // when
    const all = await score([0, 1, 2, 3], VISITS);
    const tasks = network.heads.length;
    // then
    for (const row of [0, 1, 2, 3]) {
      const expected = all.subarray(row * tasks, (row + 1) * tasks);
      expect(relativeError(await score([row], VISITS), expected)).toBeLessThan(1e-5);
    }
    const short = await score([3, 2], 3);
    expect(relativeError(short.subarray(0, tasks), all.subarray(3 * tasks, 4 * tasks))).toBeLessThan(1e-5);
    expect(relativeError(short.subarray(tasks), all.subarray(2 * tasks, 3 * tasks))).toBeLessThan(1e-5);
  });

  it('is pretrained: hidden visits are told by the others', async () => {
    // given: users who always take the same, one thing or the other
    const rng = createRng('tastes');
    const rows = 64;
    const tokens = new Int32Array(rows * STRIDE);
    for (let row = 0; row < rows; row++) {
      const taste = rng.integer(2);
      for (let i = 0; i < VISITS; i++) {
        tokens.set([6, 12 + taste, 21 + taste, 38, 46, 54, 62, 70 + taste], row * STRIDE + i * VISIT_FIELDS);
      }
    }
    const options = { steps: 60, batchSize: 32, learningRate: 0.02, threads: 1, seed: 5 };
    const shape = { ...sizes, width: 8, reader };
    const lengths = new Int32Array(rows).fill(VISITS);
    // when
    const { parameters, curve } = await pretrainEncoder(tokens, lengths, VISITS, vocabulary, shape, options);
    // then
    const losses = curve.map(({ trainLoss }) => trainLoss);
    expect(losses.at(-1)).toBeLessThan(losses[0]! / 3);
    expect(Object.keys(parameters).some((name) => name.startsWith('encoder.1.'))).toBe(true);
  });
});

it('every reader has parameters of its own', () => {
  const names = READERS.map((reader) =>
    trainingModel(networkOf(reader, VISITS), createRng(3), { linearL2: 0, dropout: 0 })
      .parameters.map(({ name }) => name)
      .filter((name) => name.startsWith('encoder.'))
      .join(),
  );
  // GRU and LSTM share their names, and differ in sizes.
  expect(new Set(names).size).toBe(3);
});
