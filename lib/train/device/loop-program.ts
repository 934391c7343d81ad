import {
  decodeModel,
  encodeLoop,
  everyName,
  type Graph,
  GraphBuilder,
  inferTypes,
  type Node,
  type Value,
} from '../../onnx/index.ts';
import type { OptimiserSettings } from '../optimiser-options.ts';
import type { TrainingProgram } from '../program.ts';
import { type GraphRule, graphRuleOf } from './update-graph.ts';

/** A program whose update is part of the graph, many steps of it in one run. */
export interface LoopProgram {
  model: Uint8Array;
  rule: GraphRule;
  /** Feeds of a step; the model takes them stacked, one per step along a new first axis, as `stackName` says. */
  feeds: readonly string[];
  /** Scalars of a step, stacked the same way. */
  factors: readonly string[];
  /** The model's output with the losses (steps) and with the gradient norms before clipping (steps). */
  losses: string;
  gradNorms: string;
}

export const stackName = (name: string): string => `stack:${name}`;
/** Carried state of a parameter. */
export const stateName = (parameter: string, slot: string): string => `state:${slot}:${parameter}`;

const ITERATION = 'loop:iteration';
const NORM = 'gradient norm';

/**
 * Puts the gradient graph of a program and the optimiser into the body of an ONNX Loop: parameters and optimiser state
 * are carried from step to step and never leave the device in between. The gradient graph is the very bytes that the CPU
 * driver runs; the body only adds the reading of the step's feeds before it and the update after it.
 * @param slots names of the optimiser's state per trained parameter
 * @throws ProgramError for optimisers without a graph; see `settleDriver`
 */
export function loopProgram(
  program: TrainingProgram,
  model: Uint8Array,
  settings: OptimiserSettings,
  slots: Readonly<Record<string, readonly string[]>>,
): LoopProgram {
  const rule = graphRuleOf(settings.rule);
  const factors = Object.keys(rule.factors(1, 1));
  const gradients = decodeModel(model);
  const parameters = new Set(program.parameters.map(({ name }) => name));
  const feeds = gradients.inputs.filter(({ name }) => !parameters.has(name));
  const trained = program.parameters.filter(({ name }) => slots[name]);
  const states = trained.flatMap(({ name, shape }) =>
    slots[name]!.map((slot): Value => ({ name: stateName(name, slot), dtype: 'float32', shape })),
  );
  const g = GraphBuilder.from(withStacks(gradients, feeds, factors, states));
  const carried = g.scope('update', () =>
    updates(
      g,
      program,
      trained.map(({ name }) => name),
      { settings, rule, factors, slots },
    ),
  );
  const body = g.build();
  const read = new Set(body.inputs.map(({ name }) => name));
  const frozen = program.parameters.filter(({ name }) => !slots[name] && read.has(name));
  return {
    model: encodeLoop({
      graph: body,
      iteration: ITERATION,
      carried,
      shared: [
        ...[...feeds.map(({ name }) => name), ...factors].map(stackName),
        ...frozen.map(({ name }) => name),
      ],
      scanned: [program.lossOutput, NORM],
    }),
    rule,
    feeds: feeds.map(({ name }) => name),
    factors,
    losses: everyName(program.lossOutput),
    gradNorms: everyName(NORM),
  };
}

/** Clips and updates all trained parameters; what each carried input becomes. */
function updates(
  g: GraphBuilder,
  program: TrainingProgram,
  trained: readonly string[],
  {
    settings,
    rule,
    factors,
    slots,
  }: {
    settings: OptimiserSettings;
    rule: GraphRule;
    factors: readonly string[];
    slots: Readonly<Record<string, readonly string[]>>;
  },
): { input: string; next: string }[] {
  const gradients = trained.map((name) => ({ name, gradient: gradientOf(g, program, name) }));
  const squares = gradients.map(({ gradient }) => g.reduceSum(g.square(gradient)));
  const norm = g.sqrt(squares.reduce((sum, square) => g.add(sum, square)));
  const clip = settings.clipNorm === null ? undefined : g.min(g.div(settings.clipNorm, g.add(norm, 1e-6)), 1);
  const scalars = Object.fromEntries(factors.map((name) => [name, g.value(name)]));
  const carried = gradients.flatMap(({ name, gradient }) => {
    const { decay, lrScale } = settings.groups[name]!;
    const state = Object.fromEntries(slots[name]!.map((slot) => [slot, g.value(stateName(name, slot))]));
    const clipped = clip ? g.mul(gradient, clip) : gradient;
    const after = rule.update(g, { value: g.value(name), gradient: clipped, state, decay, lrScale }, scalars);
    g.output(`next:${name}`, after.value);
    return [
      { input: name, next: `next:${name}` },
      ...Object.entries(after.state).map(([slot, value]) => {
        const input = stateName(name, slot);
        g.output(`next:${input}`, value);
        return { input, next: `next:${input}` };
      }),
    ];
  });
  g.output(NORM, norm);
  return carried;
}

/** The gradient graph with stacked feeds: what a step reads is one slice of each, and its own inputs are the state. */
function withStacks(
  gradients: Graph,
  feeds: readonly Value[],
  factors: readonly string[],
  states: readonly Value[],
): Graph {
  const read: Value[] = [...feeds, ...factors.map((name): Value => ({ name, dtype: 'float32', shape: [] }))];
  const fed = new Set(feeds.map(({ name }) => name));
  const slices = read.map(
    ({ name }): Node => ({
      name: `read:${name}`,
      op: 'Gather',
      inputs: [stackName(name), ITERATION],
      outputs: [name],
      attributes: { axis: 0 },
    }),
  );
  return inferTypes({
    ...gradients,
    inputs: [
      { name: ITERATION, dtype: 'int64', shape: [] },
      ...gradients.inputs.filter(({ name }) => !fed.has(name)),
      ...states,
      ...read.map(({ name, dtype, shape }) => ({ name: stackName(name), dtype, shape: ['steps', ...shape] })),
    ],
    nodes: [...slices, ...gradients.nodes],
  });
}

/** A parameter's whole gradient: the dense one and the rows of its lookups, summed. */
function gradientOf(g: GraphBuilder, program: TrainingProgram, name: string): Value {
  const output = program.gradientOutputs[name];
  const dense = output === undefined ? [] : [g.value(output)];
  const table = g.value(name);
  const width = Number(table.shape[1] ?? 1);
  const rows = (program.rowGradients?.[name] ?? []).map((lookup) => {
    const ids = g.reshape(g.cast(g.value(lookup.ids), 'int64'), [-1, 1]);
    const values = g.reshape(g.value(lookup.rows), [-1, width]);
    return g.scatterAdd(g.zerosLike(table), g.expand(ids, values.shape, [values]), values, 0);
  });
  return [...dense, ...rows].reduce((sum, part) => g.add(sum, part));
}
