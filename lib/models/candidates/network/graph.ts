import { differentiate, gradientName } from '../../../engine/autodiff/index.ts';
import type { Rng } from '../../../engine/host/index.ts';
import { type Graph, GraphBuilder, selectOutputs, type Value } from '../../../engine/onnx/index.ts';
import { encodePiecewise, type InputTransform, type PiecewiseEncoding, transformInputs } from '../inputs.ts';
import { Layers } from './layers.ts';
import { encodeSequence, poolSequence, type SequenceShape } from './visits/sequence.ts';
import { readTexts, TEXT_FIELDS, TEXT_VECTORS, type TextShape } from './texts/read.ts';
import { TOKEN_FIELDS } from './visits/visit-ids.ts';

/**
 * A model that says how likely something is: logit = linear(features) + an ensemble of MLPs + what a Transformer reads
 * from the visits + what attention finds in the recent texts; all but the first start at zero. A window is asked in `bins` equal parts, each head gives the hazard of
 * its part given that nothing happened in those before (discrete-time survival: Singer and Willett 1993; Gensheimer and
 * Narasimhan 2019), so cut-offs whose whole window is not over yet still teach the parts that are.
 */
export interface Head {
  readonly task: string;
  readonly bins: number;
  /** The task asks for the event to stay away. */
  readonly inverted: boolean;
}

export interface PropensityShape {
  /** Raw features of a row. */
  readonly features: number;
  readonly transform: InputTransform;
  readonly heads: readonly Head[];
  /** `piecewise` is what the MLP reads beside the inputs, if anything. */
  readonly mlp: {
    readonly hidden: number;
    readonly layers: number;
    readonly members: number;
    readonly piecewise?: PiecewiseEncoding;
  } | null;
  /** `length` is the number of visits, or a name for a size that each batch brings. */
  readonly sequence: (SequenceShape & { readonly length: number | 'length' }) | null;
  readonly text?: TextShape | null;
}

/** A builder that goes on behind a text encoder, or begins. */
const openBuilder = (encoder: Graph | undefined): GraphBuilder =>
  encoder ? GraphBuilder.from({ ...encoder, name: 'propensity' }) : new GraphBuilder('propensity');

/** Penalty on the squared weights of the linear part, in units of the mean loss. */
export interface LossOptions {
  readonly linearL2: number;
  readonly dropout: number;
}

export const bins = (shape: PropensityShape): number => shape.heads.reduce((sum, { bins }) => sum + bins, 0);

interface Inputs {
  readonly z: Value;
  /** Parts of the branches beside linear and MLP in each logit, (batch, bins), by name. */
  readonly branches: readonly Branch[];
}

interface Branch {
  readonly name: 'sequence' | 'text';
  readonly logits: Value;
}

/** Probabilities this close to 0 or 1 have no finite logit in float32. */
const EDGE = 1e-6;

/**
 * The training graph. Inputs: `inputs` (batch, kept), transformed already; with a sequence `tokens` (batch, length, TOKEN_FIELDS) int32;
 * with texts `texts` (batch, places, TEXT_FIELDS) int32 and `text.vectors` (texts, vector);
 * `labels` and `weights` (batch, bins), weight 0 where the outcome is unknown or the row does not count; with dropout
 * `dropout.0`, … (batch, members, hidden) and with texts `dropout.text` (batch, width). Output: `loss`.
 * @param encoder computes the texts' vectors (`vectorsGraph`); without one they are an input
 */
