import { trainingGraph } from '../../engine/autodiff/index.ts';
import { createRng, type Feeds, float32, type Rng } from '../../engine/host/index.ts';
import { encodeModel, type Graph, GraphBuilder, specialise, type Value } from '../../engine/onnx/index.ts';
import { type CurvePoint, type FitStore, fitProgram, shuffledBatches } from '../../engine/train/index.ts';
import type { PairFeature } from './pair-columns.ts';

/** Places of a training group: positives first, then negatives. */
export const MAX_POSITIVES = 60;
export const NEGATIVES = 100;
const PLACES = MAX_POSITIVES + NEGATIVES;

const HIDDEN = 32;
/** Standardised features are cut off here. */
const LIMIT = 5;
const BATCH = 64;
const EPOCHS = 3;
/** A small shop's few groups are gone through more often: until there are so many steps, or so often. */
const MIN_STEPS = 300;
const MAX_EPOCHS = 30;
const LEARNING_RATE = 3e-3;
const WEIGHT_DECAY = 1e-2;
const WARMUP = 50;
/** Steps between two points of the curve. */
const CURVE_EVERY = 20;
/** What a place without a negative adds to its logit. */
const EMPTY = -1e9;

/** Pairs of users at cut-offs: what each then took, and some of what each did not. One group per user and cut-off. */
export class RankingGroups {
  /** Columns of a pair. */
  readonly width: number;
  /** Per group the features of its pairs, (pairs, width), positives first. */
  readonly features: Float32Array[] = [];
  /** How many pairs of a group are positive. */
  readonly positives: number[] = [];
  /** Pairs of all groups. */
  pairs = 0;

  constructor(width: number) {
    this.width = width;
  }

  get count(): number {
    return this.features.length;
  }

  /** The groups of these numbers, by reference. */
  only(numbers: readonly number[]): RankingGroups {
    const part = new RankingGroups(this.width);
    for (const i of numbers) {
      part.features.push(this.features[i]!);
      part.positives.push(this.positives[i]!);
      part.pairs += this.features[i]!.length / this.width;
    }
    return part;
  }

  /** Adds a group; `write` fills the features of each of its pairs, positives first. */
  add(
    positives: number,
    negatives: number,
    write: (pair: number, out: Float32Array, offset: number) => void,
  ): void {
    const size = positives + negatives;
    const features = new Float32Array(size * this.width);
    for (let pair = 0; pair < size; pair++) write(pair, features, pair * this.width);
    this.features.push(features);
    this.positives.push(positives);
    this.pairs += size;
  }
}

/** Mean and deviation of each pair feature over the training pairs. */
export interface Standards {
  readonly mean: Float32Array;
  readonly deviation: Float32Array;
}

export interface Ranker {
  readonly standards: Standards;
  readonly parameters: Readonly<Record<string, Float32Array>>;
  readonly curve: CurvePoint[];
}

/**
 * What ranks where there is no closed window to learn from: how often the user had it and how much of it went on lately,
 * then what goes with the user's units, then what is popular.
 */
const UNTRAINED: Partial<Record<PairFeature, number>> = {
  'own lines': 0.75,
  'own lines 90d': 0.75,
  'shared users relative': 1,
  'popularity 30d': 0.4,
};

/**
 * A ranker of fixed weights.
 * @param names of the columns
 */
export function untrainedRanker(names: readonly string[]): Ranker {
  const mean = new Float32Array(names.length);
  const deviation = new Float32Array(names.length).fill(1);
  const weights: Readonly<Record<string, number>> = UNTRAINED;
  const weight = Float32Array.from(names, (name) => weights[name] ?? 0);
  return { standards: { mean, deviation }, parameters: { 'linear.weight': weight }, curve: [] };
}

/** The scoring model: `features` (batch, columns), raw -> `logits` (batch). */
export function encodeRanker({ standards, parameters }: Ranker): Uint8Array {
  const g = new GraphBuilder('ranker');
  const logits = rankerLogits(
    g,
    createRng(0),
    standards,
    g.input('features', 'float32', ['batch', standards.mean.length]),
  );
  g.output('logits', g.squeeze(logits, [1]));
  const graph = g.build();
  const trained = graph.parameters.map((p) => ({ ...p, data: parameters[p.name] ?? p.data }));
  return encodeModel({ ...graph, parameters: trained }, { parametersAs: 'initializers' });
}

