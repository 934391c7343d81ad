import { trainingGraph } from '../autodiff/index.ts';
import type { Feeds } from '../host/index.ts';
import { type Graph, interpret, type Tensor } from '../onnx/index.ts';
import { type OptimiserOptions, openTrainer, type Trainer } from '../train/index.ts';
import { LOSS } from './classifier.ts';
import type { Numbers } from './reference.ts';

/** A trainer with the names it gives gradients. */
export interface Training {
  readonly trainer: Trainer;
  readonly gradientOutputs: Readonly<Record<string, string>>;
  readonly inputGradientOutputs: Readonly<Record<string, string>>;
}

export interface TrainingOptions {
  /** Parameters to train. */
  readonly wrt: readonly string[];
  /** Float inputs by which gradients are wanted, too. */
  readonly inputs?: readonly string[];
  readonly optimiser?: OptimiserOptions;
  /** Other graphs with the same trained parameters and the same loss output, by name. */
  readonly variants?: Readonly<Record<string, Graph>>;
}

/** Does some work with a trainer of the graph's loss, and ends its worker. */
export async function withTrainer<T>(
  graph: Graph,
  { wrt, inputs = [], optimiser = {}, variants = {} }: TrainingOptions,
  work: (training: Training) => Promise<T>,
): Promise<T> {
  const program = trainingGraph(graph, { loss: LOSS, wrt, inputs });
  const { model, parameters, lossOutput, gradientOutputs, inputGradientOutputs } = program;
  const others = Object.entries(variants).map(([name, other]) => {
    return [name, trainingGraph(other, { loss: LOSS, wrt }).model] as const;
  });
  const trainer = await openTrainer(
    { model, parameters, lossOutput, gradientOutputs, variants: Object.fromEntries(others) },
    { optimiser },
  );
  try {
    return await work({ trainer, gradientOutputs, inputGradientOutputs });
  } finally {
    await trainer.close();
  }
}

/** The graph's outputs in the float64 interpreter. */
export function interpreted(graph: Graph, feeds: Feeds): Record<string, Numbers> {
  const tensors = Object.entries(feeds).map(([name, { type, shape, data }]) => [
    name,
    { dtype: type, shape, data },
  ]);
  return interpret(graph, Object.fromEntries(tensors) as Record<string, Tensor>);
}

/** Float outputs of a run. */
export function floatsOf(feeds: Feeds): Record<string, Numbers> {
  const found: Record<string, Numbers> = {};
  for (const [name, { type, shape, data }] of Object.entries(feeds)) {
    if (type === 'float32' || type === 'float64') found[name] = { shape, data };
  }
  return found;
}
