import { type Graph, GraphBuilder, type Tensor, type Value } from '../../lib/onnx/index.ts';

/** A block of the reference: its tensors by name within the block, 'weight.bias', 'input.x', 'const.targets', 'R'. */
export type BlockTensors = ReadonlyMap<string, Tensor>;

class BlockBuilder extends GraphBuilder {
  readonly #tensors: BlockTensors;

  constructor(name: string, tensors: BlockTensors) {
    super(name);
    this.#tensors = tensors;
  }

  tensor(key: string): Tensor {
    const found = this.#tensors.get(key);
    if (!found) throw new Error(`the reference has no ${key}`);
    return found;
  }

  weight(name: string): Value {
    const { shape, data } = this.tensor(`weight.${name}`);
    return this.parameter(name, shape, data as Float32Array);
  }

  fed(name: string): Value {
    const { dtype, shape } = this.tensor(`input.${name}`);
    return this.input(name, dtype, shape);
  }

  fixed(key: string): Value {
    return this.constant(this.tensor(key));
  }

  /** Loss of blocks with a tensor output: Σ output · R. */
  projected(output: Value): Graph {
    this.output('output', output);
    this.output('loss', this.reduceSum(this.mul(output, this.fixed('R'))));
    return this.build();
  }

  lossOnly(loss: Value): Graph {
    this.output('loss', loss);
    return this.build();
  }

  /** x Wᵀ + b with torch's (out, in) weight. */
  torchLinear = (x: Value, weight: Value, bias: Value): Value =>
    this.add(this.matmulT(x, weight, { transB: true }), bias);
}

const BATCH = 3;
const TIME = 7;
const WIDTH = 16;
const HEADS = 4;
const NEVER = -1e9;

function attention(g: BlockBuilder, x: Value): Value {
  const forbidden = g.or(
    g.cast(g.fixed('const.causal_mask'), 'bool'), // (time, time)
    g.unsqueeze(g.cast(g.fixed('const.key_padding_mask'), 'bool'), [1, 2]), // (batch, 1, 1, time)
  );
  const heads = (v: Value): Value =>
    g.transpose(g.reshape(v, [BATCH, TIME, HEADS, WIDTH / HEADS]), [0, 2, 1, 3]);
  const joined = g.torchLinear(x, g.weight('self_attn.in_proj_weight'), g.weight('self_attn.in_proj_bias'));
  const [q, k, v] = g.split(joined, [WIDTH, WIDTH, WIDTH], -1).map(heads);
  const scores = g.matmulT(q!, k!, { transB: true, alpha: 1 / Math.sqrt(WIDTH / HEADS) }); // (batch, heads, time, time)
  const mixed = g.matmul(g.softmax(g.where(forbidden, NEVER, scores)), v!);
  const merged = g.reshape(g.transpose(mixed, [0, 2, 1, 3]), [BATCH, TIME, WIDTH]);
  return g.torchLinear(merged, g.weight('self_attn.out_proj.weight'), g.weight('self_attn.out_proj.bias'));
}

function feedForward(g: BlockBuilder, x: Value): Value {
  const hidden = g.gelu(g.torchLinear(x, g.weight('linear1.weight'), g.weight('linear1.bias')));
  return g.torchLinear(hidden, g.weight('linear2.weight'), g.weight('linear2.bias'));
}

const norm = (g: BlockBuilder, name: string, x: Value): Value =>
  g.layerNorm(x, g.weight(`${name}.weight`), g.weight(`${name}.bias`));

/** Mean over the rows of -log softmax(scores)[i, i]. */
function diagonalCrossEntropy(g: GraphBuilder, scores: Value): Value {
  const diagonal = g.ints(Array.from({ length: Number(scores.shape[0]) }, (_, i) => i));
  const picked = g.gatherElements(g.logSoftmax(scores), g.unsqueeze(diagonal, [1]));
  return g.neg(g.reduceMean(picked));
}

function cosines(g: GraphBuilder, q: Value, k: Value): Value {
  const unit = (x: Value): Value => g.div(x, g.max(g.sqrt(g.reduceSum(g.square(x), [-1], true)), 1e-12));
  return g.matmulT(unit(q), unit(k), { transB: true });
}

