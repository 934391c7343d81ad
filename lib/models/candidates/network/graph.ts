import { differentiate, gradientName } from '../../../engine/autodiff/index.ts';
import type { Rng } from '../../../engine/host/index.ts';
import { type Graph, GraphBuilder, selectOutputs, type Value } from '../../../engine/onnx/index.ts';
import {
  bins,
  type Head,
  hazards,
  type JointAnswers,
  jointLoss,
  jointLosses,
  saidTogether,
} from '../heads.ts';
import { type InputTransform, transformInputs } from '../inputs.ts';
import { type Branch, type Reading, VISITS_BRANCH } from './branches/index.ts';
import { Layers } from './layers.ts';

/**
 * A model that says how likely something is: the sum of what its branches say. All but the linear one start at zero, so
 * that training departs from a logistic regression.
 */
export interface Network {
  /** Raw features of a row. */
  readonly features: number;
  readonly transform: InputTransform;
  readonly heads: readonly Head[];
  /** Absent where each head asks yes or no by itself. */
  readonly answers?: JointAnswers | undefined;
  /** In the order in which they are read: a branch knows what those before it have read. */
  readonly branches: readonly Branch[];
}

/** A builder that goes on behind a text encoder, or begins. The name stands in every model. */
const openBuilder = (encoder: Graph | undefined): GraphBuilder =>
  encoder ? GraphBuilder.from({ ...encoder, name: 'propensity' }) : new GraphBuilder('propensity');

export interface LossOptions {
  /** Penalty on the squared weights of the linear part, in units of the mean loss. */
  readonly linearL2: number;
  readonly dropout: number;
}

/** The groups of the kept features: a matrix (kept features x groups) of 0 and 1, row by row. */
export interface ReasonGroups {
  readonly count: number;
  readonly matrix: Float32Array;
}

/** What a branch with an input of its own adds to the logits, (rows, bins). */
interface Part {
  readonly name: Branch['name'];
  readonly logits: Value;
}

/**
 * The training graph. Inputs: `inputs` (batch, kept), transformed already; those of the branches; `labels` and `weights`
 * (batch, bins), weight 0 where the outcome is unknown or the row does not count; with dropout the branches' masks.
 * Output: `loss`.
 * @param encoder computes the texts' vectors (`vectorsGraph`); without one they are an input
 */
export function trainingModel(network: Network, rng: Rng, options: LossOptions, encoder?: Graph): Graph {
  const g = openBuilder(encoder);
  const masks = new Map<string, Value>();
  if (options.dropout > 0) {
    for (const { name, shape } of network.branches.flatMap((branch) => branch.masks)) {
      masks.set(name, g.input(name, 'float32', ['batch', ...shape]));
    }
  }
  const z = g.input('inputs', 'float32', ['batch', network.transform.kept.length]);
  const penalised: Value[] = [];
  const reading = open(network, new Layers(g, rng), z, encoder, { masks, penalised });
  const logits = memberLogits(network, reading, ownParts(network, reading));
  const outputs = bins(network);
  const labels = g.unsqueeze(g.input('labels', 'float32', ['batch', outputs]), [1]);
  const weights = g.unsqueeze(g.input('weights', 'float32', ['batch', outputs]), [1]);
  const losses = network.answers
    ? g.mul(jointLosses(g, network.answers, logits, labels), g.slice(weights, 2, 0, 1)) // (batch, members, 1)
    : g.mul(g.sub(g.softplus(logits), g.mul(labels, logits)), weights); // (batch, members, bins)
  // The mean over the batch's members of the sum over bins: rows without weight count as rows all the same, so that
  // batches with few known outcomes take small steps.
  const fitted = g.reduceSum(g.reduceMean(losses, [0, 1]));
  const loss = penalised.reduce(
    (sum, weight) => g.add(sum, g.mul(g.reduceSum(g.square(weight)), options.linearL2)),
    fitted,
  );
  g.output('loss', loss);
  return encoder ? selectOutputs(g.build(), ['loss']) : g.build();
}

/**
 * The graph that a training is judged by: the inputs of `trainingModel` without masks. Outputs: `loss`, the sum over the
 * batch of the weighted log loss of the ensemble's mean chances, and `weight`, what it is the sum over.
 */
