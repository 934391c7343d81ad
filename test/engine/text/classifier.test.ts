import { beforeAll, describe, expect, it } from 'vitest';
import { createRng } from '../../../lib/engine/host/index.ts';
import { type Graph, GraphBuilder, interpret } from '../../../lib/engine/onnx/index.ts';
import {
  fitTextClassifier,
  ownEncoder,
  predictTexts,
  type TextClassifier,
} from '../../../lib/engine/text/index.ts';
import { fitLogitScales } from '../../../lib/engine/text/mix-logits.ts';
import { inverseFrequencies, ngramLogits } from '../../../lib/engine/text/ngrams.ts';
import { bestThreshold } from '../../../lib/engine/text/threshold.ts';

const CLASSES = ['cancel', 'refund', 'track'];

/** Requests whose verb tells the class, but where "not" turns a refund into a cancellation: neighbours matter. */
function requests(count: number, seed: number): { texts: string[]; labels: string[] } {
  const rng = createRng(seed);
  const pick = (words: readonly string[]) => words[rng.integer(words.length)]!;
  const texts: string[] = [];
  const labels: string[] = [];
  for (let i = 0; i < count; i++) {
    const label = CLASSES[rng.integer(CLASSES.length)]!;
    const what = `${pick(['my', 'the', 'this'])} ${pick(['order', 'parcel', 'purchase'])} ${rng.integer(900)}`;
    const verbs = {
      cancel: ['cancel', 'not refund'],
      refund: ['refund', 'pay back'],
      track: ['track', 'where is'],
    };
    texts.push(
      `${pick(['please', 'hello', 'i want to'])} ${pick(verbs[label as keyof typeof verbs])} ${what}`,
    );
    labels.push(label);
  }
  return { texts, labels };
}

const train = requests(240, 1);
const test = requests(80, 2);
const { encoder } = ownEncoder(train.texts, {
  vocabulary: 160,
  layers: 1,
  width: 16,
  heads: 2,
  maxLength: 24,
});
const options = {
  epochs: 5,
  tokensPerBatch: 256,
  learningRate: 0.01,
  dropout: 0.1,
  refit: false,
  heldOut: 0.2,
};
const right = ({ labels }: { labels: string[] }) =>
  labels.filter((l, i) => l === test.labels[i]).length / labels.length;

