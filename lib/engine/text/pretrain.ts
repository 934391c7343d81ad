import { createRng, float32, int32 } from '../host/index.ts';
import type { Graph, Parameter } from '../onnx/index.ts';
import { type CurvePoint, type FitOptions, fit, linearSchedule, openTrainer } from '../train/index.ts';
import { batchBuckets, textBatches } from './batches.ts';
import { lengthBuckets } from './buckets.ts';
import { encoderFeeds, type TextModel } from './encoder.ts';
import { TextError } from './errors.ts';
import { maskedProgram } from './masked-model.ts';
import { maskedPlaces, maskWords, wordStarts } from './masking.ts';

export interface PretrainTextOptions {
  /** Passes over the texts. 10 */
  readonly epochs?: number;
  /** 4096 */
  readonly tokensPerBatch?: number;
  /** Texts are cut to so many tokens; the encoder's own limit by default. */
  readonly maxLength?: number;
  /** Peak learning rate. 1e-3 */
  readonly learningRate?: number;
  /** Share of the steps in which the rate rises. 0.06 */
  readonly warmup?: number;
  /** 0.01 */
  readonly weightDecay?: number;
  /** 1 */
  readonly threads?: number;
  /** 1 */
  readonly seed?: number;
  readonly onProgress?: FitOptions['onProgress'];
  /** See `fit`: where checkpoints go, one to go on from, and a signal to stop by. */
  readonly checkpoint?: FitOptions['checkpoint'];
  readonly resume?: Uint8Array;
  readonly signal?: AbortSignal;
}

/** Buckets with fewer texts than this go into the next longer one. */
const LEAST_IN_BUCKET = 64;

/**
 * Trains an encoder further on texts by telling hidden words (see `maskedProgram`, `maskWords`). Give it texts that may be
 * known at the time only: those of the training part, before the as-of time.
 * @returns the encoder with its new weights, and the curve of the loss
 * @throws TextError when the tokenizer has no mask token; what `fit` throws
 */
export async function pretrainText(
  encoder: TextModel,
  texts: readonly string[],
  options: PretrainTextOptions = {},
): Promise<{ encoder: TextModel; curve: CurvePoint[] }> {
  const { epochs = 10, tokensPerBatch = 4096, learningRate = 1e-3, warmup = 0.06 } = options;
  const { maxLength = encoder.maxLength, weightDecay = 0.01, threads = 1, seed = 1, onProgress } = options;
  const { checkpoint, resume, signal } = options;
  const { tokenizer } = encoder;
  const { maskId, prefix, suffix } = tokenizer;
  if (maskId === undefined)
    throw new TextError('the tokenizer has no mask token, so nothing can be hidden with it');
  const rng = createRng(seed).fork('masked-token pretraining');
  const tokenized = tokenizer.tokenize(texts, { maxLength });
  const buckets = batchBuckets(lengthBuckets(tokenized, maxLength, LEAST_IN_BUCKET), tokensPerBatch);
  const special = new Set([...prefix, ...suffix, tokenizer.padId, maskId]);
  const masking = {
    maskId,
    replacements: Int32Array.from({ length: tokenizer.size }, (_, id) => id).filter((id) => !special.has(id)),
    starts: wordStarts(tokenizer),
    before: prefix.length,
    after: suffix.length,
  };
  const batches = textBatches({
    texts: tokenized,
    buckets,
    padId: tokenizer.padId,
    rng: rng.fork('batches'),
    make(batch, _, weights, own) {
      const places = maskedPlaces(weights.length, batch.length);
      const masked = maskWords(batch, weights, places, masking, own);
      return {
        ...encoderFeeds(encoder.graph, { ...batch, ids: masked.ids }),
        'masked.positions': int32(masked.positions, [places]),
        'masked.labels': int32(masked.labels, [places]),
        'masked.weights': float32(masked.weights, [places]),
      };
    },
  });
  const program = maskedProgram(encoder, buckets, rng.fork('head'));
  const trainer = await openTrainer(program, {
    threads,
    optimiser: { weightDecay, beta2: 0.98, epsilon: 1e-6 },
  });
  try {
    const steps = epochs * batches.stepsPerEpoch;
    const { curve } = await fit({
      trainer,
      batches,
      steps,
      lr: learningRate,
      schedule: linearSchedule({ warmup: Math.round(warmup * steps) }),
      ...(onProgress ? { onProgress } : {}),
      ...(checkpoint ? { checkpoint } : {}),
      ...(resume ? { resume } : {}),
      ...(signal ? { signal } : {}),
    });
    return {
      encoder: { ...encoder, graph: withParameters(encoder.graph, await trainer.parameters()) },
      curve,
    };
  } finally {
    await trainer.close();
  }
}

/** The graph with other values for those of its parameters that are named. */
export function withParameters(graph: Graph, values: Readonly<Record<string, Float32Array>>): Graph {
  return {
    ...graph,
    parameters: graph.parameters.map(
      (parameter): Parameter => ({
        ...parameter,
        data: values[parameter.name] ?? parameter.data,
      }),
    ),
  };
}