export function judgingModel(network: Network, rng: Rng): Graph {
  const g = openBuilder(undefined);
  const z = g.input('inputs', 'float32', ['batch', network.transform.kept.length]);
  const reading = open(network, new Layers(g, rng), z, undefined);
  if (network.answers) return judgedTogether(g, network, network.answers, reading);
  const chance = hazards(g, memberLogits(network, reading, ownParts(network, reading)));
  const labels = g.input('labels', 'float32', ['batch', bins(network)]);
  const weights = g.input('weights', 'float32', ['batch', bins(network)]);
  const told = g.add(g.mul(labels, g.log(chance)), g.mul(g.sub(1, labels), g.log(g.sub(1, chance))));
  g.output('loss', g.neg(g.reduceSum(g.mul(told, weights))));
  g.output('weight', g.reduceSum(weights));
  return g.build();
}

/** The same where the heads hang together: a row counts once, whatever its heads are. */
function judgedTogether(g: GraphBuilder, network: Network, answers: JointAnswers, reading: Reading): Graph {
  const logits = memberLogits(network, reading, ownParts(network, reading));
  const labels = g.input('labels', 'float32', ['batch', bins(network)]);
  const weights = g.input('weights', 'float32', ['batch', bins(network)]);
  const counts = g.slice(weights, 1, 0, 1);
  g.output('loss', g.reduceSum(g.mul(jointLoss(g, answers, logits, labels), counts)));
  g.output('weight', g.reduceSum(counts));
  return g.build();
}

/**
 * The scoring graph, parameters in their initial state: give them their trained values by name. Inputs: `features` and
 * those of the branches, with any batch size. Outputs: `logits` (batch, tasks), and with groups `reasons` (batch, tasks,
 * groups + 1): integrated gradients of each task's logit (Sundararajan, Taly & Yan 2017, section 3) along the straight
 * path from the mean user, summed by group; behind them a column with the part of the visits, and of other branches with an
 * input of their own theirs. With a constant they sum to the logit.
 * @param encoder computes the texts' vectors (`vectorsGraph`); without one they are an input
 */
export function scoringModel(network: Network, rng: Rng, groups?: ReasonGroups, encoder?: Graph): Graph {
  const g = openBuilder(encoder);
  const tasks = network.heads.length;
  const kept = network.transform.kept.length;
  const raw = g.input('features', 'float32', ['batch', network.features]);
  const layers = new Layers(g, rng);
  const reading = open(network, layers, transformInputs(g, raw, network.transform), encoder);
  const parts = ownParts(network, reading);
  const logitsOf = (of: Reading, own: readonly Part[]) =>
    saidTogether(g, network.heads, network.answers, memberLogits(network, of, own));
  if (!groups) {
    g.output('logits', logitsOf(reading, parts));
    return encoder ? selectOutputs(g.build(), ['logits']) : g.build();
  }
  // One copy of the inputs per task and step of the path: the gradient by a copy is that of its task's logit alone.
  const steps = STEPS.length;
  const outputs = bins(network);
  const copy = (name: string, value: Value, width: number) => {
    const shape = ['batch', tasks, steps, width];
    const copies = g.label(`${name}copies`, g.expand(g.unsqueeze(value, [1, 2]), shape, [value]));
    const along = {
      dtype: 'float32',
      shape: [steps, 1],
      data: Float32Array.from(STEPS, ({ at }) => at),
    } as const;
    return g.reshape(g.mul(copies, g.constant(along)), [-1, width]);
  };
  const flat = copy('', reading.z, kept);
  const copied = parts.map(({ name, logits }) => ({ name, logits: copy(`${name} `, logits, outputs) }));
  const all = g.reshape(logitsOf({ ...reading, z: flat }, copied), [-1, tasks, steps, tasks]);
  const picked = (of: (step: number) => number) => {
    const data = new Float32Array(tasks * steps * tasks);
    for (let t = 0; t < tasks; t++) {
      for (let k = 0; k < steps; k++) data[(t * steps + k) * tasks + t] = of(k);
    }
    const constant = g.constant({ dtype: 'float32', shape: [tasks, steps, tasks], data });
    return g.reduceSum(g.mul(all, constant), [2, 3]); // (batch, tasks)
  };
  // A copy is scaled by its place on the path before the network reads it: its gradient is that much smaller.
  const weight = (k: number) => (STEPS[k]!.weight === 0 ? 0 : STEPS[k]!.weight / STEPS[k]!.at);
  g.output('attributed', g.reduceSum(picked(weight)));
  const logits = picked((k) => Number(k === steps - 1));
  g.output('logits', logits);
  g.output(
    'moved',
    g.sub(
      logits,
      picked((k) => Number(k === 0)),
    ),
  );
  const wrt = ['copies', ...copied.map(({ name }) => `${name} copies`)];
  const differentiated = differentiate(g.build(), { loss: 'attributed', wrt });
  return reasonOutputs(differentiated, groups, network);
}

