import {
  attentionBias,
  bceWithLogits,
  conv1d,
  crossEntropy,
  embeddingBag,
  embeddingBagOffsets,
  gru,
  IGNORED,
  infoNce,
  lstm,
  type RecurrentWeights,
  sampledSoftmaxInBatch,
  type TransformerWeights,
  transformerLayer,
} from '../../../lib/engine/nn/index.ts';
import { type Graph, GraphBuilder, type Tensor, type Value } from '../../../lib/engine/onnx/index.ts';

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

  /** Further outputs by name; the loss of blocks with a tensor output is Σ output · R. */
  projected(output: Value, others: Readonly<Record<string, Value>> = {}): Graph {
    this.output('output', output);
    for (const [name, value] of Object.entries(others)) this.output(name, value);
    this.output('loss', this.reduceSum(this.mul(output, this.fixed('R'))));
    return this.build();
  }

  lossOnly(loss: Value): Graph {
    this.output('loss', loss);
    return this.build();
  }
}

const PACKED_LENGTHS = [7, 5, 3];

function recurrentWeights(g: BlockBuilder): RecurrentWeights {
  return {
    input: g.weight('weight_ih_l0'),
    hidden: g.weight('weight_hh_l0'),
    inputBias: g.weight('bias_ih_l0'),
    hiddenBias: g.weight('bias_hh_l0'),
  };
}

function encoderLayer(g: BlockBuilder, norm: 'pre' | 'post'): Graph {
  const linear = (name: string) => ({ weight: g.weight(`${name}.weight`), bias: g.weight(`${name}.bias`) });
  const layerNorm = (name: string) => ({
    scale: g.weight(`${name}.weight`),
    bias: g.weight(`${name}.bias`),
  });
  const weights: TransformerWeights = {
    qkv: { weight: g.weight('self_attn.in_proj_weight'), bias: g.weight('self_attn.in_proj_bias') },
    out: linear('self_attn.out_proj'),
    up: linear('linear1'),
    down: linear('linear2'),
    norm1: layerNorm('norm1'),
    norm2: layerNorm('norm2'),
  };
  const forbidden = g.or(
    g.cast(g.fixed('const.causal_mask'), 'bool'), // (time, time)
    g.unsqueeze(g.cast(g.fixed('const.key_padding_mask'), 'bool'), [1, 2]), // (batch, 1, 1, time)
  );
  const bias = attentionBias(g, g.not(forbidden));
  return g.projected(transformerLayer(g, g.fed('x'), weights, { heads: 4, norm, bias }));
}

/** The reference's single layers and losses, written as models are. */
const definitions = {
  gru: (g: BlockBuilder) => {
    const { output, last } = gru(g, g.fed('x'), [recurrentWeights(g)]);
    return g.projected(output, { h_n: last });
  },
  gru_packed: (g: BlockBuilder) => {
    const lengths = g.ints(PACKED_LENGTHS);
    const { output, last } = gru(g, g.fed('x'), [recurrentWeights(g)], { lengths });
    return g.projected(output, { h_n: last });
  },
  lstm: (g: BlockBuilder) => {
    const { output, last, cell } = lstm(g, g.fed('x'), [recurrentWeights(g)]);
    return g.projected(output, { h_n: last, c_n: cell });
  },
  transformer_postnorm: (g: BlockBuilder) => encoderLayer(g, 'post'),
  transformer_prenorm: (g: BlockBuilder) => encoderLayer(g, 'pre'),
  conv1d_relu_maxpool: (g: BlockBuilder) => {
    const steps = g.relu(conv1d(g, g.fed('x'), g.weight('weight'), g.weight('bias'), { padding: 'same' }));
    return g.projected(g.reduceMax(steps, [1]), { relu: g.transpose(steps, [0, 2, 1]) });
  },
  layernorm: (g: BlockBuilder) => g.projected(g.layerNorm(g.fed('x'), g.weight('weight'), g.weight('bias'))),
  embeddingbag_mean: (g: BlockBuilder) => g.projected(embeddingBag(g, g.weight('weight'), g.fed('ids'))),
  embeddingbag_mean_offsets: (g: BlockBuilder) =>
    g.projected(embeddingBagOffsets(g, g.weight('weight'), g.fed('ids'), g.fed('offsets'))),
  embeddingbag_mean_padding: (g: BlockBuilder) =>
    g.projected(embeddingBag(g, g.weight('weight'), g.fed('ids'), { paddingId: 0 })),
  bce_pos_weight: (g: BlockBuilder) =>
    g.lossOnly(
      bceWithLogits(g, g.fed('logits'), g.fixed('const.targets'), { posWeight: g.fixed('const.pos_weight') }),
    ),
  ce_smoothing_ignore: (g: BlockBuilder) =>
    g.lossOnly(
      crossEntropy(g, g.fed('logits'), g.fixed('const.targets'), { smoothing: 0.1, ignoreIndex: IGNORED }),
    ),
  infonce: (g: BlockBuilder) => g.lossOnly(infoNce(g, g.fed('q'), g.fed('k'), { temperature: 0.1 })),
  infonce_symmetric: (g: BlockBuilder) =>
    g.lossOnly(infoNce(g, g.fed('q'), g.fed('k'), { temperature: 0.1, symmetric: true })),
  sampled_softmax_in_batch: (g: BlockBuilder) =>
    g.lossOnly(
      sampledSoftmaxInBatch(g, g.fed('user'), g.fed('item'), {
        itemIds: g.fixed('const.item_ids'),
        logQ: g.fixed('const.log_q'),
      }),
    ),
};

export type BlockName = keyof typeof definitions;

export const blockNames = Object.keys(definitions) as BlockName[];

export function buildBlock(name: BlockName, tensors: BlockTensors): Graph {
  return definitions[name](new BlockBuilder(name, tensors));
}

/** The tensors of one block out of all of the reference. */
export function tensorsOf(all: ReadonlyMap<string, Tensor>, block: string): BlockTensors {
  const prefix = `${block}.`;
  return new Map(
    [...all].filter(([key]) => key.startsWith(prefix)).map(([key, t]) => [key.slice(prefix.length), t]),
  );
}
