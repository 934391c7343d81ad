import { type GraphBuilder, GraphError, type Value } from '../onnx/index.ts';

export interface Conv1dOptions {
  /**
   * Zeros around the sequence: a number on both sides, 'same' for as many steps out as in (an odd one at the end, as in
   * torch), 'causal' for all of them in front, so that no step sees a later one. Default 0.
   */
  readonly padding?: number | 'same' | 'causal';
  readonly stride?: number;
  readonly dilation?: number;
  readonly groups?: number;
}

/**
 * A convolution (cross-correlation, as everywhere in this field) over time, with torch's weight.
 * @param x (batch, time, channels)
 * @param weight (out, channels / groups, kernel)
 * @param bias (out)
 * @returns (batch, steps, out)
 */
export function conv1d(
  g: GraphBuilder,
  x: Value,
  weight: Value,
  bias?: Value,
  { padding = 0, stride = 1, dilation = 1, groups = 1 }: Conv1dOptions = {},
): Value {
  const kernel = weight.shape[2];
  if (weight.shape.length !== 3 || typeof kernel !== 'number')
    throw new GraphError(
      `The weight ${weight.name} is [${weight.shape}]; it must be (out, channels / groups, kernel).`,
    );
  if (padding === 'same' && stride !== 1)
    throw new GraphError(`Padding 'same' keeps the length, so the stride must be 1, not ${stride}.`);
  const reach = dilation * (kernel - 1);
  const before = padding === 'same' ? Math.floor(reach / 2) : padding === 'causal' ? reach : padding;
  const after = padding === 'same' ? reach - before : padding === 'causal' ? 0 : padding;
  const y = g.op('Conv', [g.transpose(x, [0, 2, 1]), weight, bias], {
    pads: [before, after],
    strides: [stride],
    dilations: [dilation],
    group: groups,
  });
  return g.transpose(y, [0, 2, 1]);
}