describe('fitTextClassifier', () => {
  let fitted: TextClassifier;
  beforeAll(async () => {
    fitted = await fitTextClassifier(encoder, train.texts, train.labels, {
      ...options,
      ngrams: { buckets: 1009 },
      typos: { copies: 1 },
      layerDecay: 0.9,
    });
  });

  it('learns what texts want, with calibrated probabilities', async () => {
    // when
    const predicted = await predictTexts(fitted, test.texts, { batchSize: 16 });
    // then
    expect(fitted.classes).toEqual(CLASSES);
    expect(right(predicted)).toBeGreaterThan(0.95);
    expect(fitted.heldOut.accuracy).toBeGreaterThan(0.9);
    expect(fitted.heldOut.logLoss).toBeLessThan(0.3);
    expect(fitted.heldOut.baseLogLoss).toBeGreaterThan(1);
    expect(fitted.heldOut.baseLogLoss).toBeLessThan(1.2);
    expect(fitted.scales.length).toBe(2);
    expect(fitted.threshold).toBeUndefined();
    for (let row = 0; row < test.texts.length; row++) {
      const sum = predicted.probabilities.subarray(3 * row, 3 * row + 3).reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(1, 5);
    }
  });

  it('predicts a text the same in whatever company', async () => {
    // given
    const some = [5, 40, 7];
    // when
    const [all, few] = [
      await predictTexts(fitted, test.texts, { batchSize: 32 }),
      await predictTexts(
        fitted,
        some.map((i) => test.texts[i]!),
        { batchSize: 1 },
      ),
    ];
    // then
    some.forEach((i, at) => {
      for (let c = 0; c < 3; c++)
        expect(few.probabilities[3 * at + c]).toBeCloseTo(all.probabilities[3 * i + c]!, 5);
    });
  });

  it('trains low-rank updates alone, and merges them', async () => {
    // given
    const lora = { rank: 4, alpha: 8, targets: [/query|value/] };
    // when
    const tuned = await fitTextClassifier(encoder, train.texts, train.labels, {
      ...options,
      epochs: 3,
      lora,
      dropout: 0,
    });
    // then: what is not a target or a head is the encoder's own
    expect(tuned.lora?.adapter.targets.length).toBe(2);
    expect(tuned.lora?.maxDifference).toBeLessThan(1e-5);
    expect(tuned.heldOut.accuracy).toBeGreaterThan(0.5);
    expect(tuned.graph.parameters.some(({ name }) => name.startsWith('lora.'))).toBe(false);
    const changed = tuned.graph.parameters
      .filter(({ name, data }) => {
        const own = encoder.graph.parameters.find((p) => p.name === name);
        return own?.data.some((value, i) => value !== data[i]);
      })
      .map(({ name }) => name);
    expect(changed.sort()).toEqual(
      ['query', 'value'].map((part) => `encoder.layer.0.attention.self.${part}.weight`),
    );
  });

  const small = { ...options, epochs: 3, dropout: 0 } as const;
  /** Names of the encoder's parameters that a training has changed. */
  const changedIn = ({ graph }: TextClassifier) =>
    encoder.graph.parameters
      .filter(({ name, data }) => {
        const own = graph.parameters.find((parameter) => parameter.name === name);
        return own?.data.some((value, i) => value !== data[i]);
      })
      .map(({ name }) => name);

  it('trains the heads alone, and leaves the encoder as it is', async () => {
    // when
    const head = await fitTextClassifier(encoder, train.texts, train.labels, {
      ...{ ...small, epochs: 5 },
      train: 'head',
    });
    // then
    expect(changedIn(head)).toEqual([]);
    expect(head.heldOut.logLoss).toBeLessThan(0.9 * head.heldOut.baseLogLoss);
  });

  it('unfreezes a layer more in each pass', async () => {
    // given
    const fit = (epochs: number) =>
      fitTextClassifier(encoder, train.texts, train.labels, { ...small, epochs, gradual: true });
    // when
    const [first, second, all] = [await fit(1), await fit(2), await fit(8)];
    // then
    expect(changedIn(first)).toEqual([]);
    expect(changedIn(second).length).toBeGreaterThan(0);
    expect(changedIn(second).every((name) => name.startsWith('encoder.'))).toBe(true);
    expect(changedIn(all)).toContain('embeddings.word_embeddings.weight');
    expect(all.heldOut.logLoss).toBeLessThan(0.8 * all.heldOut.baseLogLoss);
    expect(all.curve.map(({ step }) => step / all.curve[0]!.step)).toEqual(
      all.curve.map((_, pass) => pass + 1),
    );
  });

  it('gives the same classifier for the same seed, refitted on all texts', async () => {
    // given
    const labels = train.labels.map((label) => (label === 'track' ? 'track' : 'other'));
    const settings = { ...options, epochs: 1, refit: true, train: 'head', classWeights: 'balanced' } as const;
    const fit = () => fitTextClassifier(encoder, train.texts.slice(0, 80), labels.slice(0, 80), settings);
    // when
    const [once, again] = [await fit(), await fit()];
    // then
    expect(again.graph.parameters).toEqual(once.graph.parameters);
    expect(once.threshold).toBeGreaterThanOrEqual(0);
    const table = (graph: Graph) =>
      graph.parameters.find(({ name }) => name.startsWith('embeddings.word'))!.data;
    expect(table(once.graph)).toEqual(table(encoder.graph));
  });

  it('refuses labels that do not fit, one class, and options out of range', async () => {
    // when / then
    const fit = (labels: string[], more = {}) =>
      fitTextClassifier(encoder, ['a', 'b'], labels, { ...options, ...more });
    await expect(fit(['x'])).rejects.toThrow(/2 texts have 1 labels/);
    await expect(fit(['x', 'x'])).rejects.toThrow(/needs two classes, given x/);
    await expect(fit(['x', 'y'], { maxLength: 25 })).rejects.toThrow(/more than the 24 tokens/);
    await expect(fit(['x', 'y'], { heldOut: 1 })).rejects.toThrow(/lies between 0 and 1/);
    const both = { lora: { rank: 1, alpha: 1, targets: ['query'] }, gradual: true };
    await expect(fit(['x', 'y'], both)).rejects.toThrow(/by lora or gradually, not by both/);
    await expect(fit(['x', 'y'], { ngrams: { orders: 4 } })).rejects.toThrow(/orders from 1 to 3/);
  });
});

