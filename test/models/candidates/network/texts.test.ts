import { describe, expect, it } from 'vitest';
import { differentiate, gradientName } from '../../../../lib/engine/autodiff/index.ts';
import { createRng } from '../../../../lib/engine/host/index.ts';
import {
  decodeModel,
  encodeModel,
  interpret,
  specialise,
  type Tensor,
} from '../../../../lib/engine/onnx/index.ts';
import { applyLora, mergeLora, trainable } from '../../../../lib/engine/peft/index.ts';
import { embedTexts } from '../../../../lib/engine/text/index.ts';
import { writeInputs } from '../../../../lib/models/candidates/inputs.ts';
import { linearBranch, textsBranch } from '../../../../lib/models/candidates/network/branches/index.ts';
import {
  type Network,
  scoringModel,
  trainingModel,
} from '../../../../lib/models/candidates/network/graph.ts';
import { withValues } from '../../../../lib/models/candidates/network/parameters.ts';
import { renumbered, vectorStatistics } from '../../../../lib/models/candidates/network/texts/feeds.ts';
import {
  ageBucket,
  TEXT_FIELDS,
  TEXT_VECTORS,
} from '../../../../lib/models/candidates/network/texts/read.ts';
import { textBatchShapes, tunedFeeds } from '../../../../lib/models/candidates/network/texts/tuning.ts';
import {
  cutAtVectors,
  KeptVectors,
  TextVectors,
  vectorsGraph,
} from '../../../../lib/models/candidates/network/texts/vectors.ts';
import { VISIT_FIELDS } from '../../../../lib/models/candidates/network/visits/visit-ids.ts';
import { relativeError } from '../../../engine/onnx/support/compare.ts';
import {
  floats,
  ints,
  perturbed,
  RAW,
  rawFeatures,
  trainingFeeds,
  transform,
  visitIds,
  whole,
} from './small.ts';
import { shopTexts, smallEncoder } from './text-shop.ts';

const ROWS = 3;
const VISITS = 2;
const PLACES = 3;
const VECTOR = 8;
const TEXTS = 4;
const KINDS = 4;
const vectors = createRng('vectors').normals(TEXTS * VECTOR);
const read = textsBranch({
  vector: VECTOR,
  ...vectorStatistics(vectors, VECTOR),
  width: 4,
  heads: 2,
  places: PLACES,
  kinds: KINDS,
});
const plain = whole(VISITS);
const shape: Network = { ...plain, branches: [...plain.branches, read] };

/** Row 0 has every place filled, row 1 one, row 2 none. */
const texts = ints(
  Int32Array.from(
    [
      [
        [1, 0, 3],
        [2, 3, 9],
        [4, 1, 0],
      ],
      [
        [3, 2, 5],
        [0, 0, 0],
        [0, 0, 0],
      ],
      [
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ],
    ].flat(2),
  ),
  [ROWS, PLACES, TEXT_FIELDS],
);
const tokens = ints(visitIds(ROWS, VISITS), [ROWS, VISITS, VISIT_FIELDS]);
const table = floats(vectors, [TEXTS, VECTOR]);
const raw = rawFeatures(ROWS);
const features = floats(raw, [ROWS, RAW]);

