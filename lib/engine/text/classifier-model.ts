import { trainingGraph } from '../autodiff/index.ts';
import type { Rng } from '../host/index.ts';
import { crossEntropy } from '../nn/index.ts';
import { encodeModel, type Graph, GraphBuilder, selectOutputs, type Value } from '../onnx/index.ts';
import type { TrainingProgram } from '../train/index.ts';
import type { BatchShape } from './batches.ts';
import { encoderOfShape, type TextEncoderModel, textAxes } from './encoder.ts';
import { type NgramShape, ngramLogits } from './ngrams.ts';
import { type Pooling, pool, textMask } from './pooling.ts';

const PARTS = { encoder: 'logits.encoder', ngrams: 'logits.ngrams' } as const;
export const NGRAM_TABLE = 'head.ngrams.weight';
const LOSS = 'text.loss';

export interface ClassifierShape {
  readonly classes: number;
  readonly pooling: readonly Pooling[];
  readonly dropout: number;
  readonly smoothing: number;
  readonly ngrams: (NgramShape & { readonly idf: Float32Array }) | undefined;
}

/**
 * The encoder with heads behind it: outputs `logits.encoder` and, with n-grams, `logits.ngrams`, (batch, classes) each. Trained
 * with `label` (batch) int64, `row.weight` (batch), `class.weight` (classes) and, with dropout, `dropout.pooled` (batch, width)
 * as further inputs: the loss is the sum of the parts' own cross-entropies, so that neither learns only what the other leaves.
 */
export function classifierGraph(
  encoder: Pick<TextEncoderModel, 'graph' | 'hidden' | 'width'>,
  shape: ClassifierShape,
  rng: Rng,
): Graph {
  const { graph, hidden, width } = encoder;
  const { classes, pooling, dropout, smoothing, ngrams } = shape;
  const g = GraphBuilder.from(graph);
  const { batch } = textAxes(graph);
  const value = (name: string): Value => ({ name, ...graph.values.get(name)! });
  const mask = textMask(g, graph);
  const label = g.input('label', 'int64', [batch]);
  const weights = g.input('row.weight', 'float32', [batch]);
  const classWeights = g.input('class.weight', 'float32', [classes]);

  const pools = pooling.map((kind) => pool(g, value(hidden), () => mask, kind));
  let pooled = pools.length === 1 ? pools[0]! : g.concat(pools, 1); // (batch, pooled width)
  const from = pooling.length * width;
  if (dropout > 0) pooled = g.mul(pooled, g.input('dropout.pooled', 'float32', [batch, from]));
  const head = rng.fork('head').normals(from * classes, 0.02);
  const bias = g.parameter('head.bias', [classes], new Float32Array(classes));
  const logits = [
    g.label(PARTS.encoder, g.linear(pooled, g.parameter('head.weight', [from, classes], head), bias)),
  ];
  if (ngrams) {
    const { buckets, idf } = ngrams;
    const table = g.parameter(NGRAM_TABLE, [buckets, classes], new Float32Array(buckets * classes));
    const scores = ngramLogits(
      g,
      {
        ids: value('input_ids'),
        mask,
        idf: g.constant({ dtype: 'float32', shape: [buckets], data: idf }),
        table,
      },
      ngrams,
    );
    const own = g.parameter('head.ngrams.bias', [classes], new Float32Array(classes));
    logits.push(g.label(PARTS.ngrams, g.add(scores, own)));
  }
  const losses = logits.map((part) => crossEntropy(g, part, label, { smoothing, weights, classWeights }));
  g.output(
    LOSS,
    losses.reduce((sum, loss) => g.add(sum, loss)),
  );
  return g.build();
}

/** A training program with a variant for each shape; its evaluation graphs give the parts' logits without dropout. */
export function classifierProgram(
  graphs: { readonly training: Graph; readonly evaluation: Graph },
  shapes: readonly BatchShape[],
  trained: readonly string[],
): TrainingProgram {
  const { training, evaluation } = graphs;
  const rows = trained.includes(NGRAM_TABLE) ? [NGRAM_TABLE] : [];
  const wrt = trained.filter((name) => name !== NGRAM_TABLE);
  const outputs = logitParts(evaluation);
  const programs = shapes.map(({ batchSize, length }) =>
    trainingGraph(selectOutputs(encoderOfShape(training, batchSize, length), [LOSS]), {
      loss: LOSS,
      wrt,
      rows,
    }),
  );
  const scoring = shapes.map(({ batchSize, length }) =>
    encodeModel(frozen(selectOutputs(encoderOfShape(evaluation, batchSize, length), outputs), trained), {
      parametersAs: 'inputs',
    }),
  );
  const byVariant = (models: readonly Uint8Array[]) =>
    Object.fromEntries(shapes.map(({ variant }, i) => [variant, models[i]!]));
  const first = programs[0]!;
  return {
    model: first.model,
    variants: byVariant(programs.map(({ model }) => model)),
    evaluation: scoring[0]!,
    evaluationVariants: byVariant(scoring),
    parameters: first.parameters,
    lossOutput: first.lossOutput,
    gradientOutputs: first.gradientOutputs,
    rowGradients: Object.fromEntries(
      Object.entries(first.rowGradientOutputs).map(([table, outputs]) => [table, [outputs]]),
    ),
  };
}

/** Logits that a classifier's graph has. */
export const logitParts = (graph: Graph): string[] =>
  Object.values(PARTS).filter((name) => graph.values.has(name));

/** Parameters that are not trained become constants. */
function frozen(graph: Graph, trained: readonly string[]): Graph {
  const keep = new Set(trained);
  const fixed = graph.parameters.filter(({ name }) => !keep.has(name));
  return {
    ...graph,
    parameters: graph.parameters.filter(({ name }) => keep.has(name)),
    initializers: [...graph.initializers, ...fixed.map((p) => ({ ...p, dtype: 'float32' as const }))],
  };
}

/** The scaled sum of the parts' logits in a graph that scores, (batch, classes). */
export const SCORING_LOGITS = 'logits.scaled';

/** The graph that scores: output `probabilities` (batch, classes), softmax of `logits.scaled`, the scaled sum of the parts' logits. */
export function scoringGraph(graph: Graph, scales: readonly number[]): Graph {
  const g = GraphBuilder.from(graph);
  const parts = logitParts(graph).map((name, i) => g.mul({ name, ...graph.values.get(name)! }, scales[i]!));
  const total = g.label(
    SCORING_LOGITS,
    parts.reduce((sum, part) => g.add(sum, part)),
  );
  g.output('probabilities', g.softmax(total));
  return selectOutputs(g.build(), ['probabilities']);
}
