import { type TrainingGraph, trainingGraph } from '../autodiff/index.ts';
import { type Graph, withParameters } from '../onnx/index.ts';
import { PeftError } from './errors.ts';
import { layersOf } from './layers.ts';

export interface UnfreezeOptions {
  /** Layers that each stage adds. 1 */
  readonly layersPerStage?: number;
  /** Only these are ever trained; all parameters by default. */
  readonly within?: readonly string[];
}

/**
 * Gradual unfreezing (Howard, Ruder 2018, section 3.3): the head first, then one more layer from the top at a time, the
 * embeddings last. Gives the parameter names of every stage; stages that add none are left out.
 */
export function unfreezeSchedule(
  graph: Graph,
  { layersPerStage = 1, within }: UnfreezeOptions = {},
): string[][] {
  if (!Number.isInteger(layersPerStage) || layersPerStage < 1) {
    throw new PeftError(`layersPerStage is a whole number from 1, given ${layersPerStage}.`);
  }
  const { embeddings, layers, head } = layersOf(graph);
  const steps: (readonly string[])[] = [head];
  for (let top = layers.length; top > 0; top -= layersPerStage) {
    steps.push(layers.slice(Math.max(0, top - layersPerStage), top).flat());
  }
  steps.push(embeddings);
  const allowed = new Set(within ?? graph.parameters.map(({ name }) => name));
  const trained = new Set<string>();
  const stages: string[][] = [];
  for (const step of steps) {
    const before = trained.size;
    for (const name of step) if (allowed.has(name)) trained.add(name);
    if (trained.size === before) continue;
    stages.push(graph.parameters.map(({ name }) => name).filter((name) => trained.has(name)));
  }
  return stages;
}

export interface UnfreezingStage {
  /** From 0. */
  readonly stage: number;
  readonly of: number;
  /** The graph to train now: parameters start where the last stage ended, all others are constants. */
  readonly training: TrainingGraph;
}

/**
 * Trains stage by stage. Which parameters are trained is built into a training graph, so every stage has one of its own,
 * made from the values that the stage before has left; the optimiser starts anew. `train` runs a stage (openTrainer and
 * fit, say) and gives its trained parameters. Resolves to the values of all that were trained.
 */
export async function gradualUnfreezing(options: {
  readonly graph: Graph;
  readonly loss: string;
  /** Of unfreezeSchedule. */
  readonly stages: readonly (readonly string[])[];
  /** Tables to train by row gradients once their stage has come. */
  readonly rows?: readonly string[];
  readonly train: (stage: UnfreezingStage) => Promise<Readonly<Record<string, Float32Array>>>;
}): Promise<Record<string, Float32Array>> {
  const { graph, loss, stages, rows = [], train } = options;
  const values: Record<string, Float32Array> = {};
  for (const [stage, names] of stages.entries()) {
    const training = trainingGraph(withParameters(graph, values), {
      loss,
      wrt: names.filter((name) => !rows.includes(name)),
      rows: rows.filter((name) => names.includes(name)),
    });
    Object.assign(values, await train({ stage, of: stages.length, training }));
  }
  return values;
}
