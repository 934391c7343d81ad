import { ProgramError } from '../../host/index.ts';
import { decodeModel, encodeLoop, everyName } from '../../onnx/index.ts';
import type { OptimiserSettings } from '../optimisers/index.ts';
import type { TrainingProgram } from '../program.ts';
import { ITERATION, loopBody, NORM, SCALE_STEPS } from './loop-body.ts';
import { type GraphRule, graphRuleOf } from './update-graph.ts';

/** Matrix products in float16 under float32 parameters and a loss scale, or everything in float32. */
export type Precision = 'float32' | 'mixed';

/** A program whose update is part of the graph, many steps of it in one run. */
export interface LoopProgram {
  model: Uint8Array;
  rule: GraphRule;
  /** Feeds of a step; the model takes them stacked, one per step along a new first axis, as `stackName` says. */
  feeds: readonly string[];
  /** Scalars of a step, stacked the same way. */
  factors: readonly string[];
  /** Outputs with the losses (steps) and with the gradient norms before clipping (steps). */
  losses: string;
  gradNorms: string;
  /** Carried in mixed precision: the scale of the gradients, and the steps since it changed. */
  scale?: { value: string; steps: string };
}

/**
 * Puts the gradient graph of a program and the optimiser into the body of an ONNX Loop: parameters and optimiser state
 * are carried from step to step and never leave the device in between. The gradient graph is the very bytes that the CPU
 * driver runs; the body only adds the reading of the step's feeds before it and the update after it. In mixed precision
 * the gradients come multiplied by a scale; a step whose gradient overflows changes nothing but halves the scale
 * (Micikevicius et al. 2018, section 3.2).
 * @param slots names of the optimiser's state per trained parameter
 * @throws ProgramError for optimisers without a graph, and for mixed precision where the program has no loss scale
 */
export function loopProgram(
  program: TrainingProgram,
  model: Uint8Array,
  settings: OptimiserSettings,
  slots: Readonly<Record<string, readonly string[]>>,
  precision: Precision = 'float32',
): LoopProgram {
  const { lossScale, lossOutput } = program;
  const mixed = precision === 'mixed';
  if (mixed && lossScale === undefined) {
    throw new ProgramError(
      'mixed precision needs a program whose gradients can be scaled: give trainingGraph a lossScale',
    );
  }
  const rule = graphRuleOf(settings.rule);
  const factors = Object.keys(rule.factors(1, 1));
  const gradients = decodeModel(model);
  const parameters = new Set(program.parameters.map(({ name }) => name));
  const feeds = gradients.inputs.filter(({ name }) => !parameters.has(name) && name !== lossScale);
  const scale = mixed ? lossScale : undefined;
  const { graph, carried } = loopBody(program, gradients, feeds, { rule, factors, settings, slots, scale });
  const moving = new Set([ITERATION, ...carried.map(({ input }) => input)]);
  return {
    model: encodeLoop({
      graph,
      iteration: ITERATION,
      carried,
      shared: graph.inputs.map(({ name }) => name).filter((name) => !moving.has(name)),
      scanned: [lossOutput, NORM],
      products: mixed ? 'float16' : 'float32',
    }),
    rule,
    feeds: feeds.map(({ name }) => name),
    factors,
    losses: everyName(lossOutput),
    gradNorms: everyName(NORM),
    ...(scale === undefined ? {} : { scale: { value: scale, steps: SCALE_STEPS } }),
  };
}
