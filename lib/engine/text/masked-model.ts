import { trainingGraph } from '../autodiff/index.ts';
import type { Rng } from '../host/index.ts';
import { type Graph, GraphBuilder, selectOutputs, type Value } from '../onnx/index.ts';
import type { TrainingProgram } from '../train/index.ts';
import type { BatchShape } from './batches.ts';
import { encoderOfShape, type TextModel } from './encoder.ts';
import { TextError } from './errors.ts';
import { maskedPlaces } from './masking.ts';
import { findTokenTable } from './token-table.ts';

const HEAD = 'mlm';
const LOSS = 'text.loss';

/**
 * Masked-token pretraining of an encoder (Devlin et al. 2019, section 3.1, task 1): hidden states of the hidden places go through a
 * dense layer, GELU and LayerNorm, and are compared with the token table. Inputs beside the encoder's: `masked.positions`,
 * `masked.labels` (places) int32, `masked.weights` (places) float32; the loss is the weighted mean of the cross-entropy.
 * @throws TextError when the encoder looks its ids up in no table
 */
export function maskedProgram(
  encoder: Pick<TextModel, 'graph' | 'hidden' | 'width'>,
  shapes: readonly BatchShape[],
  rng: Rng,
): TrainingProgram {
  const table = findTokenTable(encoder.graph);
  if (!table) {
    throw new TextError(
      'the encoder looks input_ids up in no table of its parameters, so there is nothing to tell tokens by',
    );
  }
  const head = headParameters(encoder.width, table.shape[0]!, rng);
  const programs = shapes.map(({ batchSize, length }) => {
    const graph = maskedGraph(encoder, table.name, head, batchSize, length);
    return trainingGraph(graph, { loss: LOSS });
  });
  const [first] = programs;
  return {
    model: first!.model,
    variants: Object.fromEntries(shapes.map(({ variant }, i) => [variant, programs[i]!.model])),
    parameters: first!.parameters,
    lossOutput: first!.lossOutput,
    gradientOutputs: first!.gradientOutputs,
  };
}

type Head = ReadonlyMap<string, { shape: readonly number[]; data: Float32Array }>;

function headParameters(width: number, vocabulary: number, rng: Rng): Head {
  const zeros = (n: number) => ({ shape: [n], data: new Float32Array(n) });
  return new Map([
    [`${HEAD}.dense.weight`, { shape: [width, width], data: rng.normals(width * width, 0.02) }],
    [`${HEAD}.dense.bias`, zeros(width)],
    [`${HEAD}.LayerNorm.weight`, { shape: [width], data: new Float32Array(width).fill(1) }],
    [`${HEAD}.LayerNorm.bias`, zeros(width)],
    [`${HEAD}.bias`, zeros(vocabulary)],
  ]);
}

function maskedGraph(
  { graph, hidden, width }: Pick<TextModel, 'graph' | 'hidden' | 'width'>,
  tableName: string,
  head: Head,
  batch: number,
  length: number,
): Graph {
  const fixed = encoderOfShape(graph, batch, length);
  const g = GraphBuilder.from(fixed);
  const value = (name: string): Value => ({ name, ...fixed.values.get(name)! });
  const parameter = (name: string) => {
    const { shape, data } = head.get(`${HEAD}.${name}`)!;
    return g.parameter(`${HEAD}.${name}`, shape, data);
  };
  const places = maskedPlaces(batch, length);
  const positions = g.input('masked.positions', 'int32', [places]);
  const labels = g.input('masked.labels', 'int32', [places]);
  const weights = g.input('masked.weights', 'float32', [places]);
  const states = g.gather(g.reshape(value(hidden), [batch * length, width]), positions); // (places, width)
  const dense = g.gelu(g.linear(states, parameter('dense.weight'), parameter('dense.bias')));
  const normed = g.layerNorm(dense, parameter('LayerNorm.weight'), parameter('LayerNorm.bias'));
  const logits = g.add(g.matmulT(normed, value(tableName), { transB: true }), parameter('bias')); // (places, vocabulary)
  const told = g.squeeze(g.gatherElements(g.logSoftmax(logits), g.unsqueeze(labels, [1])), [1]); // (places)
  g.output(LOSS, g.neg(g.div(g.reduceSum(g.mul(told, weights)), g.max(g.reduceSum(weights), 1))));
  return selectOutputs(g.build(), [LOSS]);
}
