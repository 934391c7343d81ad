import { trainingGraph } from '../../../engine/autodiff/index.ts';
import { type Graph, specialise } from '../../../engine/onnx/index.ts';
import type { TrainingProgram } from '../../../engine/train/index.ts';
import type { TextBatchShape, TextTuning } from './texts/tuning.ts';

/**
 * The training program of a graph of fixed sizes.
 * @param tables embedding tables, whose gradients come row by row
 * @param wrt parameters that are trained; default: all
 */
export function compiled(graph: Graph, tables: readonly string[], wrt?: readonly string[]): TrainingProgram {
  const {
    rowGradientOutputs,
    inputGradientOutputs: _,
    ...program
  } = trainingGraph(graph, {
    loss: 'loss',
    rows: [...tables],
    ...(wrt ? { wrt: wrt.filter((name) => !tables.includes(name)) } : {}),
  });
  const rowGradients = Object.fromEntries(
    Object.entries(rowGradientOutputs).map(([name, out]) => [name, [out]]),
  );
  return { ...program, rowGradients };
}

/** The same for a model with its text encoder, one variant for each number of texts of a batch. */
export function tunedProgram(
  model: Graph,
  tables: readonly string[],
  tuning: TextTuning,
  batch: number,
  shapes: readonly TextBatchShape[],
): TrainingProgram {
  const encoder = new Set(tuning.graph.parameters.map(({ name }) => name));
  for (const name of tuning.train) encoder.delete(name);
  const trained = model.parameters.map(({ name }) => name).filter((name) => !encoder.has(name));
  const programs = shapes.map(({ texts, pieces }) =>
    compiled(specialise(model, { batch, texts, pieces }), tables, trained),
  );
  return {
    ...programs[0]!,
    variants: Object.fromEntries(shapes.map(({ variant }, i) => [variant, programs[i]!.model])),
  };
}
