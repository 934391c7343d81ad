import type { Dim } from '../dims.ts';
import type { TensorType } from '../tensor-type.ts';
import { type AttributeKind, type InferContext, type OperatorSpec, stringAttribute } from './spec.ts';

const recurrentAttributes: Readonly<Record<string, AttributeKind>> = {
  activation_alpha: 'floats',
  activation_beta: 'floats',
  activations: 'strings',
  clip: 'float',
  direction: 'string',
  hidden_size: 'int',
  layout: 'int',
};

/** Which way each direction of a recurrent operator reads the sequence. */
export function directions(attributes: InferContext['attributes']): ('forward' | 'reverse')[] {
  const direction = stringAttribute(attributes, 'direction', 'forward');
  if (direction === 'bidirectional') return ['forward', 'reverse'];
  return [direction === 'reverse' ? 'reverse' : 'forward'];
}

/** The activation of RNN; it is the same in both directions. */
export function rnnActivation(attributes: InferContext['attributes']): 'Tanh' | 'Relu' {
  const given = attributes.activations;
  return Array.isArray(given) && given[0] === 'Relu' ? 'Relu' : 'Tanh';
}

function checkActivations(node: InferContext, allowed: readonly (readonly string[])[]): void {
  const given = node.attributes.activations;
  if (given === undefined || !Array.isArray(given)) return;
  const count = directions(node.attributes).length;
  const repeated = allowed.map((names) =>
    Array.from({ length: count }, () => names)
      .flat()
      .join(),
  );
  if (!repeated.includes(given.join()))
    node.fail(`activations must be ${repeated.join(' or ')}, not ${given.join()}`);
}

/** Types of (Y, Y_h[, Y_c]) after checking inputs x, w, r, b, sequence_lens, initial states. */
function recurrent(node: InferContext, gates: number, states: number): TensorType[] {
  const { attributes } = node;
  node.requireFloat(0, 1, 2);
  const dtype = node.requireSameType(0, 1, 2);
  const direction = stringAttribute(attributes, 'direction', 'forward');
  if (!['forward', 'reverse', 'bidirectional'].includes(direction))
    node.fail(`direction must be forward, reverse or bidirectional, not ${direction}`);
  if (node.int('layout', 0) !== 0) node.fail('layout must be 0 (time first); the runtime has no other');
  if (attributes.clip !== undefined) node.fail('clip is not supported');
  const x = node.shape(0);
  if (x.length !== 3) node.fail('the input must be (time, batch, width)');
  const [time, batch, width] = x as [Dim, Dim, Dim];
  const count = directions(attributes).length;
  const size = node.shape(2)[2];
  if (typeof size !== 'number') return node.fail('the recurrence weight (input 2) must have a fixed shape');
  if (node.int('hidden_size', size) !== size) node.fail(`hidden_size is not ${size}, that of the weights`);
  const expect = (index: number, what: string, shape: readonly Dim[]): void => {
    const given = node.inputs[index]?.shape;
    if (!given) return;
    const fits =
      given.length === shape.length &&
      given.every((dim, i) => dim === shape[i] || typeof dim !== typeof shape[i]);
    if (!fits) node.fail(`${what} (input ${index}) must be [${shape.join(', ')}]`);
  };
  expect(1, 'the input weight', [count, gates * size, width]);
  expect(2, 'the recurrence weight', [count, gates * size, size]);
  expect(3, 'the bias', [count, 2 * gates * size]);
  expect(4, 'sequence_lens', [batch]);
  if (node.inputs[4] && node.input(4).dtype !== 'int32') node.fail('sequence_lens must be int32');
  for (let state = 0; state < states; state++) {
    expect(5 + state, `initial state ${state}`, [count, batch, size]);
  }
  const last: TensorType = { dtype, shape: [count, batch, size] };
  return [{ dtype, shape: [time, count, batch, size] }, ...Array.from({ length: states }, () => last)];
}

/**
 * The recurrent operators: x (time, batch, width), weights (directions, gates * size, …), bias (directions,
 * 2 * gates * size), sequence_lens int32 (batch), initial states (directions, batch, size) -> all hidden states
 * (time, directions, batch, size), zero from a sequence's length on, and the last states (directions, batch, size).
 * The reverse direction starts at each sequence's own last step. The last states of an empty sequence are zero.
 */
export const recurrences = {
  RNN: {
    inputs: [3, 6],
    attributes: recurrentAttributes,
    infer: (node) => {
      checkActivations(node, [['Tanh'], ['Relu']]);
      return recurrent(node, 1, 1);
    },
  },
  /** Gates z, r, h. */
  GRU: {
    inputs: [3, 6],
    attributes: { ...recurrentAttributes, linear_before_reset: 'int' },
    infer: (node) => {
      checkActivations(node, [['Sigmoid', 'Tanh']]);
      return recurrent(node, 3, 1);
    },
  },
  /** Gates i, o, f, c; the cell state is one more initial state and output. */
  LSTM: {
    inputs: [3, 8],
    attributes: { ...recurrentAttributes, input_forget: 'int' },
    infer: (node) => {
      checkActivations(node, [['Sigmoid', 'Tanh', 'Tanh']]);
      if (node.inputs[7]) node.fail('peephole weights (input 7) are not supported');
      if (node.int('input_forget', 0) !== 0) node.fail('input_forget is not supported');
      return recurrent(node, 4, 2);
    },
  },
} satisfies Record<string, OperatorSpec>;
