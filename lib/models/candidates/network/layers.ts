import type { Rng } from '../../../engine/host/index.ts';
import { multiHeadAttention, transformerBlock } from '../../../engine/nn/index.ts';
import type { GraphBuilder, Value } from '../../../engine/onnx/index.ts';

/** Draws of one parameter depend on its name alone, so adding a layer changes no other. */
export class Layers {
  readonly g: GraphBuilder;
  readonly #rng: Rng;

  constructor(g: GraphBuilder, rng: Rng) {
    this.g = g;
    this.#rng = rng;
  }

  zeros(name: string, ...shape: number[]): Value {
    return this.g.parameter(name, shape, new Float32Array(size(shape)));
  }

  ones(name: string, ...shape: number[]): Value {
    return this.g.parameter(name, shape, new Float32Array(size(shape)).fill(1));
  }

  normal(name: string, deviation: number, ...shape: number[]): Value {
    return this.g.parameter(name, shape, this.#rng.fork(name).normals(size(shape), deviation));
  }

  /** Random signs: what tells the members of an ensemble apart. */
  signs(name: string, ...shape: number[]): Value {
    const draws = this.#rng.fork(name).uniforms(size(shape));
    return this.g.parameter(
      name,
      shape,
      draws.map((u) => (u < 0.5 ? -1 : 1)),
    );
  }

  /** x (…, from) -> (…, to), Glorot and Bengio 2010 scaling. */
  dense(name: string, x: Value, from: number, to: number): Value {
    const weight = this.normal(`${name}.weight`, Math.sqrt(2 / (from + to)), from, to);
    return this.g.linear(x, weight, this.zeros(`${name}.bias`, to));
  }

  norm(name: string, x: Value, width: number): Value {
    return this.g.layerNorm(x, this.ones(`${name}.scale`, width), this.zeros(`${name}.bias`, width));
  }

  /**
   * Pre-norm Transformer encoder layer (Vaswani et al. 2017; Xiong et al. 2020).
   * @param x (batch, length, width)
   * @param bias added to the attention scores, (batch, 1, 1, length): 0 where a place may be attended to, else very negative
   */
  transformerLayer(name: string, x: Value, bias: Value, options: { width: number; heads: number }): Value {
    const { g } = this;
    const { width, heads } = options;
    return transformerBlock(g, x, 'pre', {
      norm1: (value) => this.norm(`${name}.norm1`, value, width),
      attend: (value) => {
        const qkv = this.dense(`${name}.qkv`, value, width, 3 * width);
        const [q, k, v] = g.split(qkv, [width, width, width], -1);
        return this.dense(`${name}.out`, multiHeadAttention(g, q!, k!, v!, { heads, bias }), width, width);
      },
      norm2: (value) => this.norm(`${name}.norm2`, value, width),
      feedForward: (value) => {
        const hidden = this.dense(`${name}.up`, value, width, 2 * width);
        return this.dense(`${name}.down`, g.gelu(hidden), 2 * width, width);
      },
    });
  }

  /**
   * An ensemble of MLPs that share their weights and differ in the signs of their inputs, a scale and a bias per layer
   * and their heads (TabM-mini: Gorishniy, Kotelnikov, Babenko 2024; BatchEnsemble: Wen, Tran, Ba 2020). The heads start
   * at zero, so that the branch starts without effect.
   * @param x (batch, width)
   * @param masks dropout masks by layer, (batch, members, hidden), or none
   * @returns (batch, members, outputs)
   */
  memberMlp(
    name: string,
    x: Value,
    options: { width: number; hidden: number; layers: number; members: number; outputs: number },
    masks: readonly Value[] = [],
  ): Value {
    const { g } = this;
    const { width, hidden, layers, members, outputs } = options;
    let h = g.mul(g.unsqueeze(x, [1]), this.signs(`${name}.signs`, members, width)); // (batch, members, width)
    for (let layer = 0; layer < layers; layer++) {
      const from = layer === 0 ? width : hidden;
      const weight = this.normal(`${name}.${layer}.weight`, 0.7 * Math.sqrt(2 / from), from, hidden);
      const scaled = g.mul(g.matmul(h, weight), this.ones(`${name}.${layer}.scale`, members, hidden));
      h = g.relu(g.add(scaled, this.zeros(`${name}.${layer}.bias`, members, hidden)));
      const mask = masks[layer];
      if (mask) h = g.mul(h, mask);
    }
    // One product per member: (members, batch, hidden) x (members, hidden, outputs).
    const head = g.matmul(
      g.transpose(h, [1, 0, 2]),
      this.zeros(`${name}.head.weight`, members, hidden, outputs),
    );
    return g.add(g.transpose(head, [1, 0, 2]), this.zeros(`${name}.head.bias`, members, outputs));
  }
}

const size = (shape: readonly number[]) => shape.reduce((product, n) => product * n, 1);