/** logit = linear(x) + MLP(x), both of standardised features (…, columns) -> (…, 1). Both start at zero. */
function rankerLogits(g: GraphBuilder, rng: Rng, { mean, deviation }: Standards, raw: Value): Value {
  const zeros = (name: string, ...shape: number[]) =>
    g.parameter(name, shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
  const width = mean.length;
  const bound = 1 / Math.sqrt(width);
  const up = rng.fork('up').uniforms(width * HIDDEN, -bound, bound);
  const centred = g.sub(raw, g.constant([...mean]));
  const x = g.clip(g.mul(centred, g.constant(Array.from(deviation, (s) => 1 / s))), -LIMIT, LIMIT);
  const hidden = g.linear(x, g.parameter('up.weight', [width, HIDDEN], up), zeros('up.bias', HIDDEN));
  return g.add(
    g.linear(x, zeros('linear.weight', width, 1)),
    g.matmul(g.gelu(hidden), zeros('down.weight', HIDDEN, 1)),
  );
}

/**
 * The training graph. Of each positive the loss is -log of its share beside all negatives of its group, a softmax with
 * one right answer at a time (Bruch, Wang, Bendersky, Najork 2019, equation 5, one positive after the other).
 * Inputs: `features` (batch, PLACES, columns); `empty` (batch, PLACES), 0 for a negative, EMPTY for any other place;
 * `weights` (batch, PLACES), the part of each positive in the loss. Output: `loss`.
 */
function trainingModel(rng: Rng, standards: Standards): Graph {
  const g = new GraphBuilder('ranker');
  const raw = g.input('features', 'float32', ['batch', PLACES, standards.mean.length]);
  const empty = g.input('empty', 'float32', ['batch', PLACES]);
  const weights = g.input('weights', 'float32', ['batch', PLACES]);
  const logits = g.squeeze(rankerLogits(g, rng, standards, raw), [2]); // (batch, PLACES)
  const negatives = g.add(logits, empty);
  const highest = g.reduceMax(negatives, [1], true);
  const total = g.add(g.log(g.reduceSum(g.exp(g.sub(negatives, highest)), [1], true)), highest); // (batch, 1)
  g.output('loss', g.reduceSum(g.mul(g.softplus(g.sub(total, logits)), weights)));
  return g.build();
}

/** Trains the ranker on the groups; the order of users and candidates is all it is asked for. */
export async function fitRanker(
  groups: RankingGroups,
  options: {
    seed: number;
    threads: number;
    onProgress?: (step: number, of: number, loss: number) => void;
    /** Keeps the fit for a training that is started again. */
    fits?: FitStore | undefined;
  },
): Promise<Ranker> {
  const { seed, threads, onProgress, fits } = options;
  const rng = createRng(seed).fork('ranker');
  const standards = standardsOf(groups);
  const batch = Math.min(BATCH, groups.count);
  const graph = specialise(trainingModel(rng.fork('init'), standards), { batch });
  const stepsPerEpoch = Math.ceil(groups.count / batch);
  const steps = stepsPerEpoch * Math.min(MAX_EPOCHS, Math.max(EPOCHS, Math.ceil(MIN_STEPS / stepsPerEpoch)));
  const warmup = Math.min(WARMUP, Math.ceil(steps / 10));
  const { rowGradientOutputs: _, ...program } = trainingGraph(graph, { loss: 'loss' });
  const fitted = await fitProgram({
    program,
    threads,
    optimiser: { weightDecay: WEIGHT_DECAY, group: () => ({ decay: true }) },
    batches: shuffledBatches({
      rows: groups.count,
      batchSize: batch,
      rng: rng.fork('order'),
      make: (rows, weights) => groupFeeds(groups, rows, weights),
    }),
    madeFrom: { settings: { seed }, arrays: [...groups.features, Int32Array.from(groups.positives)] },
    steps,
    lr: LEARNING_RATE,
    schedule: (step) => Math.min(1, (step + 1) / warmup) * 0.5 * (1 + Math.cos((Math.PI * step) / steps)),
    evaluateEvery: CURVE_EVERY,
    onProgress: ({ step, of, loss }) => onProgress?.(step, of, loss),
    fits,
  });
  return { standards, ...fitted };
}

function groupFeeds(groups: RankingGroups, rows: Int32Array, rowWeights: Float32Array): Feeds {
  const n = rows.length;
  const { width } = groups;
  const features = new Float32Array(n * PLACES * width);
  const empty = new Float32Array(n * PLACES).fill(EMPTY);
  const weights = new Float32Array(n * PLACES);
  // A group counts by the root of its positives: more than one, less than each of them.
  let total = 0;
  rows.forEach((row, b) => {
    total += Math.sqrt(groups.positives[row]!) * rowWeights[b]!;
  });
  rows.forEach((row, b) => {
    const pairs = groups.features[row]!;
    const positives = groups.positives[row]!;
    features.set(pairs, b * PLACES * width);
    weights.fill(rowWeights[b]! / Math.sqrt(positives) / total, b * PLACES, b * PLACES + positives);
    empty.fill(0, b * PLACES + positives, b * PLACES + pairs.length / width);
  });
  return {
    features: float32(features, [n, PLACES, width]),
    empty: float32(empty, [n, PLACES]),
    weights: float32(weights, [n, PLACES]),
  };
}

function standardsOf({ features, pairs, width }: RankingGroups): Standards {
  const sum = new Float64Array(width);
  const squares = new Float64Array(width);
  for (const group of features) {
    for (let at = 0; at < group.length; ) {
      for (let f = 0; f < width; f++) {
        const x = group[at++]!;
        sum[f]! += x;
        squares[f]! += x * x;
      }
    }
  }
  const mean = Float32Array.from(sum, (s) => s / pairs);
  const deviation = Float32Array.from(squares, (s, f) => {
    const m = sum[f]! / pairs;
    const d = Math.sqrt(Math.max(s / pairs - m * m, 0));
    // What never differed says nothing, whatever it is when scoring: its standardised value is 0.
    return d > 1e-6 ? d : Number.POSITIVE_INFINITY;
  });
  return { mean, deviation };
}
