import { type Graph, GraphBuilder, type GraphNode, inferTypes, type Value } from '../../onnx/index.ts';
import type { OptimiserSettings } from '../optimisers/index.ts';
import type { TrainingProgram } from '../program.ts';
import type { GraphRule } from './update-graph.ts';

/** One step as a graph: reading the step's feeds, loss and gradients, the update. */
export interface LoopBody {
  graph: Graph;
  /** Inputs, each with the output that takes its place in the next step. */
  carried: { input: string; next: string }[];
}

export interface BodyOptions {
  rule: GraphRule;
  /** Names of the rule's scalars. */
  factors: readonly string[];
  settings: OptimiserSettings;
  /** Names of the optimiser's state per trained parameter. */
  slots: Readonly<Record<string, readonly string[]>>;
  /** The carried scale of the gradients, where they come scaled. */
  scale?: string | undefined;
}

export const ITERATION = 'loop:iteration';
/**
 * Output: the norm of the step's gradient before clipping. 0 for a step that was skipped; where even a scale of 1
 * overflows it is the norm that is not finite, so that a run does not stand still unseen.
 */
export const NORM = 'gradient norm';
/** Carried beside the scale: steps since it changed. */
export const SCALE_STEPS = 'loss scale steps';

/** Steps without an overflow after which the scale doubles; PyTorch's default. */
const GROWTH_STEPS = 2000;

/** A scalar of the rule: graphs have values of the name `rate` themselves. */
export const factorName = (name: string): string => `factor:${name}`;
export const stackName = (name: string): string => `stack:${name}`;
/** Carried state of a parameter. */
export const stateName = (parameter: string, slot: string): string => `state:${slot}:${parameter}`;

/**
 * @param gradients the program's gradient graph
 * @param feeds its inputs that differ from step to step
 */
export function loopBody(
  program: TrainingProgram,
  gradients: Graph,
  feeds: readonly Value[],
  options: BodyOptions,
): LoopBody {
  const g = GraphBuilder.from(withStacks(program, gradients, feeds, options));
  const carried = g.scope('update', () => update(g, program, options));
  return { graph: g.build(), carried };
}

/** The gradient graph with stacked feeds: what a step reads is one slice of each, and its own inputs are the state. */
function withStacks(
  { parameters }: TrainingProgram,
  gradients: Graph,
  feeds: readonly Value[],
  { factors, slots, scale }: BodyOptions,
): Graph {
  const scalar = (name: string): Value => ({ name, dtype: 'float32', shape: [] });
  const read = [...feeds, ...factors.map((name) => scalar(factorName(name)))];
  const fed = new Set(feeds.map(({ name }) => name));
  const states = parameters.flatMap(({ name, shape }) =>
    (slots[name] ?? []).map((slot): Value => ({ name: stateName(name, slot), dtype: 'float32', shape })),
  );
  const slices = read.map(
    ({ name }): GraphNode => ({
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
      ...(scale === undefined ? [] : [scalar(SCALE_STEPS)]),
      ...read.map(({ name, dtype, shape }) => ({ name: stackName(name), dtype, shape: ['steps', ...shape] })),
    ],
    nodes: [...slices, ...gradients.nodes],
  });
}

/** Unscales, clips and updates all trained parameters; what each carried input becomes. */
function update(g: GraphBuilder, program: TrainingProgram, options: BodyOptions): LoopBody['carried'] {
  const { settings, rule, factors, slots, scale } = options;
  const gradients = Object.keys(slots).map((name) => ({ name, gradient: gradientOf(g, program, name) }));
  const squares = gradients.map(({ gradient }) => g.reduceSum(g.square(gradient)));
  const scaledNorm = g.sqrt(squares.reduce((sum, square) => g.add(sum, square)));
  const norm = scale === undefined ? scaledNorm : g.div(scaledNorm, g.value(scale));
  const finite = scale === undefined ? undefined : g.equal(g.mul(norm, 0), 0);
  const clip = settings.clipNorm === null ? undefined : g.min(g.div(settings.clipNorm, g.add(norm, 1e-6)), 1);
  const unscale = scale === undefined ? undefined : g.div(1, g.value(scale));
  const factor = clip && unscale ? g.mul(clip, unscale) : (clip ?? unscale);
  const scalars = Object.fromEntries(factors.map((name) => [name, g.value(factorName(name))]));
  const carried: LoopBody['carried'] = [];
  const carry = (input: string, next: Value): void => {
    g.output(`next:${input}`, finite ? g.where(finite, next, g.value(input)) : next);
    carried.push({ input, next: `next:${input}` });
  };
  for (const { name, gradient } of gradients) {
    const { decay, lrScale } = settings.groups[name]!;
    const state = Object.fromEntries(slots[name]!.map((slot) => [slot, g.value(stateName(name, slot))]));
    const ready = factor ? g.mul(gradient, factor) : gradient;
    const after = rule.update(g, { value: g.value(name), gradient: ready, state, decay, lrScale }, scalars);
    carry(name, after.value);
    for (const [slot, value] of Object.entries(after.state)) carry(stateName(name, slot), value);
  }
  if (scale !== undefined && finite) carried.push(...nextScale(g, scale, finite));
  g.output(NORM, scale && finite ? g.where(g.or(finite, g.lessOrEqual(g.value(scale), 1)), norm, 0) : norm);
  return carried;
}

/** Half the scale after an overflow, twice after many steps without one. */
function nextScale(g: GraphBuilder, scale: string, finite: Value): LoopBody['carried'] {
  const steps = g.add(g.value(SCALE_STEPS), 1);
  const grows = g.greaterOrEqual(steps, GROWTH_STEPS);
  const kept = g.where(grows, g.mul(g.value(scale), 2), g.value(scale));
  g.output(`next:${scale}`, g.where(finite, kept, g.max(g.mul(g.value(scale), 0.5), 1)));
  g.output(`next:${SCALE_STEPS}`, g.where(g.and(finite, g.not(grows)), steps, 0));
  return [scale, SCALE_STEPS].map((input) => ({ input, next: `next:${input}` }));
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
