import { trainingGraph } from '../../../lib/engine/autodiff/index.ts';
import { createRng, type Feeds, float32, int64 } from '../../../lib/engine/host/index.ts';
import { type Graph, GraphBuilder } from '../../../lib/engine/onnx/index.ts';
import { lookupsOf, PERTURBATION, perturbable } from '../../../lib/engine/robust/index.ts';
import {
  type OptimiserOptions,
  openTrainer,
  type Trainer,
  type TrainingProgram,
} from '../../../lib/engine/train/index.ts';

export const BATCH = 6;
export const LENGTH = 4;
export const WIDTH = 5;

/** A bag of tokens, a hidden layer, one logit; mean logistic loss. */
export function network(batch: number | 'batch' = BATCH): Graph {
  const rng = createRng(11);
  const g = new GraphBuilder('bag');
  const weight = (name: string, ...shape: number[]) =>
    g.parameter(
      name,
      shape,
      rng.fork(name).normals(
        shape.reduce((a, b) => a * b, 1),
        0.5,
      ),
    );
  const ids = g.input('ids', 'int64', [batch, LENGTH]);
  const label = g.input('label', 'float32', [batch, 1]);
  const pooled = g.reduceMean(g.gather(weight('table', 9, WIDTH), ids), [1]);
  const hidden = g.tanh(g.linear(pooled, weight('up', WIDTH, 7), weight('up.bias', 7)));
  const logit = g.linear(hidden, weight('down', 7, 1), weight('down.bias', 1));
  g.output('logit', logit);
  g.output('loss', g.reduceMean(g.sub(g.softplus(logit), g.mul(label, logit))));
  return g.build();
}

export function batch(seed = 1, rows = BATCH): Feeds {
  const rng = createRng(seed);
  const draw = (count: number, below: number) =>
    Array.from({ length: count }, () => Math.floor(rng.uniform() * below));
  return {
    ids: int64(draw(rows * LENGTH, 9), [rows, LENGTH]),
    label: float32(Float32Array.from(draw(rows, 2)), [rows, 1]),
  };
}

/** The network with its lookup perturbable. */
export function perturbedProgram(): TrainingProgram & { inputGradient: string } {
  const plain = network();
  const { graph } = perturbable(plain, lookupsOf(plain, 'table')[0]!);
  const {
    rowGradientOutputs: _,
    inputGradientOutputs,
    ...program
  } = trainingGraph(graph, {
    loss: 'loss',
    inputs: [PERTURBATION],
  });
  return { ...program, inputGradient: inputGradientOutputs[PERTURBATION]! };
}

export async function withTrainer<T>(
  program: TrainingProgram,
  optimiser: OptimiserOptions,
  work: (trainer: Trainer) => Promise<T>,
): Promise<T> {
  const trainer = await openTrainer(program, { optimiser });
  try {
    return await work(trainer);
  } finally {
    await trainer.close();
  }
}

export const plainSgd: OptimiserOptions = { kind: 'sgd', momentum: 0, clipNorm: null };
