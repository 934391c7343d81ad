import { float32 } from '../../lib/engine/host/index.ts';
import { encodeModel, GraphBuilder } from '../../lib/engine/onnx/index.ts';
import { openSession } from '../../lib/engine/train/index.ts';
import {
  bins,
  type Candidate,
  type ExportedModel,
  type Fitted,
  type Material,
  summarise,
  taskLogits,
} from '../../lib/models/candidates/index.ts';

/** What its only reason is called. */
const GROUP = 'base rate';

/** A candidate that is no network: it says of everybody what was said of all, the share of those who did. */
export const baseRate: Candidate = {
  name: 'base rate',
  reads: [],
  applies: () => true,
  fit: async (material) => new FittedRate(material, ratesOf(material)),
};

/** Weighted share of ones of each output among the rows that may be learnt from. */
function ratesOf({ heads, labels, used, weights }: Material): Float32Array {
  const outputs = bins({ heads });
  return Float32Array.from({ length: outputs }, (_, k) => {
    let [positive, total] = [0.5, 1];
    used.forEach((row, i) => {
      const weight = weights[i * outputs + k]!;
      if (weight === 0) return;
      positive += weight * labels[row * outputs + k]!;
      total += weight;
    });
    return positive / total;
  });
}

class FittedRate implements Fitted {
  readonly curve = [];
  readonly pretraining = [];
  readonly #material: Material;
  readonly #rates: Float32Array;

  constructor(material: Material, rates: Float32Array) {
    this.#material = material;
    this.#rates = rates;
  }

  async logits(rows: Int32Array): Promise<Float32Array> {
    return (await this.#run(rows)).logits;
  }

  async strengths(rows: Int32Array) {
    const { heads } = this.#material;
    const { reasons } = await this.#run(rows);
    return heads.map((_, t) => summarise(reasons, heads.length, t, [{ name: GROUP, group: GROUP }]));
  }

  /** `logits` (batch, tasks), the same for all rows, and the whole of them as the only reason. */
  exported(): ExportedModel {
    const { heads, width } = this.#material;
    const g = new GraphBuilder('base rate');
    const features = g.input('features', 'float32', ['batch', width]);
    const zero = g.mul(g.slice(features, 1, 0, 1), 0); // (batch, 1)
    const hazards = g.add(zero, g.unsqueeze(g.constant([...this.#rates]), [0])); // (batch, bins)
    const logits = taskLogits(g, heads, hazards);
    g.output('logits', logits);
    g.output('reasons', g.unsqueeze(logits, [2]));
    const model = encodeModel(g.build(), { parametersAs: 'initializers' });
    return { model, groups: [GROUP], sequence: null, files: {} };
  }

  async #run(rows: Int32Array): Promise<{ logits: Float32Array; reasons: Float32Array }> {
    const { features, width } = this.#material;
    const own = new Float32Array(rows.length * width);
    rows.forEach((row, i) => {
      own.set(features.subarray(row * width, (row + 1) * width), i * width);
    });
    const session = await openSession(this.exported().model, { threads: 1 });
    try {
      const { logits, reasons } = await session.run({ features: float32(own, [rows.length, width]) });
      return { logits: logits!.data as Float32Array, reasons: reasons!.data as Float32Array };
    } finally {
      await session.close();
    }
  }
}
