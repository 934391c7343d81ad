import type { Value } from '../../graph.ts';
import type { RewriteCall, RewriteTable } from '../rewrite.ts';

/** max(x, 0) + slope min(x, 0). */
function leaky({ g }: RewriteCall, x: Value, slope: Value | number): Value {
  return g.add(g.relu(x), g.mul(g.clip(x, undefined, 0), slope));
}

/** max(x, 0) + α (e^(min(x, 0) / width) - 1). */
function exponential({ g }: RewriteCall, x: Value, alpha: number, width = 1): Value {
  const low = g.clip(x, undefined, 0);
  const tail = g.sub(g.exp(width === 1 ? low : g.div(low, width)), 1);
  return g.add(g.relu(x), g.mul(tail, alpha));
}

/** α x + β limited to [0, 1]. */
function hardSigmoid({ g }: RewriteCall, x: Value, alpha: number, beta: number): Value {
  return g.clip(g.add(g.mul(x, alpha), beta), 0, 1);
}

/** Input 0, with input 1 added where there is one. */
function biased({ g, x }: RewriteCall, input: Value): Value {
  return x[1] ? g.add(input, x[1]) : input;
}

/** Activations written with simpler ones; constants are the defaults of the ONNX operator documentation. */
export const activations: RewriteTable = {
  LeakyRelu: (call) => leaky(call, call.input(0), call.float('alpha', 0.01)),
  PRelu: (call) => leaky(call, call.input(0), call.input(1)),
  Elu: (call) => exponential(call, call.input(0), call.float('alpha', 1)),
  Celu: (call) => exponential(call, call.input(0), call.float('alpha', 1), call.float('alpha', 1)),
  // Klambauer et al. 2017
  Selu: (call) =>
    call.g.mul(
      exponential(call, call.input(0), call.float('alpha', 1.6732631921768188)),
      call.float('gamma', 1.0507010221481323),
    ),
  ThresholdedRelu: (call) => {
    const { g } = call;
    const x = call.input(0);
    return g.mul(x, g.cast(g.greater(x, call.float('alpha', 1)), x.dtype));
  },
  HardSigmoid: (call) => hardSigmoid(call, call.input(0), call.float('alpha', 0.2), call.float('beta', 0.5)),
  HardSwish: (call) => call.g.mul(call.input(0), hardSigmoid(call, call.input(0), 1 / 6, 0.5)),
  // Misra 2019
  Mish: (call) => call.g.mul(call.input(0), call.g.tanh(call.g.softplus(call.input(0)))),
  Softsign: (call) => call.g.div(call.input(0), call.g.add(call.g.abs(call.input(0)), 1)),
  'com.microsoft.QuickGelu': (call) => {
    const x = call.input(0);
    return call.g.mul(x, call.g.sigmoid(call.g.mul(x, call.float('alpha', 1.702))));
  },
  'com.microsoft.Gelu': (call) => call.named('Gelu', [call.input(0)], { approximate: 'none' }),
  'com.microsoft.BiasGelu': (call) =>
    call.named('Gelu', [biased(call, call.input(0))], { approximate: 'none' }),
  'com.microsoft.FastGelu': (call) =>
    call.named('Gelu', [biased(call, call.input(0))], { approximate: 'tanh' }),
};
