import { trainingGraph } from '../../../../engine/autodiff/index.ts';
import { createRng, float32, int32, type Rng } from '../../../../engine/host/index.ts';
import { GraphBuilder, specialise, type Value } from '../../../../engine/onnx/index.ts';
import {
  type CurvePoint,
  type FitStore,
  fitProgram,
  linearSchedule,
  type OptimiserOptions,
} from '../../../../engine/train/index.ts';
import type { VisitVocabulary } from '../../material.ts';
import { Layers } from '../layers.ts';
import { type ParameterValues, withValues } from '../parameters.ts';
import { encodeVisits, VISIT_TABLE, type VisitShape } from './encode.ts';
import { hideVisit, predictedFields, VISIT_FIELDS } from './visit-ids.ts';

/** Visits hidden in each sequence of a batch: the last one, and others at random. */
const HIDDEN_PER_ROW = 4;

/** Points of the loss curve: a batch is drawn at random, so there are no epochs to count in. */
const CURVE_POINTS = 30;

export interface PretrainOptions {
  readonly steps: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly optimiser?: OptimiserOptions;
  readonly threads: number;
  readonly seed: number;
  /** Parameters that it goes on from; those that are not named begin as they are drawn. */
  readonly initial?: ParameterValues;
  readonly onProgress?: (step: number, of: number, loss: number) => void;
  /** Keeps the fit for a training that is started again. */
  readonly fits?: FitStore | undefined;
}

/**
 * Teaches the sequence encoder to fill in hidden visits (the Cloze task of BERT4Rec: Sun et al. 2019): the last visit of
 * a sequence is always among them, so that what comes next is learnt too.
 * @param sequences ids of visits, (rows, length, VISIT_FIELDS), all of them from before the as-of time
 * @param lengths visits of each row; rows with fewer than two are left out
 * @returns the encoder's parameters by name, and the curve of the loss
 */
export async function pretrainEncoder(
  sequences: Int32Array,
  lengths: Int32Array,
  length: number,
  vocabulary: VisitVocabulary,
  shape: VisitShape,
  options: PretrainOptions,
): Promise<{ parameters: Record<string, Float32Array>; curve: CurvePoint[] }> {
  const rows: number[] = [];
  for (let row = 0; row < lengths.length; row++) if (lengths[row]! >= 2) rows.push(row);
  if (rows.length === 0 || options.steps === 0) return { parameters: {}, curve: [] };
  const batch = Math.min(options.batchSize, Math.max(8, rows.length));
  const rng = createRng(options.seed).fork('pretrain');
  const fresh = pretrainGraph(rng.fork('init'), length, vocabulary, shape);
  const graph = specialise(withValues(fresh, options.initial ?? {}), { batch });
  const training = trainingGraph(graph, { loss: 'loss', rows: [VISIT_TABLE] });
  const { rowGradientOutputs, ...program } = training;
  const rowGradients = Object.fromEntries(
    Object.entries(rowGradientOutputs).map(([name, out]) => [name, [out]]),
  );
  const at = (step: number) =>
    pretrainBatch(rng.fork(`batch ${step}`), rows, batch, sequences, lengths, length, vocabulary);
  return fitProgram({
    program: { ...program, rowGradients },
    threads: options.threads,
    batches: { stepsPerEpoch: options.steps, at },
    madeFrom: { settings: { seed: options.seed, vocabulary }, arrays: [sequences, lengths] },
    steps: options.steps,
    lr: options.learningRate,
    optimiser: options.optimiser ?? {},
    schedule: linearSchedule({ warmup: Math.ceil(options.steps / 20) }),
    evaluateEvery: Math.ceil(options.steps / CURVE_POINTS),
    onProgress: ({ step, of, loss }) => options.onProgress?.(step, of, loss),
    fits: options.fits,
  });
}

