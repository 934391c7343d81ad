import { createRng, type Feeds, int64 } from '../../../lib/engine/host/index.ts';
import { type Graph, GraphBuilder, type Value } from '../../../lib/engine/onnx/index.ts';

export const WIDTH = 8;
export const HEADS = 2;
const VOCABULARY = 20;
export const LENGTH = 5;

export interface EncoderOptions {
  /** Norm behind the join (BERT) or before the sublayer (ModernBERT). */
  norm?: 'post' | 'pre';
  /** LayerNorm as one operator or in pieces, as old exporters write it. */
  decomposed?: boolean;
  layers?: number;
  seed?: number;
  /** Prefix of the weights' names, which exporters choose anew. */
  prefix?: string;
  head?: boolean;
}

/**
 * An encoder as exporters write them: weights without telling names, biases with them, attention in pieces, an additive
 * mask. Inputs ids and mask (batch, LENGTH), outputs hidden and, with a head, logits (batch, 2).
 */
export function encoder(options: EncoderOptions = {}): Graph {
  const { norm = 'post', decomposed = false, layers = 2, seed = 1, prefix = 'onnx::MatMul_' } = options;
  const g = new GraphBuilder('encoder');
  const rng = createRng(seed);
  let count = 100;
  const parameter = (name: string, shape: number[], deviation = 0.4) =>
    g.parameter(
      name,
      shape,
      rng.fork(name).normals(
        shape.reduce((a, b) => a * b, 1),
        deviation,
      ),
    );
  const dense = (name: string, x: Value, from: number, to: number) => {
    const weight = rng.fork(`${name}.weight`).normals(from * to, 0.4);
    const product = g.matmul(x, g.parameter(`${prefix}${count++}`, [from, to], weight));
    return g.add(parameter(`${name}.bias`, [to]), product);
  };
  const layerNorm = (name: string, x: Value) => {
    const scale = g.parameter(`${name}.weight`, [WIDTH], new Float32Array(WIDTH).fill(1));
    const shift = parameter(`${name}.bias`, [WIDTH], 0.1);
    if (!decomposed) return g.layerNorm(x, scale, shift);
    const centred = g.sub(x, g.reduceMean(x, [-1], true));
    const deviation = g.sqrt(g.add(g.reduceMean(g.pow(centred, 2), [-1], true), 1e-5));
    return g.add(g.mul(g.div(centred, deviation), scale), shift);
  };
  const ids = g.input('ids', 'int64', ['batch', LENGTH]);
  const mask = g.input('mask', 'int64', ['batch', LENGTH]);
  const hiding = g.mul(g.sub(1, g.cast(g.unsqueeze(mask, [1, 2]), 'float32')), -1e9);
  const attention = (name: string, x: Value) => {
    const split = (v: Value) =>
      g.transpose(g.reshape(v, ['batch', LENGTH, HEADS, WIDTH / HEADS]), [0, 2, 1, 3]);
    const [q, k, v] = ['query', 'key', 'value'].map((part) =>
      split(dense(`${name}.self.${part}`, x, WIDTH, WIDTH)),
    ) as [Value, Value, Value];
    const scores = g.div(g.matmul(q, g.transpose(k, [0, 1, 3, 2])), Math.sqrt(WIDTH / HEADS));
    const mixed = g.matmul(g.softmax(g.add(scores, hiding)), v);
    const joined = g.reshape(g.transpose(mixed, [0, 2, 1, 3]), ['batch', LENGTH, WIDTH]);
    return dense(`${name}.output.dense`, joined, WIDTH, WIDTH);
  };
  // the tanh approximation in pieces holds x + f(x) without a linear layer: no residual join
  const gelu = (x: Value) => {
    const inner = g.mul(g.add(x, g.mul(g.pow(x, 3), 0.044715)), Math.sqrt(2 / Math.PI));
    return g.mul(g.mul(x, 0.5), g.add(g.tanh(inner), 1));
  };
  let x = g.add(
    g.gather(parameter('embeddings.words', [VOCABULARY, WIDTH]), ids),
    parameter('embeddings.positions', [LENGTH, WIDTH]),
  );
  x = layerNorm('embeddings.norm', x);
  for (let layer = 0; layer < layers; layer++) {
    const at = `layer.${layer}`;
    const sublayer = (name: string, body: (x: Value) => Value) => {
      x =
        norm === 'post'
          ? layerNorm(`${name}.norm`, g.add(body(x), x))
          : g.add(x, body(layerNorm(`${name}.norm`, x)));
    };
    sublayer(`${at}.attention`, (y) => attention(`${at}.attention`, y));
    sublayer(`${at}.ffn`, (y) =>
      dense(`${at}.ffn.down`, gelu(dense(`${at}.ffn.up`, y, WIDTH, 2 * WIDTH)), 2 * WIDTH, WIDTH),
    );
  }
  if (norm === 'pre') x = layerNorm('final.norm', x);
  g.output('hidden', x);
  if (options.head) {
    const weight = parameter('classifier.weight', [WIDTH, 2]);
    g.output('logits', g.linear(g.reduceMean(x, [1]), weight, parameter('classifier.bias', [2])));
  }
  return g.build();
}

/** The encoder with its head, labels (batch) and the mean cross-entropy as `loss`. */
export function classifier(options: EncoderOptions = {}): Graph {
  const g = GraphBuilder.from(encoder({ ...options, head: true }));
  const labels = g.input('labels', 'int64', ['batch']);
  const picked = g.mul(g.oneHot(labels, 2), g.logSoftmax(g.value('logits')));
  g.output('loss', g.neg(g.reduceMean(g.reduceSum(picked, [1]))));
  return g.build();
}

export const BATCH = 3;

export function batch(seed = 7): Feeds {
  const rng = createRng(seed);
  const ids = Array.from({ length: BATCH * LENGTH }, () => rng.integer(VOCABULARY));
  // the second row is padded
  const mask = ids.map((_, i) => (i >= LENGTH + 3 && i < 2 * LENGTH ? 0 : 1));
  return {
    ids: int64(ids, [BATCH, LENGTH]),
    mask: int64(mask, [BATCH, LENGTH]),
    labels: int64([0, 1, 1], [BATCH]),
  };
}

/** Values of a normal distribution for some parameters of a graph. */
export function drawn(graph: Graph, names: readonly string[], seed = 3): Record<string, Float32Array> {
  const rng = createRng(seed);
  const chosen = graph.parameters.filter(({ name }) => names.includes(name));
  return Object.fromEntries(chosen.map(({ name, data }) => [name, rng.fork(name).normals(data.length, 0.3)]));
}
