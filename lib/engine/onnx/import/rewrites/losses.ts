import type { Value } from '../../graph.ts';
import type { RewriteCall, RewriteTable } from '../rewrite.ts';

/** -log p of the label at axis 1, weighted by class, without ignored labels. */
function negativeLogLikelihood(call: RewriteCall, logProbability: Value): Value {
  const { g, x } = call;
  const labels = call.input(1);
  const ignored = call.node.attributes.has('ignore_index')
    ? g.equal(labels, call.int('ignore_index', 0))
    : undefined;
  const safe = ignored ? g.where(ignored, 0, labels) : labels;
  const picked = g.gatherElements(logProbability, g.unsqueeze(safe, [1]), 1);
  const losses = g.neg(g.squeeze(picked, [1]));
  const kept = ignored && g.cast(g.not(ignored), losses.dtype);
  const classWeights = x[2] && g.gather(x[2], safe);
  const weights = kept && classWeights ? g.mul(kept, classWeights) : (kept ?? classWeights);
  const weighted = weights ? g.mul(losses, weights) : losses;
  switch (call.string('reduction', 'mean')) {
    case 'none':
      return weighted;
    case 'sum':
      return g.reduceSum(weighted);
    default:
      return weights ? g.div(g.reduceSum(weighted), g.reduceSum(weights)) : g.reduceMean(weighted);
  }
}

export const losses: RewriteTable = {
  SoftmaxCrossEntropyLoss: (call) => {
    const logProbability = call.g.logSoftmax(call.input(0), 1);
    return [negativeLogLikelihood(call, logProbability), logProbability];
  },
  NegativeLogLikelihoodLoss: (call) => negativeLogLikelihood(call, call.input(0)),
};