export function trainingModel(
  shape: PropensityShape,
  rng: Rng,
  options: LossOptions,
  encoder?: Graph,
): Graph {
  const g = openBuilder(encoder);
  const layers = new Layers(g, rng);
  const outputs = bins(shape);
  const masks =
    shape.mlp && options.dropout > 0
      ? Array.from({ length: shape.mlp.layers }, (_, i) =>
          g.input(`dropout.${i}`, 'float32', ['batch', shape.mlp!.members, shape.mlp!.hidden]),
        )
      : [];
  const z = g.input('inputs', 'float32', ['batch', shape.transform.kept.length]);
  const textMask =
    shape.text && options.dropout > 0
      ? g.input('dropout.text', 'float32', ['batch', shape.text.width])
      : undefined;
  const inputs = { z, branches: readBranches(layers, shape, z, encoder, textMask) };
  const linear = linearPart(layers, shape, z);
  const logits = memberLogits(layers, shape, { ...inputs, linear, masks });
  const labels = g.unsqueeze(g.input('labels', 'float32', ['batch', outputs]), [1]);
  const weights = g.unsqueeze(g.input('weights', 'float32', ['batch', outputs]), [1]);
  const losses = g.mul(g.sub(g.softplus(logits), g.mul(labels, logits)), weights); // (batch, members, bins)
  // The mean over the batch's members of the sum over bins: rows without weight count as rows all the same, so that
  // batches with few known outcomes take small steps.
  const fitted = g.reduceSum(g.reduceMean(losses, [0, 1]));
  const penalty = g.mul(g.reduceSum(g.square(linear.weight)), options.linearL2);
  g.output('loss', g.add(fitted, penalty));
  return encoder ? selectOutputs(g.build(), ['loss']) : g.build();
}

/**
 * The scoring graph, parameters in their initial state: give them their trained values by name. Inputs: `features` and,
 * with a sequence, `tokens`, with texts `texts` and their vectors; all with any batch size. Outputs: `logits` (batch,
 * tasks), and with groups `reasons` (batch, tasks, groups + 1): gradient x standardised input of each task's logit
 * (Shrikumar et al. 2016), summed by group; behind them a column with the sequence's part, and with texts theirs.
 * @param groups matrix (kept features x groups) of 0 and 1, row by row
 * @param encoder computes the texts' vectors (`vectorsGraph`); without one they are an input
 */
export function scoringModel(
  shape: PropensityShape,
  rng: Rng,
  groups?: { readonly count: number; readonly matrix: Float32Array },
  encoder?: Graph,
): Graph {
  const g = openBuilder(encoder);
  const layers = new Layers(g, rng);
  const tasks = shape.heads.length;
  const kept = shape.transform.kept.length;
  const inputs = readInputs(layers, shape, encoder);
  if (!groups) {
    const linear = linearPart(layers, shape, inputs.z);
    g.output(
      'logits',
      taskLogits(g, shape, hazards(g, memberLogits(layers, shape, { ...inputs, linear, masks: [] }))),
    );
    return encoder ? selectOutputs(g.build(), ['logits']) : g.build();
  }
  // One copy of the inputs per task: the gradient by a copy is that of its task's logit alone.
  const copies = g.label('copies', g.expand(g.unsqueeze(inputs.z, [1]), ['batch', tasks, kept], [inputs.z]));
  const z = g.reshape(copies, [-1, kept]);
  const outputs = bins(shape);
  const branches = inputs.branches.map(({ name, logits }) => {
    const read = g.expand(g.unsqueeze(logits, [1]), ['batch', tasks, outputs], [logits]);
    return { name, logits: g.reshape(g.label(`${name} copies`, read), [-1, outputs]) };
  });
  const linear = linearPart(layers, shape, z);
  const all = taskLogits(
    g,
    shape,
    hazards(g, memberLogits(layers, shape, { z, branches, linear, masks: [] })),
  );
  const diagonal = Float32Array.from({ length: tasks * tasks }, (_, i) => (i % (tasks + 1) === 0 ? 1 : 0));
  const own = g.mul(
    g.reshape(all, [-1, tasks, tasks]),
    g.constant({ dtype: 'float32', shape: [tasks, tasks], data: diagonal }),
  );
  g.output('logits', g.reduceSum(own, [2]));
  g.output('attributed', g.reduceSum(own));
  const wrt = ['copies', ...branches.map(({ name }) => `${name} copies`)];
  const differentiated = differentiate(g.build(), { loss: 'attributed', wrt });
  return reasonOutputs(differentiated, groups, kept, shape);
}

function reasonOutputs(
  graph: Graph,
  groups: { readonly count: number; readonly matrix: Float32Array },
  kept: number,
  shape: PropensityShape,
): Graph {
  const g = GraphBuilder.from(graph);
  const effect = (name: string) => g.mul(g.value(gradientName(name)), g.value(name));
  const matrix = g.constant({ dtype: 'float32', shape: [kept, groups.count], data: groups.matrix });
  const byGroup = g.matmul(effect('copies'), matrix); // (batch, tasks, groups)
  const part = (name: Branch['name']) => g.reduceSum(effect(`${name} copies`), [2], true);
  const sequence = shape.sequence ? part('sequence') : g.mul(g.slice(byGroup, 2, 0, 1), 0);
  g.output('reasons', g.concat([byGroup, sequence, ...(shape.text ? [part('text')] : [])], 2));
  return selectOutputs(g.build(), ['logits', 'reasons']);
}