describe('ngramLogits', () => {
  it('sums weights of n-grams by tf-idf of length 1 within each field', () => {
    // given two texts; 3 separates fields, 0 pads
    const shape = { buckets: 10_007, orders: 2, separator: 3 };
    const texts = { ids: Int32Array.of(2, 7, 8, 3, 7, 3, 2, 7, 3), offsets: Int32Array.of(0, 6, 9) };
    const idf = inverseFrequencies(texts, shape, 1);
    const ids = BigInt64Array.of(2n, 7n, 8n, 3n, 7n, 3n, 0n, 0n);
    const mask = BigInt64Array.of(1n, 1n, 1n, 1n, 1n, 1n, 0n, 0n);
    const g = new GraphBuilder('ngrams');
    const input = (name: string) => g.input(name, 'int64', ['batch', 'sequence']);
    const ones = g.parameter('table', [10_007, 1], new Float32Array(10_007).fill(1));
    const weights = g.constant({ dtype: 'float32', shape: [10_007], data: idf });
    g.output(
      'y',
      ngramLogits(g, { ids: input('ids'), mask: input('mask'), idf: weights, table: ones }, shape),
    );
    // when
    const feed = (data: BigInt64Array) => ({ dtype: 'int64' as const, shape: [1, 8], data });
    const { y } = interpret(g.build(), { ids: feed(ids), mask: feed(mask) });
    // then: [2] [7] [2,7] stand in both texts, [3] too, but for the first field; all others in one
    const [both, one] = [Math.log(3 / 3) + 1, Math.log(3 / 2) + 1];
    const first = [both, both, one, both, both, one, one, one]; // 2 7 8 3 · 2,7 7,8 8,3 3,7 (fields of their first tokens)
    const second = [one, one, one]; // 7 3 · 7,3
    const unit = (w: readonly number[]) => w.reduce((sum, x) => sum + x, 0) / Math.hypot(...w);
    expect(y!.data[0]).toBeCloseTo(unit(first) + unit(second), 6);
    expect(idf.filter((w) => w > 0).length).toBe(12);
    expect(inverseFrequencies(texts, shape, 2).filter((w) => w > 0).length).toBe(4);
  });
});

describe('fitLogitScales', () => {
  it('finds the temperature and the weights of the least log loss', () => {
    // given labels drawn from softmax(0.5 a + 2 b)
    const rng = createRng('scales');
    const [rows, classes] = [3000, 3];
    const [a, b] = [rng.normals(rows * classes), rng.normals(rows * classes)];
    const labels = Int32Array.from({ length: rows }, (_, row) => {
      const p = [0, 1, 2].map((c) => Math.exp(0.5 * a[row * 3 + c]! + 2 * b[row * 3 + c]!));
      let left = rng.uniform() * (p[0]! + p[1]! + p[2]!);
      return p.findIndex((part) => (left -= part) < 0);
    });
    // when
    const [scaleA, scaleB] = fitLogitScales([a, b], labels, classes);
    // then
    expect(Math.abs(scaleA! - 0.5)).toBeLessThan(0.12);
    expect(Math.abs(scaleB! - 2)).toBeLessThan(0.2);
    // a part that tells nothing but the contrary is left out
    expect(fitLogitScales([b, b.map((v) => -v)], labels, classes)[1]).toBe(0);
  });
});

describe('bestThreshold', () => {
  it('is where the expected macro F1 is best', () => {
    // given calibrated probabilities, and the expected macro F1 of a threshold by its definition
    const rng = createRng('threshold');
    const probabilities = Float64Array.from({ length: 400 }, () => Math.sqrt(rng.uniform()));
    const expected = (threshold: number) => {
      let [tp, fp, fn, tn] = [0, 0, 0, 0];
      for (const p of probabilities) {
        if (p >= threshold) {
          tp += p;
          fp += 1 - p;
        } else {
          fn += p;
          tn += 1 - p;
        }
      }
      return tp / (2 * tp + fp + fn) + tn / (2 * tn + fp + fn);
    };
    // when
    const best = bestThreshold(probabilities);
    // then
    for (let threshold = 0.02; threshold < 1; threshold += 0.02) {
      expect(expected(best)).toBeGreaterThanOrEqual(expected(threshold) - 1e-12);
    }
    expect(bestThreshold([0.1, 0.9])).toBeCloseTo(0.5, 9);
  });
});
