import { describe, expect, it } from 'vitest';
import { differentiate, gradientName } from '../../../../lib/engine/autodiff/index.ts';
import { createRng } from '../../../../lib/engine/host/index.ts';
import {
  type Graph,
  GraphBuilder,
  interpret,
  specialise,
  type Tensor,
} from '../../../../lib/engine/onnx/index.ts';
import { transformInputs, writeInputs } from '../../../../lib/models/candidates/inputs.ts';
import { linearBranch } from '../../../../lib/models/candidates/network/branches/index.ts';
import { scoringModel, trainingModel } from '../../../../lib/models/candidates/network/graph.ts';
import { withValues } from '../../../../lib/models/candidates/network/parameters.ts';
import { encodePiecewise, fitPiecewise } from '../../../../lib/models/candidates/network/piecewise.ts';
import { VISIT_FIELDS } from '../../../../lib/models/candidates/network/visits/visit-ids.ts';
import { relativeError } from '../../../engine/onnx/support/compare.ts';
import { runGraph } from '../../../engine/onnx/support/runtime.ts';
import {
  floats,
  ints,
  linearOnly,
  mlpOf,
  perturbed,
  RAW,
  rawFeatures,
  trainingFeeds,
  transform,
  visitIds,
  visitsOf,
  whole,
} from './small.ts';

const ROWS = 3;
const VISITS = 4;
const KEPT = transform.kept.length;
const shape = whole(VISITS);
const raw = rawFeatures(ROWS);
const tokens = ints(visitIds(ROWS, VISITS), [ROWS, VISITS, VISIT_FIELDS]);
const inputs = new Float32Array(ROWS * KEPT);
for (let row = 0; row < ROWS; row++) writeInputs(raw, row * RAW, transform, inputs, row * KEPT);

const rng = createRng('models');
const masks = Object.fromEntries(
  [0, 1].map((layer) => [
    `dropout.${layer}`,
    floats(rng.fork(`mask ${layer}`).dropoutMask(ROWS * 3 * 4, 0.25), [ROWS, 3, 4]),
  ]),
);

const trainingGraph = (dropout: number): Graph => {
  const graph = trainingModel(shape, createRng(3), { linearL2: 0.01, dropout });
  return specialise(withValues(graph, perturbed(graph.parameters)), { batch: ROWS });
};

describe('training graph', () => {
  const feeds = { inputs: floats(inputs, [ROWS, KEPT]), tokens, ...trainingFeeds(shape, ROWS), ...masks };

  it('has gradients by every parameter that equal finite differences in float64', () => {
    // given
    const graph = trainingGraph(0.25);
    const names = graph.parameters.map(({ name }) => name);
    expect(names).toContain('tokens.table');
    expect(names).toContain('mlp.head.weight');
    // when
    const exact = interpret(differentiate(graph, { loss: 'loss', wrt: names }), feeds);
    // then: along two random directions per parameter, and by its first element
    const at = (name: string, data: Float64Array, dims: readonly number[]) =>
      interpret(graph, { ...feeds, [name]: { dtype: 'float64', shape: [...dims], data } }).loss!.data[0]!;
    for (const { name, shape: dims, data } of graph.parameters) {
      const gradient = exact[gradientName(name)]!.data;
      for (const draw of [0, 1, 2]) {
        const direction =
          draw === 2
            ? data.map((_, i) => Number(i === 0))
            : createRng(`${name} ${draw}`).normals(data.length);
        const moved = (h: number) => Float64Array.from(data, (x, i) => x + h * direction[i]!);
        const numeric = (at(name, moved(1e-6), dims) - at(name, moved(-1e-6), dims)) / 2e-6;
        const analytic = gradient.reduce((sum, d, i) => sum + d * direction[i]!, 0);
        expect(Math.abs(numeric - analytic), name).toBeLessThan(1e-7 * Math.max(1, Math.abs(analytic)));
      }
    }
    expect(names.filter((name) => exact[gradientName(name)]!.data.every((d) => d === 0))).toEqual([]);
  });

  it('gives the runtime the same gradients in float32', async () => {
    // given
    const graph = trainingGraph(0.25);
    const names = graph.parameters.map(({ name }) => name);
    const gradients = differentiate(graph, { loss: 'loss', wrt: names });
    // when
    const exact = interpret(gradients, feeds);
    const single = await runGraph(gradients, feeds);
    // then
    for (const name of names) {
      const key = gradientName(name);
      expect(relativeError(single[key]!.data, exact[key]!.data), name).toBeLessThan(1e-4);
    }
  });

  it('takes no notice of outcomes without weight', () => {
    // given
    const graph = trainingGraph(0);
    const { labels, weights } = trainingFeeds(shape, ROWS);
    const flipped = Float32Array.from(labels!.data as Float32Array, (y, i) =>
      (weights!.data as Float32Array)[i] === 0 ? 1 - y : y,
    );
    expect(flipped).not.toEqual(labels!.data);
    // when
    const loss = (y: Tensor) => interpret(graph, { ...feeds, labels: y }).loss!.data[0];
    // then
    expect(loss(floats(flipped, [...labels!.shape]))).toBe(loss(labels!));
  });
});