/** Names and shapes of what a pretraining learns. */
export function pretrainedShapes(
  vocabulary: VisitVocabulary,
  shape: VisitShape,
): { readonly name: string; readonly shape: readonly number[] }[] {
  const { parameters } = pretrainGraph(createRng(0), 1, vocabulary, shape);
  return parameters.map(({ name, shape: dims }) => ({ name, shape: dims }));
}

function pretrainGraph(rng: Rng, length: number, vocabulary: VisitVocabulary, shape: VisitShape) {
  const g = new GraphBuilder('pretrain');
  const layers = new Layers(g, rng);
  const visits = g.input('tokens', 'int32', ['batch', length, VISIT_FIELDS]);
  const positions = g.input('positions', 'int32', ['batch', HIDDEN_PER_ROW]); // rows of the flattened (batch x length)
  const weights = g.input('weights', 'float32', ['batch', HIDDEN_PER_ROW]);
  const { hidden } = encodeVisits(layers, visits, shape);
  const flat = g.reshape(hidden, [-1, shape.width]);
  const asked = g.reshape(g.gather(flat, positions), [-1, shape.width]); // (batch x hidden, width)
  const answer = layers.norm(
    'cloze.norm',
    g.gelu(layers.dense('cloze.dense', asked, shape.width, shape.width)),
    shape.width,
  );
  const flatWeights = g.reshape(weights, [-1]);
  let loss: Value | undefined;
  for (const { name, size } of predictedFields(vocabulary)) {
    const target = g.input(`target.${name}`, 'int32', ['batch', HIDDEN_PER_ROW]);
    const logits = layers.dense(`cloze.${name}`, answer, shape.width, size);
    const picked = g.gatherElements(g.logSoftmax(logits), g.unsqueeze(g.reshape(target, [-1]), [1]));
    const field = g.neg(g.reduceSum(g.mul(g.squeeze(picked, [1]), flatWeights)));
    loss = loss ? g.add(loss, field) : field;
  }
  g.output('loss', g.div(loss!, g.max(g.reduceSum(flatWeights), 1)));
  return g.build();
}

function pretrainBatch(
  rng: Rng,
  rows: readonly number[],
  batch: number,
  sequences: Int32Array,
  lengths: Int32Array,
  length: number,
  vocabulary: VisitVocabulary,
) {
  const stride = length * VISIT_FIELDS;
  const ids = new Int32Array(batch * stride);
  const positions = new Int32Array(batch * HIDDEN_PER_ROW);
  const weights = new Float32Array(batch * HIDDEN_PER_ROW);
  const fields = predictedFields(vocabulary);
  const targets = fields.map(() => new Int32Array(batch * HIDDEN_PER_ROW));
  for (let b = 0; b < batch; b++) {
    const row = rows[rng.integer(rows.length)]!;
    ids.set(sequences.subarray(row * stride, (row + 1) * stride), b * stride);
    const visits = lengths[row]!;
    // At most half of the visits are hidden, so that something is left to answer from.
    const hidden = Math.min(HIDDEN_PER_ROW, Math.max(1, Math.floor(visits / 2)));
    const chosen = new Set([visits - 1]);
    while (chosen.size < hidden) chosen.add(rng.integer(visits));
    let slot = b * HIDDEN_PER_ROW;
    for (const visit of chosen) {
      const at = b * stride + visit * VISIT_FIELDS;
      positions[slot] = b * length + visit;
      weights[slot] = 1;
      fields.forEach((field, f) => {
        // A visit without items counts as one of an item beyond the vocabulary.
        targets[f]![slot] = Math.max(0, ids[at + field.slot]! - field.first);
      });
      slot++;
      hideVisit(ids, at, vocabulary);
    }
  }
  const shape = [batch, HIDDEN_PER_ROW];
  return {
    tokens: int32(ids, [batch, length, VISIT_FIELDS]),
    positions: int32(positions, shape),
    weights: float32(weights, shape),
    ...Object.fromEntries(fields.map(({ name }, f) => [`target.${name}`, int32(targets[f]!, shape)])),
  };
}