describe('the text branch', () => {
  it('has gradients by every parameter and by the vectors that equal finite differences in float64', () => {
    // given
    const kept = transform.kept.length;
    const inputs = new Float32Array(ROWS * kept);
    for (let row = 0; row < ROWS; row++) writeInputs(raw, row * RAW, transform, inputs, row * kept);
    const built = trainingModel(shape, createRng(3), { linearL2: 0.01, dropout: 0 });
    const graph = specialise(withValues(built, perturbed(built.parameters)), { batch: ROWS, texts: TEXTS });
    const feeds = {
      inputs: floats(inputs, [ROWS, kept]),
      tokens,
      texts,
      [TEXT_VECTORS]: table,
      ...trainingFeeds(shape, ROWS),
    };
    const parameters = graph.parameters.filter(({ name }) => name.startsWith('text.'));
    expect(parameters.map(({ name }) => name)).toContain('text.query.visits.weight');
    const checked = [...parameters, { name: TEXT_VECTORS, shape: [TEXTS, VECTOR], data: vectors }];
    const wrt = checked.map(({ name }) => name);
    // when
    const exact = interpret(differentiate(graph, { loss: 'loss', wrt }), feeds);
    // then
    for (const { name, shape: dims, data } of checked) {
      const gradient = exact[gradientName(name)]!.data;
      const direction = createRng(name).normals(data.length);
      const lossAt = (h: number) => {
        const moved = Float64Array.from(data, (x, i) => x + h * direction[i]!);
        const fed = { ...feeds, [name]: { dtype: 'float64', shape: [...dims], data: moved } as Tensor };
        return interpret(graph, fed).loss!.data[0]!;
      };
      const numeric = (lossAt(1e-6) - lossAt(-1e-6)) / 2e-6;
      const analytic = gradient.reduce((sum, d, i) => sum + d * direction[i]!, 0);
      expect(Math.abs(numeric - analytic), name).toBeLessThan(1e-7 * Math.max(1, Math.abs(analytic)));
      expect(
        gradient.some((d) => d !== 0),
        name,
      ).toBe(true);
    }
  });

  it('starts without effect, and never has one on a user without texts', () => {
    // given
    const fresh = scoringModel(shape, createRng(3));
    const moved = perturbed(fresh.parameters);
    const feeds = { features, tokens };
    const fed = { ...feeds, texts, [TEXT_VECTORS]: table };
    const without = (values: Record<string, Float32Array>) =>
      interpret(withValues(scoringModel(plain, createRng(3)), values), feeds).logits!.data;
    // when
    const started = interpret(fresh, fed).logits!.data;
    const trained = interpret(withValues(fresh, moved), fed).logits!.data;
    // then
    expect([...started]).toEqual([...without({})]);
    const tasks = shape.heads.length;
    expect([...trained.slice(2 * tasks)]).toEqual([...without(moved).slice(2 * tasks)]);
    expect(trained[0]).not.toBeCloseTo(without(moved)[0]!, 3);
  });

  it('depends on the texts alone, not on their numbers or on places that are empty', () => {
    // given
    const graph = scoringModel(shape, createRng(3));
    const model = withValues(graph, perturbed(graph.parameters));
    const { own, distinct } = renumbered(texts.data as Int32Array);
    const order = new Float32Array(TEXTS * VECTOR);
    distinct.forEach((number, i) => {
      order.set(vectors.subarray(number * VECTOR, (number + 1) * VECTOR), i * VECTOR);
    });
    // when
    const scores = (t: Tensor, v: Tensor) => [
      ...interpret(model, { features, tokens, texts: t, [TEXT_VECTORS]: v }).logits!.data,
    ];
    // then
    expect(distinct).toEqual([0, 1, 3, 2]);
    expect(scores(ints(own, [ROWS, PLACES, TEXT_FIELDS]), floats(order, [TEXTS, VECTOR]))).toEqual(
      scores(texts, table),
    );
  });

  it('tells its part among the reasons, the last', () => {
    // given: a model whose logits are those of the text branch alone
    const one: Network = {
      ...shape,
      heads: [{ task: 'buy', bins: 1, inverted: false }],
      branches: [linearBranch, read],
    };
    const kept = transform.kept.length;
    const groups = { count: 1, matrix: new Float32Array(kept).fill(1) };
    const graph = scoringModel(one, createRng(3), groups);
    const values = perturbed(graph.parameters.filter(({ name }) => name.startsWith('text.')));
    const feeds = { features, texts, [TEXT_VECTORS]: table };
    // when
    const { logits, reasons } = interpret(withValues(graph, values), feeds);
    // then: features move nothing, there are no visits
    expect(reasons!.shape).toEqual([ROWS, 1, 3]);
    const all = [...reasons!.data];
    for (let row = 0; row < ROWS; row++) {
      expect(all[3 * row]).toBeCloseTo(0, 12);
      expect(all[3 * row + 1]).toBe(0);
      expect(all[3 * row + 2]).toBeCloseTo(logits!.data[row]!, 3);
    }
    expect(all[2]).not.toBeCloseTo(0, 3);
    expect(all[8]).toBe(0);
  });
});

