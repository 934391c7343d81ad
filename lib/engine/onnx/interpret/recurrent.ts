import { sigmoid } from '../../host/index.ts';
import { directions, type recurrences, rnnActivation } from '../operators/recurrent.ts';
import { intAttribute } from '../operators/spec.ts';
import { filled, input, type Kernel, type KernelCall, type Tensor64 } from './kernel.ts';

/** The weights of one direction, as functions of a gate and a vector. */
interface Weights {
  /** W x + Wb. */
  readonly fromInput: (gate: number, x: Float64Array) => Float64Array;
  /** R h + Rb. */
  readonly fromHidden: (gate: number, h: Float64Array) => Float64Array;
}

/** One step of one sequence: (x, states) -> states, of which the first is the hidden one. */
type Cell = (weights: Weights, x: Float64Array, states: readonly Float64Array[]) => Float64Array[];

function affine(matrix: Tensor64, bias: Float64Array | undefined, direction: number) {
  const [, rows, columns] = matrix.shape as [number, number, number];
  return (size: number) =>
    (gate: number, v: Float64Array): Float64Array =>
      Float64Array.from({ length: size }, (_, i) => {
        const row = gate * size + i;
        const from = (direction * rows + row) * columns;
        return v.reduce((sum, value, j) => sum + value * matrix.data[from + j]!, bias?.[row] ?? 0);
      });
}

/** Runs a cell over time in each direction; padded steps give zeros and leave the states as they are. */
function overTime(call: KernelCall, gates: number, cell: Cell, stateCount: number): Tensor64[] {
  const [x, w, r] = [input(call, 0), input(call, 1), input(call, 2)];
  const [, , , bias, lengths, ...initial] = call.inputs;
  const [time, batch, width] = x.shape as [number, number, number];
  const ways = directions(call.attributes);
  const size = r.shape[2]!;
  const all = filled(x.dtype, [time, ways.length, batch, size], 0);
  const last = Array.from({ length: stateCount }, () => filled(x.dtype, [ways.length, batch, size], 0));
  for (const [d, way] of ways.entries()) {
    const half = gates * size;
    const biases = bias?.data.subarray(d * 2 * half, (d + 1) * 2 * half);
    const weights: Weights = {
      fromInput: affine(w, biases?.subarray(0, half), d)(size),
      fromHidden: affine(r, biases?.subarray(half), d)(size),
    };
    for (let n = 0; n < batch; n++) {
      const at = (d * batch + n) * size;
      let states: Float64Array[] = last.map(
        (_, i) => initial[i]?.data.slice(at, at + size) ?? new Float64Array(size),
      );
      const length = lengths?.data[n] ?? time;
      for (let step = 0; step < length; step++) {
        const t = way === 'forward' ? step : length - 1 - step;
        const from = (t * batch + n) * width;
        states = cell(weights, x.data.subarray(from, from + width), states);
        all.data.set(states[0]!, ((t * ways.length + d) * batch + n) * size);
      }
      // As in the runtime, an empty sequence ends in zeros, whatever it started from.
      if (length > 0) for (const [i, state] of states.entries()) last[i]!.data.set(state, at);
    }
  }
  return [all, ...last];
}

/** Cho et al. 2014; `linear_before_reset` is the variant of cuDNN and torch. */
function gruCell(resetAfter: boolean): Cell {
  return ({ fromInput, fromHidden }, x, [h]) => {
    const gate = (i: number): Float64Array => {
      const hidden = fromHidden(i, h!);
      return fromInput(i, x).map((v, j) => sigmoid(v + hidden[j]!));
    };
    const [z, r] = [gate(0), gate(1)];
    const hidden = resetAfter
      ? fromHidden(2, h!).map((v, j) => v * r[j]!)
      : fromHidden(
          2,
          h!.map((v, j) => v * r[j]!),
        );
    const candidate = fromInput(2, x).map((v, j) => Math.tanh(v + hidden[j]!));
    return [candidate.map((v, j) => (1 - z[j]!) * v + z[j]! * h![j]!)];
  };
}

/** Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000. */
const lstmCell: Cell = ({ fromInput, fromHidden }, x, [h, c]) => {
  const gate = (i: number, f: (v: number) => number): Float64Array => {
    const hidden = fromHidden(i, h!);
    return fromInput(i, x).map((v, j) => f(v + hidden[j]!));
  };
  const [i, o, f, g] = [gate(0, sigmoid), gate(1, sigmoid), gate(2, sigmoid), gate(3, Math.tanh)];
  const cell = c!.map((v, j) => f[j]! * v + i[j]! * g[j]!);
  return [cell.map((v, j) => o[j]! * Math.tanh(v)), cell];
};

function rnnCell(f: (v: number) => number): Cell {
  return ({ fromInput, fromHidden }, x, [h]) => {
    const hidden = fromHidden(0, h!);
    return [fromInput(0, x).map((v, j) => f(v + hidden[j]!))];
  };
}

export const recurrentKernels: Record<keyof typeof recurrences, Kernel> = {
  RNN: (call) => {
    const activation = rnnActivation(call.attributes);
    return overTime(call, 1, rnnCell(activation === 'Tanh' ? Math.tanh : (v) => Math.max(v, 0)), 1);
  },
  GRU: (call) => overTime(call, 3, gruCell(intAttribute(call.attributes, 'linear_before_reset', 0) === 1), 1),
  LSTM: (call) => overTime(call, 4, lstmCell, 2),
};
