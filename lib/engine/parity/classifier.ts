import type { Feeds, HostTensor } from '../host/index.ts';
import { crossEntropy, meanPool } from '../nn/index.ts';
import { type Graph, GraphBuilder, type Value } from '../onnx/index.ts';
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
  const pooled = meanPool(g, value(encoder.hidden), value('attention_mask'));
  const product = g.matmulT(pooled, weightOf(g, 'head.weight', weight), { transB: true });
  const logits = g.add(product, weightOf(g, 'head.bias', bias));
  const labels = g.input('labels', 'int64', [logits.shape[0]!]);
  const picked = g.gatherElements(g.logSoftmax(logits), g.unsqueeze(labels, [1]));
  g.output(outputs.pooled, pooled);
  g.output(outputs.logits, logits);
  g.output(outputs.each, g.neg(g.squeeze(picked, [1])));
  g.output(LOSS, crossEntropy(g, logits, labels));
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

/** A copy of a batch of the reference as feeds of the graph: steps give their buffers away. */
export function batchOf(reference: Reference, graph: Graph, batch: number): Feeds {
  return Object.fromEntries(
    graph.inputs.map(({ name }) => {
      const tensor = needed(reference, `batch${batch}.${name}`);
      return [name, { ...tensor, data: tensor.data.slice() } as HostTensor];
    }),
  );
}

/** Examples in a batch. */
export function batchSize(reference: Reference): number {
  return needed(reference, 'batch0.labels').shape[0] ?? 0;
}