describe('a model with its text encoder', () => {
  const { encoder } = smallEncoder(shopTexts(200));
  const graph = vectorsGraph(encoder);
  const some = shopTexts(60);

  it('is one graph that computes what encoder and rest do apart', () => {
    // given
    const built = scoringModel(shape, createRng(3), undefined, graph);
    const own = perturbed(built.parameters.filter(({ name }) => !name.startsWith('text.encoder/')));
    const model = decodeModel(encodeModel(withValues(built, own), { parametersAs: 'initializers' }));
    const encoded = encoder.tokenizer.encode(some.slice(0, TEXTS), { maxLength: 24 });
    const ids = (data: Int32Array): Tensor => ({
      dtype: 'int64',
      shape: [TEXTS, encoded.length],
      data: BigInt64Array.from(data, BigInt),
    });
    const pieces = { input_ids: ids(encoded.ids), attention_mask: ids(encoded.mask) };
    const parts = cutAtVectors(model);
    // when
    const whole = interpret(model, { features, tokens, texts, ...pieces }).logits!;
    const made = interpret(parts.encoder, pieces)[TEXT_VECTORS]!;
    const rest = interpret(parts.rest, { features, tokens, texts, [TEXT_VECTORS]: made }).logits!;
    // then
    expect(made.shape).toEqual([TEXTS, VECTOR]);
    expect([...rest.data]).toEqual([...whole.data]);
    expect(parts.rest.inputs.map(({ name }) => name).sort()).toEqual(
      ['features', TEXT_VECTORS, 'texts', 'tokens'].sort(),
    );
    expect(parts.rest.parameters.some(({ name }) => name.startsWith('text.encoder/'))).toBe(false);
  });

  it('gives a text the same vector to the bit, whatever stands beside it', async () => {
    // given
    const open = () => new TextVectors(graph, encoder.tokenizer, { maxLength: 24, threads: 1 });
    const first = open();
    const kept = new KeptVectors(open());
    try {
      // when
      const all = await first.of(some);
      const reversed = await first.of([...some].reverse());
      const alone = await first.of(some.slice(7, 8));
      const written = new Float32Array(3 * VECTOR);
      await kept.write([some[3]!, some[7]!], written);
      await kept.write([some[7]!, some[9]!, some[3]!], written);
      // then
      const at = (vectors: Float32Array, i: number) => [...vectors.subarray(i * VECTOR, (i + 1) * VECTOR)];
      some.forEach((_, i) => {
        expect(at(reversed, some.length - 1 - i)).toEqual(at(all, i));
      });
      expect([...alone]).toEqual(at(all, 7));
      expect([at(written, 0), at(written, 1), at(written, 2)]).toEqual([at(all, 7), at(all, 9), at(all, 3)]);
      // and they are what the encoder's own door computes, and tell texts apart
      expect(relativeError(all, await embedTexts(encoder, some))).toBeLessThan(1e-5);
      expect(relativeError(at(all, 0), at(all, 1))).toBeGreaterThan(0.05);
    } finally {
      await first.close();
      await kept.close();
    }
  });
});

