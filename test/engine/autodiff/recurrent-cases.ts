import type { GraphBuilder, OpType, Value } from '../../../lib/engine/onnx/index.ts';
import type { Case, CaseInput } from './cases.ts';

interface Shape {
  readonly time?: number;
  readonly direction?: 'forward' | 'reverse' | 'bidirectional';
  readonly bias?: boolean;
  readonly lengths?: readonly number[];
  readonly initial?: boolean;
  readonly attributes?: Record<string, number | readonly string[]>;
  /** Which outputs the loss depends on. */
  readonly outputs?: readonly number[];
}

const GATES = { RNN: 1, GRU: 3, LSTM: 4 };
const [BATCH, WIDTH, SIZE] = [2, 3, 2];

/** Weights small enough that no gate saturates: finite differences of a flat gate say little. */
const small = (...shape: number[]): CaseInput => ({ shape, from: -0.8, to: 0.8 });

function recurrent(op: 'RNN' | 'GRU' | 'LSTM', shape: Shape = {}): Case {
  const { time = 3, direction = 'forward', bias = false, lengths, initial = false, attributes = {} } = shape;
  const count = direction === 'bidirectional' ? 2 : 1;
  const states = op === 'LSTM' ? 2 : 1;
  const rows = GATES[op] * SIZE;
  const inputs: CaseInput[] = [
    small(time, BATCH, WIDTH),
    small(count, rows, WIDTH),
    small(count, rows, SIZE),
    ...(bias ? [small(count, 2 * rows)] : []),
    ...(lengths ? [{ shape: [BATCH], ids: lengths }] : []),
    ...(initial ? Array.from({ length: states }, () => small(count, BATCH, SIZE)) : []),
  ];
  const build = (g: GraphBuilder, given: readonly Value[]): Value => {
    const [x, w, r, ...rest] = given;
    const b = bias ? rest.shift() : undefined;
    const lens = lengths && g.cast(rest.shift()!, 'int32');
    const results = g.ops(
      op,
      [x, w, r, b, lens, ...rest],
      { direction, hidden_size: SIZE, ...attributes },
      states + 1,
    );
    const used = (shape.outputs ?? [0]).map((i) => g.reshape(results[i]!, [-1]));
    return g.concat(used, 0);
  };
  return { inputs, build, symbolic: false };
}

function variants(op: 'RNN' | 'GRU' | 'LSTM'): Case[] {
  const every = op === 'LSTM' ? [0, 1, 2] : [0, 1];
  return [
    recurrent(op),
    recurrent(op, { time: 1, direction: 'bidirectional', bias: true }),
    recurrent(op, { bias: true, initial: true, outputs: every }),
    recurrent(op, { direction: 'reverse', bias: true, initial: true }),
    recurrent(op, { direction: 'bidirectional', bias: true, outputs: every }),
    recurrent(op, { lengths: [2, 3], bias: true, outputs: every }),
    recurrent(op, { direction: 'reverse', lengths: [1, 3], initial: true, outputs: every }),
    recurrent(op, { direction: 'bidirectional', lengths: [3, 1], bias: true, initial: true, outputs: every }),
    recurrent(op, { lengths: [0, 2], initial: true, outputs: every }),
  ];
}

/** Recurrent operators: both directions, sequences of several lengths, with and without bias and initial states. */
export const recurrentCases: Partial<Record<OpType, Case[]>> = {
  RNN: [...variants('RNN'), recurrent('RNN', { attributes: { activations: ['Relu'] }, bias: true })],
  GRU: [
    ...variants('GRU'),
    recurrent('GRU', { attributes: { linear_before_reset: 1 } }),
    recurrent('GRU', {
      attributes: { linear_before_reset: 1 },
      direction: 'bidirectional',
      lengths: [3, 1],
      bias: true,
      initial: true,
      outputs: [0, 1],
    }),
    recurrent('GRU', {
      attributes: { linear_before_reset: 1 },
      direction: 'reverse',
      bias: true,
      outputs: [1],
    }),
  ],
  LSTM: variants('LSTM'),
};
