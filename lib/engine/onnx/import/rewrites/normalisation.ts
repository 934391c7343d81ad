import type { Value } from '../../graph.ts';
import type { RewriteCall, RewriteTable } from '../rewrite.ts';

/** A vector over channels (axis 1) as it broadcasts against x. */
function perChannel({ g }: RewriteCall, vector: Value, rank: number): Value {
  const after = Array.from({ length: rank - 2 }, (_, i) => i + 1);
  return after.length === 0 ? vector : g.unsqueeze(vector, after);
}

/** (x - mean) / √(variance + ε) over axes. */
function standardised({ g }: RewriteCall, x: Value, axes: readonly number[], epsilon: number): Value {
  const centred = g.sub(x, g.reduceMean(x, axes, true));
  const variance = g.reduceMean(g.square(centred), axes, true);
  return g.div(centred, g.sqrt(g.add(variance, epsilon)));
}

/** x / √(mean x² + ε) · scale (Zhang & Sennrich 2019) over the axes from `axis`. */
function rootMeanSquare(call: RewriteCall, x: Value, scale: Value, epsilon: number): Value {
  const { g } = call;
  const rank = x.shape.length;
  const axis = call.int('axis', -1);
  const axes = Array.from({ length: rank }, (_, i) => i).slice(axis < 0 ? axis + rank : axis);
  const size = g.sqrt(g.add(g.reduceMean(g.square(x), axes, true), epsilon));
  return g.mul(g.div(x, size), scale);
}

/** Input and skip connection (and bias) added. */
function skipped({ g, x }: RewriteCall, input: Value, skip: Value, bias: number): Value {
  const sum = g.add(input, skip);
  return x[bias] ? g.add(sum, x[bias]) : sum;
}

const channels = (call: RewriteCall, y: Value, scale: Value, bias: Value): Value => {
  const rank = y.shape.length;
  return call.g.add(call.g.mul(y, perChannel(call, scale, rank)), perChannel(call, bias, rank));
};

export const normalisations: RewriteTable = {
  // In evaluation, with the stored mean and variance.
  BatchNormalization: (call) => {
    const { g } = call;
    if (call.int('training_mode', 0) !== 0)
      call.fail('training mode is not supported; export for evaluation');
    const x = call.input(0);
    const rank = x.shape.length;
    const deviation = g.sqrt(g.add(call.input(4), call.float('epsilon', 1e-5)));
    const centred = g.sub(x, perChannel(call, call.input(3), rank));
    return channels(call, g.div(centred, perChannel(call, deviation, rank)), call.input(1), call.input(2));
  },
  InstanceNormalization: (call) => {
    const x = call.input(0);
    const spatial = x.shape.map((_, i) => i).slice(2);
    const y = standardised(call, x, spatial, call.float('epsilon', 1e-5));
    return channels(call, y, call.input(1), call.input(2));
  },
  // Wu & He 2018; until 20 scale and bias are per group, then per channel.
  GroupNormalization: (call) => {
    const { g } = call;
    const x = call.input(0);
    const groups = call.int('num_groups', 1);
    const apart = g.op('Reshape', [x, g.ints([0, groups, -1])]);
    const y = standardised(call, apart, [2], call.float('epsilon', 1e-5));
    const perGroup = call.opset < 21;
    const scaled = perGroup ? channels(call, y, call.input(1), call.input(2)) : y;
    const whole = g.op('Reshape', [scaled, g.op('Shape', [x])]);
    return perGroup ? whole : channels(call, whole, call.input(1), call.input(2));
  },
  RMSNormalization: (call) => rootMeanSquare(call, call.input(0), call.input(1), call.float('epsilon', 1e-5)),
  SimplifiedLayerNormalization: (call) =>
    rootMeanSquare(call, call.input(0), call.input(1), call.float('epsilon', 1e-5)),
  'com.microsoft.SkipSimplifiedLayerNormalization': (call) => {
    const sum = skipped(call, call.input(0), call.input(1), 3);
    return [
      rootMeanSquare(call, sum, call.input(2), call.float('epsilon', 1e-12)),
      undefined,
      undefined,
      sum,
    ];
  },
  'com.microsoft.SkipLayerNormalization': (call) => {
    const sum = skipped(call, call.input(0), call.input(1), 4);
    const y = call.g.layerNorm(sum, call.input(2), call.x[3], call.float('epsilon', 1e-12));
    return [y, undefined, undefined, sum];
  },
};