/** The reference's single layers and losses, written as models are. */
const definitions = {
  transformer_postnorm: (g: BlockBuilder) => {
    const x = g.fed('x');
    const attended = norm(g, 'norm1', g.add(x, attention(g, x)));
    return g.projected(norm(g, 'norm2', g.add(attended, feedForward(g, attended))));
  },
  transformer_prenorm: (g: BlockBuilder) => {
    const x = g.fed('x');
    const attended = g.add(x, attention(g, norm(g, 'norm1', x)));
    return g.projected(g.add(attended, feedForward(g, norm(g, 'norm2', attended))));
  },
  layernorm: (g: BlockBuilder) => g.projected(g.layerNorm(g.fed('x'), g.weight('weight'), g.weight('bias'))),
  embeddingbag_mean: (g: BlockBuilder) =>
    g.projected(g.reduceMean(g.gather(g.weight('weight'), g.fed('ids')), [1])),
  embeddingbag_mean_padding: (g: BlockBuilder) => {
    const ids = g.fed('ids');
    const present = g.unsqueeze(g.cast(g.not(g.equal(ids, 0)), 'float32'), [2]); // (batch, time, 1)
    const rows = g.mul(g.gather(g.weight('weight'), ids), present);
    return g.projected(g.div(g.reduceSum(rows, [1]), g.max(g.reduceSum(present, [1]), 1)));
  },
  bce_pos_weight: (g: BlockBuilder) => {
    const z = g.fed('logits');
    const y = g.fixed('const.targets');
    const positive = g.mul(g.mul(g.fixed('const.pos_weight'), y), g.softplus(g.neg(z)));
    return g.lossOnly(g.reduceMean(g.add(positive, g.mul(g.sub(1, y), g.softplus(z)))));
  },
  ce_smoothing_ignore: (g: BlockBuilder) => {
    const [classes, smoothing] = [11, 0.1];
    const logits = g.fed('logits');
    const targets = g.fixed('const.targets');
    const counted = g.not(g.equal(targets, -100));
    const logp = g.logSoftmax(logits);
    const picked = g.squeeze(g.gatherElements(logp, g.unsqueeze(g.where(counted, targets, 0), [-1])), [-1]);
    const perToken = g.add(
      g.mul(picked, smoothing - 1),
      g.mul(g.reduceSum(logp, [-1]), -smoothing / classes),
    );
    return g.lossOnly(
      g.div(g.reduceSum(g.where(counted, perToken, 0)), g.reduceSum(g.cast(counted, 'float32'))),
    );
  },
  infonce: (g: BlockBuilder) =>
    g.lossOnly(diagonalCrossEntropy(g, g.div(cosines(g, g.fed('q'), g.fed('k')), 0.1))),
  infonce_symmetric: (g: BlockBuilder) => {
    const scores = g.div(cosines(g, g.fed('q'), g.fed('k')), 0.1);
    const both = g.add(diagonalCrossEntropy(g, scores), diagonalCrossEntropy(g, g.transpose(scores, [1, 0])));
    return g.lossOnly(g.mul(both, 0.5));
  },
  sampled_softmax_in_batch: (g: BlockBuilder) => {
    const scores = g.sub(g.matmulT(g.fed('user'), g.fed('item'), { transB: true }), g.fixed('const.log_q'));
    const ids = g.fixed('const.item_ids');
    const same = g.equal(g.unsqueeze(ids, [1]), g.unsqueeze(ids, [0]));
    const rows = g.ints(Array.from({ length: 6 }, (_, i) => i));
    const collision = g.and(same, g.not(g.equal(g.unsqueeze(rows, [1]), g.unsqueeze(rows, [0]))));
    return g.lossOnly(diagonalCrossEntropy(g, g.where(collision, NEVER, scores)));
  },
};

export const blockNames = Object.keys(definitions) as (keyof typeof definitions)[];

export function buildBlock(name: keyof typeof definitions, tensors: BlockTensors): Graph {
  return definitions[name](new BlockBuilder(name, tensors));
}
