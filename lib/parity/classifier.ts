import { type Graph, GraphBuilder, type Value } from '../onnx/index.ts';
import type { Feeds } from '../train/index.ts';
import type { Encoder } from './encoder.ts';
import { FolderError } from './errors.ts';
import { expected, type Numbers, needed, type Reference } from './reference.ts';

/** Names of the outputs beside the encoder's own; `per_example_loss` has one value an example. */
export const LOSS = 'loss';
export const outputs = { pooled: 'pooled', logits: 'logits', each: 'per_example_loss' } as const;

/**
 * The encoder with the reference's head and loss: the mean of the hidden states over unpadded positions, a linear layer
 * `head.weight` (classes, width) and `head.bias`, softmax cross-entropy with `labels`, mean over the batch.
 */
export function classifier(reference: Reference, encoder: Encoder, graph: Graph = encoder.graph): Graph {
  const g = GraphBuilder.from(graph);
  const value = (name: string): Value => ({ name, ...graph.values.get(name)! });
  const [weight, bias] = [head(reference, 'head.weight'), head(reference, 'head.bias')];
  const hidden = value(encoder.hidden);
  const mask = g.unsqueeze(g.cast(value('attention_mask'), 'float32'), [2]);
  const summed = g.reduceSum(g.mul(hidden, mask), [1]);
  const pooled = g.div(summed, g.reduceSum(mask, [1]));
  const product = g.matmulT(pooled, weightOf(g, 'head.weight', weight), { transB: true });
  const logits = g.add(product, weightOf(g, 'head.bias', bias));
  const labels = g.input('labels', 'int64', [hidden.shape[0]!]);
  const picked = g.gatherElements(g.logSoftmax(logits), g.unsqueeze(labels, [1]));
  const each = g.neg(g.squeeze(picked, [1]));
  g.output(outputs.pooled, pooled);
  g.output(outputs.logits, logits);
  g.output(outputs.each, each);
  g.output(LOSS, g.reduceMean(each));
  return g.build();
}

function head(reference: Reference, name: string): Numbers {
  const found = expected(reference, name);
  if (!found) throw new FolderError(`parity.safetensors has no ${name}, the head's first values`);
  return found;
}

function weightOf(g: GraphBuilder, name: string, { shape, data }: Numbers): Value {
  return g.parameter(name, shape, Float32Array.from(data));
}

/** A batch of the reference as feeds of the graph; `row` picks one example of it. */
export function batchOf(reference: Reference, graph: Graph, batch: number, row?: number): Feeds {
  return Object.fromEntries(
    graph.inputs.map(({ name }) => {
      const whole = needed(reference, `batch${batch}.${name}`);
      if (row === undefined || whole.type !== 'int64') return [name, whole];
      const [examples = 1, ...rest] = whole.shape;
      const size = whole.data.length / examples;
      const data = whole.data.slice(row * size, (row + 1) * size);
      return [name, { type: 'int64', shape: [1, ...rest], data }];
    }),
  );
}

/** Examples in a batch. */
export function batchSize(reference: Reference): number {
  return needed(reference, 'batch0.labels').shape[0] ?? 0;
}
