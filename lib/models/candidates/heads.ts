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

/**
 * How the outcomes of a row's heads hang together, where each head does not ask yes or no by itself:
 * - 'one-of': the heads are classes, of which exactly one is a row's. `logits` are logarithms of their chances, up to a number per row.
 * - 'number': there is one head, whose outcome is a number, less the mean of the rows that are used and by their deviation. `logits`
 *   are the expected number, on the same scale.
 */
export type JointAnswers = 'one-of' | 'number';

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

/**
 * What the members of an ensemble say together: logits (rows, members, bins) -> (rows, tasks), as `Fitted.logits`. Chances are
 * averaged, and so are numbers.
 */
export function saidTogether(
  g: GraphBuilder,
  heads: readonly Head[],
  answers: JointAnswers | undefined,
  logits: Value,
): Value {
  if (answers === 'number') return g.reduceMean(logits, [1]);
  return answers === 'one-of' ? logMeanChances(g, logits) : taskLogits(g, heads, hazards(g, logits));
}

const logMeanChances = (g: GraphBuilder, logits: Value): Value =>
  g.log(g.clip(g.reduceMean(g.softmax(logits), [1]), EDGE, 1));

/**
 * The loss of each member's logits where heads hang together, (rows, members, 1): cross-entropy of the classes, or half the
 * squared error.
 * @param labels (rows, 1, bins)
 */
export function jointLosses(g: GraphBuilder, answers: JointAnswers, logits: Value, labels: Value): Value {
  if (answers === 'number') return g.mul(g.square(g.sub(logits, labels)), 0.5);
  return g.neg(g.reduceSum(g.mul(labels, g.logSoftmax(logits)), [2], true));
}

/** The same of the ensemble, (rows, 1). @param labels (rows, bins) */
export function jointLoss(g: GraphBuilder, answers: JointAnswers, logits: Value, labels: Value): Value {
  if (answers === 'number') return g.mul(g.square(g.sub(g.reduceMean(logits, [1]), labels)), 0.5);
  return g.neg(g.reduceSum(g.mul(labels, logMeanChances(g, logits)), [1], true));
}
