import { conv1d, gru, lstm, type RecurrentWeights } from '../../../../engine/nn/index.ts';
import type { Value } from '../../../../engine/onnx/index.ts';
import type { Layers } from '../layers.ts';

/** What a layer over visits knows beside them. */
export interface VisitLayer {
  readonly width: number;
  /** (batch, length): 1 for visits, 0 for padding behind them. */
  readonly valid: Value;
}

/** Gates of a recurrent cell. */
const GATES = { gru: 3, lstm: 4 } as const;

/**
 * A recurrent layer that reads in both directions, as a hidden visit is told by those before and behind it (Schuster and
 * Paliwal 1997), around it a sum as in `Layers.transformerLayer`. Padding is not read.
 * @param x (batch, length, width)
 */
export function recurrentLayer(
  layers: Layers,
  name: string,
  cell: keyof typeof GATES,
  x: Value,
  { width, valid }: VisitLayer,
): Value {
  const { g } = layers;
  const rows = GATES[cell] * width;
  const weights = (direction: string): RecurrentWeights => {
    const at = `${name}.${direction}`;
    return {
      input: layers.normal(`${at}.input.weight`, Math.sqrt(1 / width), rows, width),
      hidden: layers.normal(`${at}.hidden.weight`, Math.sqrt(1 / (2 * width)), rows, width),
      inputBias: layers.zeros(`${at}.input.bias`, rows),
      hiddenBias: layers.zeros(`${at}.hidden.bias`, rows),
    };
  };
  const read = cell === 'gru' ? gru : lstm;
  const lengths = g.reduceSum(valid, [1]);
  const normed = layers.norm(`${name}.norm`, x, width);
  const { output } = read(g, normed, [weights('forward'), weights('backward')], { lengths });
  return g.add(x, layers.dense(`${name}.out`, output, 2 * width, width));
}

/** Visits that a convolution sees together. */
const KERNEL = 3;

/**
 * A convolution over the visits around each, twice as far apart in every layer (Bai, Kolter, Koltun 2018, without their
 * causal padding: what comes later is known, too), around it a sum. Padding counts as nothing.
 * @param x (batch, length, width)
 * @param layer its number, from 0
 */
export function convolutionLayer(
  layers: Layers,
  name: string,
  layer: number,
  x: Value,
  { width, valid }: VisitLayer,
): Value {
  const { g } = layers;
  const weight = layers.normal(`${name}.conv.weight`, Math.sqrt(1 / (KERNEL * width)), width, width, KERNEL);
  const seen = g.mul(layers.norm(`${name}.norm`, x, width), g.unsqueeze(valid, [2]));
  const found = conv1d(g, seen, weight, layers.zeros(`${name}.conv.bias`, width), {
    padding: 'same',
    dilation: 2 ** layer,
  });
  return g.add(x, layers.dense(`${name}.out`, g.gelu(found), width, width));
}