/**
 * Places on the path from the mean user to a user, and the weights of their gradients: Gauss and Legendre, exact for cubic
 * ones. The ends say how far the whole path goes.
 */
const STEPS = [
  { at: 0, weight: 0 },
  { at: 0.5 - Math.sqrt(3) / 6, weight: 0.5 },
  { at: 0.5 + Math.sqrt(3) / 6, weight: 0.5 },
  { at: 1, weight: 0 },
];
/** Keeps a sum of parts that are all 0 from dividing by it. */
const NOTHING = 1e-12;

function reasonOutputs(graph: Graph, groups: ReasonGroups, { transform, branches }: Network): Graph {
  const g = GraphBuilder.from(graph);
  const effect = (name: string) => g.reduceSum(g.mul(g.value(gradientName(name)), g.value(name)), [2]);
  const shape = [transform.kept.length, groups.count];
  const matrix = g.constant({ dtype: 'float32', shape, data: groups.matrix });
  const byFeature = effect('copies'); // (batch, tasks, kept)
  const part = ({ name }: Branch) => g.reduceSum(effect(`${name} copies`), [2], true);
  const own = branches.filter(({ group }) => group !== undefined);
  const visits = own.find(({ name }) => name === VISITS_BRANCH);
  // The column of the visits is always there, whether they are read or not.
  const first = visits ? part(visits) : g.mul(g.slice(byFeature, 2, 0, 1), 0);
  const others = own.filter((branch) => branch !== visits);
  const parts = g.concat([byFeature, first, ...others.map(part)], 2);
  // What so few steps miss of the whole way is shared out by the size of the parts, so that they sum to it.
  const missed = g.sub(g.unsqueeze(g.value('moved'), [2]), g.reduceSum(parts, [2], true));
  const sizes = g.abs(parts);
  const whole = g.add(g.reduceSum(sizes, [2], true), NOTHING);
  const shared = g.add(parts, g.mul(g.div(sizes, whole), missed));
  const kept = transform.kept.length;
  const byGroup = g.matmul(g.slice(shared, 2, 0, kept), matrix);
  g.output('reasons', g.concat([byGroup, g.slice(shared, 2, kept, kept + 1 + others.length)], 2));
  return selectOutputs(g.build(), ['logits', 'reasons']);
}

/** @param z (rows, kept), transformed */
function open(
  network: Network,
  layers: Layers,
  z: Value,
  encoder: Graph | undefined,
  training?: { readonly masks: ReadonlyMap<string, Value>; readonly penalised: Value[] },
): Reading {
  const kept = network.transform.kept.length;
  const made = new Set(encoder?.outputs.map(({ name }) => name));
  return {
    layers,
    z,
    kept,
    outputs: bins(network),
    known: [{ name: 'features', value: z, width: kept }],
    mask: (name) => training?.masks.get(name),
    made: (name) => (made.has(name) ? layers.g.value(name) : undefined),
    penalise: (weight) => training?.penalised.push(weight),
  };
}

const ownParts = ({ branches }: Network, reading: Reading): Part[] =>
  branches
    .filter(({ group }) => group !== undefined)
    .map((branch) => ({ name: branch.name, logits: branch.logits(reading) }));

/**
 * Logits of every member's hazards: (rows, members, bins), one member where there is no ensemble. The branches over the
 * inputs are added to what those with an input of their own have said.
 */
function memberLogits({ branches }: Network, reading: Reading, own: readonly Part[]): Value {
  const { g } = reading.layers;
  const overInputs = branches.filter(({ group }) => group === undefined);
  const plain = overInputs.filter(({ members }) => members === undefined);
  const said = [...plain.map((branch) => branch.logits(reading)), ...own.map(({ logits }) => logits)];
  const shared = g.unsqueeze(
    said.reduce((sum, logits) => g.add(sum, logits)),
    [1],
  );
  return overInputs
    .filter(({ members }) => members !== undefined)
    .reduce((sum, branch) => g.add(sum, branch.logits(reading)), shared);
}
