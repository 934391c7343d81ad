import { trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import { createRng, type Feeds, float32, int64 } from '../../../lib/engine/host/index.ts';
import {
  encodeModel,
  type Graph,
  GraphBuilder,
  selectOutputs,
  specialise,
} from '../../../lib/engine/onnx/index.ts';
import {
  type BatchSource,
  type Bucket,
  bucketedBatches,
  DropoutMasks,
  type DropoutSite,
  dropoutPlaces,
  insertDropout,
  lengthBuckets,
  type TrainingProgram,
} from '../../../lib/engine/train/index.ts';

const [WIDTH, VOCABULARY] = [8, 20];
const rng = createRng(11);

/** A transformer of one layer over tokens, 0 for padding, with a label and a weight per row. */
export function encoderGraph(): Graph {
  const draw = rng.fork('init');
  const g = new GraphBuilder('encoder');
  const weight = (name: string, ...shape: number[]) =>
    g.parameter(
      name,
      shape,
      draw.normals(
        shape.reduce((a, b) => a * b, 1),
        0.3,
      ),
    );
  const ones = (name: string) => g.parameter(name, [WIDTH], new Float32Array(WIDTH).fill(1));
  const ids = g.input('ids', 'int64', ['batch', 'length']);
  const [label, rowWeight] = [
    g.input('label', 'float32', ['batch']),
    g.input('weight', 'float32', ['batch']),
  ];
  const real = g.cast(g.greater(ids, 0), 'float32');
  let x = g.gather(weight('tokens', VOCABULARY, WIDTH), ids);
  const [q, k, v] = g.split(g.linear(x, weight('qkv', WIDTH, 3 * WIDTH)), [WIDTH, WIDTH, WIDTH], -1);
  const scores = g.add(
    g.matmul(q!, g.transpose(k!, [0, 2, 1])),
    g.mul(g.unsqueeze(g.sub(1, real), [1]), -1e9),
  );
  const mixed = g.matmul(g.softmax(scores), v!);
  x = g.layerNorm(
    g.add(x, g.linear(mixed, weight('out', WIDTH, WIDTH), weight('out.bias', WIDTH))),
    ones('norm'),
  );
  const inner = g.gelu(g.linear(x, weight('up', WIDTH, 2 * WIDTH)));
  x = g.add(x, g.linear(inner, weight('down', 2 * WIDTH, WIDTH)));
  const pooled = g.div(g.reduceSum(g.mul(x, g.unsqueeze(real, [2])), [1]), g.reduceSum(real, [1], true));
  const logit = g.squeeze(g.linear(pooled, weight('head', WIDTH, 1)), [1]);
  const entropy = g.sub(g.softplus(logit), g.mul(label, logit));
  g.output('loss', g.div(g.reduceSum(g.mul(entropy, rowWeight)), g.reduceSum(rowWeight)));
  return g.build();
}

const ROWS = 23;
/** Token ids of each row, of 3 to 12 tokens. The label is whether token 1 occurs. */
const rows = Array.from({ length: ROWS }, (_, row) => {
  const draw = rng.fork(`row ${row}`);
  return Array.from({ length: 3 + draw.integer(10) }, () => 1 + draw.integer(VOCABULARY - 1));
});

export const encoderBuckets: Bucket[] = lengthBuckets({
  lengths: rows.map(({ length }) => length),
  buckets: [6, 9, 12],
  tokensPerBatch: 36,
});

/** One program with a variant per bucket, and the dropout sites of each. */
export function encoderProgram(rate: number): {
  program: TrainingProgram;
  sites: Record<string, DropoutSite[]>;
} {
  const graph = encoderGraph();
  const sites: Record<string, DropoutSite[]> = {};
  const trained = encoderBuckets.map(({ variant, length, batchSize }) => {
    const fixed = specialise(graph, { batch: batchSize, length });
    const { attention, residual } = dropoutPlaces(fixed);
    const dropped = insertDropout(fixed, { rate, after: [...attention, ...residual] });
    sites[variant] = dropped.sites;
    return { variant, ...trainingGraph(dropped.graph, { loss: 'loss', rows: ['tokens'] }) };
  });
  const { model, parameters, lossOutput, gradientOutputs, rowGradientOutputs } = trained[0]!;
  return {
    sites,
    program: {
      model,
      variants: Object.fromEntries(trained.map(({ variant, model: bytes }) => [variant, bytes])),
      evaluation: encodeModel(selectOutputs(graph, ['loss']), { parametersAs: 'inputs' }),
      parameters,
      lossOutput,
      gradientOutputs,
      rowGradients: { tokens: [rowGradientOutputs.tokens!] },
    },
  };
}

/** Batches by length; with dropout masks where there are sites. */
export function encoderBatches(sites: Record<string, DropoutSite[]> = {}, seed = 1): BatchSource {
  const masks = Object.fromEntries(
    Object.entries(sites).map(([variant, of]) => [
      variant,
      new DropoutMasks({ sites: of, rng: createRng(seed).fork('dropout') }),
    ]),
  );
  return bucketedBatches({
    buckets: encoderBuckets,
    rng: createRng(seed).fork('order'),
    make({ rows: chosen, weights, length, variant, step }): Feeds {
      const ids = new Int32Array(chosen.length * length);
      const labels = new Float32Array(chosen.length);
      chosen.forEach((row, i) => {
        ids.set(rows[row]!, i * length);
        labels[i] = Number(rows[row]!.includes(1));
      });
      return {
        ids: int64(ids, [chosen.length, length]),
        label: float32(labels, [chosen.length]),
        weight: float32(weights, [chosen.length]),
        ...masks[variant]?.at(step),
      };
    },
  });
}