describe('scoring graph', () => {
  const features = floats(raw, [ROWS, RAW]);
  const parameters = perturbed(trainingModel(shape, createRng(3), { linearL2: 0, dropout: 0 }).parameters);
  const identity = {
    count: KEPT,
    matrix: Float32Array.from({ length: KEPT * KEPT }, (_, i) => Number(i % (KEPT + 1) === 0)),
  };

  it('starts without effect of MLP and visits, which only the training moves', () => {
    // given: parameters as they are drawn
    const all = interpret(scoringModel(shape, createRng(3)), { features, tokens });
    const plain = interpret(scoringModel({ ...shape, branches: [linearBranch] }, createRng(3)), {
      features,
    });
    // then
    expect([...all.logits!.data]).toEqual([...plain.logits!.data]);
  });

  it('says what the training graph is fitted to: its loss is the log loss of these hazards', () => {
    // given: one head of one bin and one member, where the loss is the log loss of the task itself
    const one = {
      ...shape,
      heads: [{ task: 'buy', bins: 1, inverted: false }],
      branches: [linearBranch, mlpOf(1), visitsOf(VISITS)],
    };
    const start = trainingModel(one, createRng(3), { linearL2: 0, dropout: 0 });
    const values = perturbed(start.parameters);
    const labels = Float32Array.from([1, 0, 1]);
    const weights = Float32Array.from([1, 2, 0.5]);
    // when
    const { loss } = interpret(withValues(start, values), {
      inputs: floats(inputs, [ROWS, KEPT]),
      tokens,
      labels: floats(labels, [ROWS, 1]),
      weights: floats(weights, [ROWS, 1]),
    });
    const { logits } = interpret(withValues(scoringModel(one, createRng(9)), values), { features, tokens });
    // then: inputs of the training are written in float32
    let expected = 0;
    logits!.data.forEach((z, i) => {
      expected += (weights[i]! * (Math.log1p(Math.exp(z)) - labels[i]! * z)) / ROWS;
    });
    expect(loss!.data[0]).toBeCloseTo(expected, 5);
  });

  it('joins the bins of a head: nothing happens in the window when nothing happens in any part', () => {
    // given
    const twoBins = { ...linearOnly, heads: [{ task: 'buy', bins: 2, inverted: false }] };
    const values = {
      'linear.weight': Float32Array.from({ length: KEPT * 2 }, (_, i) => 0.1 * i - 0.3),
      'linear.bias': Float32Array.of(-1, 0.5),
    };
    const graph = withValues(scoringModel(twoBins, createRng(1)), values);
    // when
    const { logits } = interpret(graph, { features });
    const { logits: inverted } = interpret(
      withValues(
        scoringModel({ ...twoBins, heads: [{ task: 'leave', bins: 2, inverted: true }] }, createRng(1)),
        values,
      ),
      { features },
    );
    // then
    for (let row = 0; row < ROWS; row++) {
      const hazard = [0, 1].map((k) => {
        let z = values['linear.bias'][k]!;
        for (let j = 0; j < KEPT; j++) z += inputs[row * KEPT + j]! * values['linear.weight'][j * 2 + k]!;
        return 1 / (1 + Math.exp(-z));
      });
      const happens = 1 - (1 - hazard[0]!) * (1 - hazard[1]!);
      expect(1 / (1 + Math.exp(-logits!.data[row]!))).toBeCloseTo(happens, 6);
      expect(1 / (1 + Math.exp(-inverted!.data[row]!))).toBeCloseTo(1 - happens, 6);
    }
  });

  it('gives the same logits with reasons and without', () => {
    const plain = interpret(withValues(scoringModel(shape, createRng(3)), parameters), { features, tokens });
    const told = interpret(withValues(scoringModel(shape, createRng(3), identity), parameters), {
      features,
      tokens,
    });
    expect(told.logits!.shape).toEqual([ROWS, 2]);
    plain.logits!.data.forEach((z, i) => {
      expect(told.logits!.data[i]).toBeCloseTo(z, 10);
    });
  });

  it('tells reasons of a linear model that sum up to its logit, less the bias', () => {
    // given: one task of one bin
    const linear = { ...linearOnly, heads: [{ task: 'buy', bins: 1, inverted: false }] };
    const graph = withValues(scoringModel(linear, createRng(3), identity), {
      'linear.weight': Float32Array.of(0.5, -0.25, 1, 2),
      'linear.bias': Float32Array.of(-0.75),
    });
    // when
    const { logits, reasons } = interpret(graph, { features });
    // then
    expect(reasons!.shape).toEqual([ROWS, 1, KEPT + 1]);
    for (let row = 0; row < ROWS; row++) {
      const own = reasons!.data.subarray(row * (KEPT + 1), (row + 1) * (KEPT + 1));
      expect(own[0]).toBeCloseTo(0.5 * inputs[row * KEPT]!, 5);
      expect(own[KEPT]).toBeCloseTo(0, 12);
      expect(own.reduce((sum, effect) => sum + effect, -0.75)).toBeCloseTo(logits!.data[row]!, 5);
    }
  });

  it("tells each task's own reasons: parts of its logit, summed by group, the visits last", () => {
    // given: two groups of two features each
    const groups = { count: 2, matrix: Float32Array.of(1, 0, 0, 1, 1, 0, 0, 1) };
    const score = (given: Tensor, ids: Tensor) =>
      interpret(withValues(scoringModel(shape, createRng(3), groups), parameters), {
        features: given,
        tokens: ids,
      });
    const { reasons } = score(features, tokens);
    const byFeature = interpret(withValues(scoringModel(shape, createRng(3), identity), parameters), {
      features,
      tokens,
    });
    // then: groups are sums of features
    expect(reasons!.shape).toEqual([ROWS, 2, 3]);
    for (let i = 0; i < ROWS * 2; i++) {
      const own = byFeature.reasons!.data.subarray(i * (KEPT + 1), (i + 1) * (KEPT + 1));
      expect(reasons!.data[i * 3]).toBeCloseTo(own[0]! + own[2]!, 10);
      expect(reasons!.data[i * 3 + 1]).toBeCloseTo(own[1]! + own[3]!, 10);
      expect(reasons!.data[i * 3 + 2]).toBeCloseTo(own[KEPT]!, 10);
    }
    // and: each task's own sum to what its logit differs from that of the mean user who has visited nothing
    const { logits } = score(features, tokens);
    const rests = [0, 1].map((task) =>
      Array.from({ length: ROWS }, (_, row) => {
        const from = (row * 2 + task) * 3;
        return (
          logits!.data[row * 2 + task]! - reasons!.data.subarray(from, from + 3).reduce((a, b) => a + b, 0)
        );
      }),
    );
    for (const own of rests) {
      for (const rest of own) expect(rest).toBeCloseTo(own[0]!, 8);
    }
    expect(rests[0]![0]).not.toBeCloseTo(rests[1]![0]!, 3);
  });

  it('does not see padding: places behind the last visit change nothing', () => {
    // given: a scoring graph that takes visits of any number
    const open = { ...shape, branches: shape.branches.map((branch) => branch.open()) };
    const graph = withValues(scoringModel(open, createRng(3)), parameters);
    const first = (tokens.data as Int32Array).subarray(0, VISITS * VISIT_FIELDS);
    const padded = new Int32Array(2 * VISITS * VISIT_FIELDS);
    padded.set(first);
    const row = floats(raw.slice(0, RAW), [1, RAW]);
    // when
    const short = interpret(graph, {
      features: row,
      tokens: ints(Int32Array.from(first), [1, VISITS, VISIT_FIELDS]),
    });
    const long = interpret(graph, { features: row, tokens: ints(padded, [1, 2 * VISITS, VISIT_FIELDS]) });
    // then
    short.logits!.data.forEach((z, i) => {
      expect(long.logits!.data[i]).toBeCloseTo(z, 12);
    });
    // and: what the visits say is heard
    padded.fill(1, 0, VISIT_FIELDS);
    const other = interpret(graph, { features: row, tokens: ints(padded, [1, 2 * VISITS, VISIT_FIELDS]) });
    expect(Math.abs(other.logits!.data[0]! - short.logits!.data[0]!)).toBeGreaterThan(1e-6);
  });
});

