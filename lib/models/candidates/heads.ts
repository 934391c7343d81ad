import type { GraphBuilder, Value } from '../../engine/onnx/index.ts';

/**
 * What a model is asked. A window is asked in `bins` equal parts; a model gives the hazard of each part, the chance that
 * it happens there given that nothing happened in those before (discrete-time survival: Singer and Willett 1993;
 * Gensheimer and Narasimhan 2019), so cut-offs whose whole window is not over yet still teach the parts that are. Parts
 * of all heads, one behind the other, are a model's outputs.
 */
export interface Head {
  readonly task: string;
  readonly bins: number;
  /** The task asks for the event to stay away. */
  readonly inverted: boolean;
}

/** Outputs of all heads. */
export const bins = ({ heads }: { readonly heads: readonly Head[] }): number =>
  heads.reduce((sum, { bins }) => sum + bins, 0);

/** Probabilities this close to 0 or 1 have no finite logit in float32. */
const EDGE = 1e-6;

/** Hazards of an ensemble: logits (rows, members, bins) -> the members' mean chance, (rows, bins). */
export const hazards = (g: GraphBuilder, logits: Value): Value =>
  g.clip(g.reduceMean(g.sigmoid(logits), [1]), EDGE, 1 - EDGE);

/**
 * Logit of each task's probability: 1 - (1 - h1)(1 - h2)…, or the product itself where absence is asked.
 * @param h hazards (rows, bins)
 * @returns (rows, tasks)
 */
export function taskLogits(g: GraphBuilder, heads: readonly Head[], h: Value): Value {
  const survival = g.log(g.sub(1, h));
  let first = 0;
  const logits = heads.map(({ bins: count, inverted }) => {
    const stays = g.reduceSum(g.slice(survival, 1, first, first + count), [1], true); // log P(nothing happens)
    first += count;
    // log((1 - s) / s) with s = exp(stays).
    const happens = g.sub(g.log(g.max(g.sub(1, g.exp(stays)), EDGE)), stays);
    return inverted ? g.neg(happens) : happens;
  });
  return g.concat(logits, 1);
}