describe('a text encoder in training', () => {
  const { encoder } = smallEncoder(shopTexts(200));
  const base = vectorsGraph(encoder);
  const some = shopTexts(9);
  const { graph, adapter } = applyLora(base, {
    rank: 2,
    alpha: 4,
    targets: ['query', 'value'],
    rng: createRng(5),
  });
  const tuning = {
    graph,
    train: trainable(graph, 'lora'),
    pieces: encoder.tokenizer.tokenize(some, { maxLength: 24 }),
    padId: encoder.tokenizer.padId,
  };
  const numbers = Int32Array.from(
    [
      [5, 0, 3],
      [9, 3, 9],
      [5, 1, 0],
    ].flat(),
  );
  const asked = { ...read.shape, places: 3 };
  const shapes = textBatchShapes(48, tuning);

  it('computes in training what it computes for scoring, before and after it is merged', async () => {
    // given: LoRA with effect
    const moved = Object.fromEntries(
      graph.parameters
        .filter(({ name }) => tuning.train.includes(name))
        .map(({ name, data }) => [name, createRng(name).normals(data.length, 0.3)]),
    );
    const trained = withValues(graph, moved);
    const { graph: merged } = await mergeLora(graph, adapter, moved);
    const feeds = tunedFeeds(asked, numbers, Int32Array.of(0), tuning, shapes);
    const tensors = Object.fromEntries(
      Object.entries(feeds).map(([name, { type, shape, data }]) => [name, { dtype: type, shape, data }]),
    ) as Record<string, Tensor>;
    // when
    const { texts: own, ...pieces } = tensors;
    const inTraining = interpret(trained, pieces)[TEXT_VECTORS]!.data;
    const plain = interpret(base, pieces)[TEXT_VECTORS]!.data;
    const exact = interpret(merged, pieces)[TEXT_VECTORS]!.data;
    const vectors = new TextVectors(merged, encoder.tokenizer, { maxLength: 24, threads: 1 });
    const scored = await vectors.of([some[4]!, some[8]!]);
    await vectors.close();
    // then
    expect([...(own!.data as Int32Array)]).toEqual([1, 0, 3, 2, 3, 9, 1, 1, 0]);
    expect(relativeError(exact, inTraining)).toBeLessThan(1e-6);
    expect(relativeError(scored, inTraining.slice(0, 2 * VECTOR))).toBeLessThan(1e-5);
    expect(relativeError(plain, inTraining)).toBeGreaterThan(1e-2);
  });

  it('is fed in the smallest of few shapes that holds the distinct texts of a batch', () => {
    // given: 40 rows of three texts each, nine of them distinct
    const rows = Int32Array.from({ length: 40 }, (_, i) => i);
    const many = Int32Array.from({ length: 40 * 9 }, (_, i) => (i % 3 === 0 ? 1 + ((i / 3) % 9) : 0));
    // when
    const feeds = tunedFeeds(asked, many, rows, tuning, textBatchShapes(120, tuning));
    // then
    expect(textBatchShapes(120, tuning).map(({ texts }) => texts)).toEqual([32, 64, 120]);
    expect(textBatchShapes(7, tuning).map(({ texts }) => texts)).toEqual([7]);
    expect(feeds.input_ids!.shape[0]).toBe(32);
    expect(feeds.texts!.shape).toEqual([40, 3, TEXT_FIELDS]);
  });

  it('has gradients by LoRA and by what reads the vectors that equal finite differences', () => {
    // given
    const kept = transform.kept.length;
    const inputs = new Float32Array(ROWS * kept);
    for (let row = 0; row < ROWS; row++) writeInputs(raw, row * RAW, transform, inputs, row * kept);
    const built = trainingModel(shape, createRng(3), { linearL2: 0.01, dropout: 0 }, graph);
    const own = built.parameters.filter(({ name }) => !name.startsWith('text.encoder/'));
    const sizes = { batch: ROWS, texts: TEXTS, pieces: 12 };
    const model = specialise(withValues(built, perturbed(own)), sizes);
    const encoded = encoder.tokenizer.encode(some.slice(0, TEXTS), { maxLength: 12, length: 12 });
    const ids = (data: Int32Array): Tensor => ({
      dtype: 'int64',
      shape: [TEXTS, 12],
      data: BigInt64Array.from(data, BigInt),
    });
    const feeds = {
      inputs: floats(inputs, [ROWS, kept]),
      tokens,
      texts,
      input_ids: ids(encoded.ids),
      attention_mask: ids(encoded.mask),
      ...trainingFeeds(shape, ROWS),
    };
    const checked = model.parameters.filter(
      ({ name }) => tuning.train.includes(name) || name === 'text.project.weight',
    );
    expect(checked.length).toBe(5);
    // when
    const wrt = checked.map(({ name }) => name);
    const exact = interpret(differentiate(model, { loss: 'loss', wrt }), feeds);
    // then
    for (const { name, shape: dims, data } of checked) {
      const gradient = exact[gradientName(name)]!.data;
      const direction = createRng(name).normals(data.length);
      const lossAt = (h: number) => {
        const moved = Float64Array.from(data, (x, i) => x + h * direction[i]!);
        const fed = { ...feeds, [name]: { dtype: 'float64', shape: [...dims], data: moved } as Tensor };
        return interpret(model, fed).loss!.data[0]!;
      };
      const numeric = (lossAt(1e-6) - lossAt(-1e-6)) / 2e-6;
      const analytic = gradient.reduce((sum, d, i) => sum + d * direction[i]!, 0);
      expect(Math.abs(numeric - analytic), name).toBeLessThan(1e-7 * Math.max(1, Math.abs(analytic)));
      expect(
        gradient.some((d) => d !== 0),
        name,
      ).toBe(true);
    }
  });
});

it('ages fall into buckets of doubling width', () => {
  expect([0, 1, 2, 3, 4, 255, 256, 5000].map(ageBucket)).toEqual([0, 1, 2, 2, 3, 8, 9, 9]);
});