describe('inputs', () => {
  it('are the same from the graph and from the function that writes them', () => {
    // given: zeros, values beyond both ends, and large ones
    const rows = 40;
    const data = rawFeatures(rows);
    data.set([0, 0, 0, 0, 0, 1e6, -1e6, 5, 1e6, 7, -1e6, 1e6, 5, -1e6, -7]);
    const g = new GraphBuilder('transform');
    g.output('z', transformInputs(g, g.input('x', 'float32', ['batch', RAW]), transform));
    // when
    const { z } = interpret(g.build(), { x: floats(data, [rows, RAW]) });
    const written = new Float32Array(rows * KEPT);
    for (let row = 0; row < rows; row++) writeInputs(data, row * RAW, transform, written, row * KEPT);
    // then
    expect(z!.shape).toEqual([rows, KEPT]);
    for (let i = 0; i < written.length; i++) expect(written[i]).toBeCloseTo(z!.data[i]!, 5);
    expect(new Set(written.filter((_, i) => i % KEPT === 3))).toEqual(new Set([0]));
    expect(Math.max(...written.filter((_, i) => i % KEPT === 1))).toBeCloseTo((2 - 0.25) / 1.1, 6);
    expect(written.every(Number.isFinite)).toBe(true);
  });

  it('rise from 0 to 1 across each piece between two quantiles', () => {
    // given: an input with many values, a flag, and one of four values
    const rows = 200;
    const rng = createRng('pieces');
    const z = new Float32Array(rows * 3);
    for (let row = 0; row < rows; row++) z.set([rng.normal(), row % 2, row % 4], row * 3);
    const all = Int32Array.from({ length: rows }, (_, i) => i);
    // when
    const encoding = fitPiecewise(z, 3, all);
    const g = new GraphBuilder('pieces');
    g.output('bins', encodePiecewise(g, g.input('z', 'float32', ['batch', 3]), encoding));
    const { bins } = interpret(g.build(), { z: floats(z, [rows, 3]) });
    // then: a flag has no pieces
    expect(encoding.input.filter((k) => k === 0)).toHaveLength(16);
    expect(encoding.input).not.toContain(1);
    const width = encoding.input.length;
    const [least, most] = [
      Math.min(...z.filter((_, i) => i % 3 === 0)),
      Math.max(...z.filter((_, i) => i % 3 === 0)),
    ];
    for (let row = 0; row < rows; row++) {
      const own = bins!.data.subarray(row * width, row * width + 16);
      // Bins before the value's own are full, those behind it are empty.
      const full = own.findIndex((v) => v < 1 - 1e-6);
      expect(own.subarray(0, Math.max(0, full)).every((v) => v > 1 - 1e-6)).toBe(true);
      if (full >= 0) expect(own.subarray(full + 1).every((v) => v < 1e-6)).toBe(true);
      // The widths of the pieces, as far as they are full, lead from the least value to this one.
      const there = own.reduce((sum, v, b) => sum + v / encoding.inverse[b]!, least);
      expect(there).toBeCloseTo(Math.min(most, z[row * 3]!), 4);
    }
  });
});