function readInputs(layers: Layers, shape: PropensityShape, encoder: Graph | undefined): Inputs {
  const { g } = layers;
  const raw = g.input('features', 'float32', ['batch', shape.features]);
  const z = transformInputs(g, raw, shape.transform);
  return { z, branches: readBranches(layers, shape, z, encoder) };
}

/** The parts of sequence and texts in each logit. @param z (batch, kept), transformed */
function readBranches(
  layers: Layers,
  shape: PropensityShape,
  z: Value,
  encoder: Graph | undefined,
  textMask?: Value,
): Branch[] {
  const { g } = layers;
  const outputs = bins(shape);
  const branches: Branch[] = [];
  const context = [{ name: 'features', value: z, width: shape.transform.kept.length }];
  if (shape.sequence) {
    const { length, width } = shape.sequence;
    const tokens = g.input('tokens', 'int32', ['batch', length, TOKEN_FIELDS]);
    const { hidden, valid } = encodeSequence(layers, tokens, shape.sequence);
    const pooled = poolSequence(g, hidden, valid);
    context.push({ name: 'visits', value: pooled, width: 2 * width });
    const logits = g.matmul(pooled, layers.zeros('sequence.head', 2 * width, outputs));
    branches.push({ name: 'sequence', logits });
  }
  if (shape.text) {
    const { places, vector } = shape.text;
    const texts = g.input('texts', 'int32', ['batch', places, TEXT_FIELDS]);
    const vectors = encoder ? g.value(TEXT_VECTORS) : g.input(TEXT_VECTORS, 'float32', ['texts', vector]);
    branches.push({
      name: 'text',
      logits: readTexts(layers, vectors, texts, context, shape.text, outputs, textMask),
    });
  }
  return branches;
}

function linearPart(layers: Layers, shape: PropensityShape, z: Value): { weight: Value; logits: Value } {
  const weight = layers.zeros('linear.weight', shape.transform.kept.length, bins(shape));
  return { weight, logits: layers.g.linear(z, weight, layers.zeros('linear.bias', bins(shape))) };
}

/** Logits of every member's hazards: (rows, members, bins), one member where there is no MLP. */
function memberLogits(
  layers: Layers,
  shape: PropensityShape,
  { z, branches, linear, masks }: Inputs & { linear: { logits: Value }; masks: readonly Value[] },
): Value {
  const { g } = layers;
  const sum = branches.reduce((total, { logits }) => g.add(total, logits), linear.logits);
  const shared = g.unsqueeze(sum, [1]);
  if (!shape.mlp) return shared;
  const { piecewise } = shape.mlp;
  const x = piecewise?.input.length ? g.concat([z, encodePiecewise(g, z, piecewise)], 1) : z;
  const width = shape.transform.kept.length + (piecewise?.input.length ?? 0);
  return g.add(shared, layers.memberMlp('mlp', x, { ...shape.mlp, width, outputs: bins(shape) }, masks));
}

const hazards = (g: GraphBuilder, logits: Value): Value =>
  g.clip(g.reduceMean(g.sigmoid(logits), [1]), EDGE, 1 - EDGE); // (rows, bins)

/** Logit of each task's probability: 1 - (1 - h1)(1 - h2)…, or the product itself where absence is asked. */
function taskLogits(g: GraphBuilder, shape: PropensityShape, h: Value): Value {
  const survival = g.log(g.sub(1, h));
  let first = 0;
  const logits = shape.heads.map(({ bins: count, inverted }) => {
    const stays = g.reduceSum(g.slice(survival, 1, first, first + count), [1], true); // log P(nothing happens)
    first += count;
    // log((1 - s) / s) with s = exp(stays).
    const happens = g.sub(g.log(g.max(g.sub(1, g.exp(stays)), EDGE)), stays);
    return inverted ? g.neg(happens) : happens;
  });
  return g.concat(logits, 1);
}
