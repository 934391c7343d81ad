import type { convolutions } from '../operators/convolution.ts';
import { intAttribute, listAttribute } from '../operators/spec.ts';
import { windowCounts, windowElements, windowsOf } from '../operators/window.ts';
import { elementCount } from '../tensor.ts';
import { input, type Kernel, type KernelCall, type Tensor64 } from './kernel.ts';

const PADDING = -1;

interface Pooling {
  readonly x: Tensor64;
  readonly shape: readonly number[];
  /** Elements of one channel. */
  readonly size: number;
  /** Windows of one channel. */
  readonly count: number;
  /** The elements that the taps of a window read, padding left out. */
  readonly members: readonly (readonly number[])[];
  readonly counts: readonly number[];
}

function pooling({ inputs: [x], attributes }: KernelCall): Pooling {
  const spatial = x!.shape.slice(2);
  const windows = windowsOf(spatial, listAttribute(attributes, 'kernel_shape')!, attributes);
  const elements = windowElements(windows, PADDING);
  const count = elementCount(windows.output);
  const taps = elementCount(windows.kernel);
  const members = Array.from({ length: count }, (_, window) =>
    Array.from({ length: taps }, (__, tap) => elements[tap * count + window]!).filter((at) => at !== PADDING),
  );
  return {
    x: x!,
    shape: [...x!.shape.slice(0, 2), ...windows.output],
    size: elementCount(spatial),
    count,
    members,
    counts: windowCounts(windows, intAttribute(attributes, 'count_include_pad', 0) === 1),
  };
}

/** A pool over all spatial axes: the channel's elements to one number. */
function globally(f: (channel: Float64Array) => number): Kernel {
  return (call) => {
    const x = input(call, 0);
    const size = elementCount(x.shape.slice(2));
    const data = Float64Array.from({ length: x.data.length / size }, (_, i) =>
      f(x.data.subarray(i * size, (i + 1) * size)),
    );
    return [{ dtype: x.dtype, shape: x.shape.map((n, i) => (i < 2 ? n : 1)), data }];
  };
}

export const convolutionKernels: Record<keyof typeof convolutions, Kernel> = {
  Conv: (call) => {
    const x = input(call, 0);
    const weight = input(call, 1);
    const bias = call.inputs[2];
    const [batch, channels, ...spatial] = x.shape as [number, number, ...number[]];
    const [out, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
    const windows = windowsOf(spatial, kernel, call.attributes);
    const elements = windowElements(windows, PADDING);
    const [size, taps, count] = [spatial, kernel, windows.output].map(elementCount) as [
      number,
      number,
      number,
    ];
    const perOutput = out / intAttribute(call.attributes, 'group', 1);
    const data = new Float64Array(batch * out * count);
    for (let n = 0; n < batch; n++) {
      for (let o = 0; o < out; o++) {
        const first = Math.floor(o / perOutput) * perGroup;
        for (let window = 0; window < count; window++) {
          let sum = bias?.data[o] ?? 0;
          for (let c = 0; c < perGroup; c++) {
            for (let tap = 0; tap < taps; tap++) {
              const element = elements[tap * count + window]!;
              if (element === PADDING) continue;
              sum +=
                x.data[(n * channels + first + c) * size + element]! *
                weight.data[(o * perGroup + c) * taps + tap]!;
            }
          }
          data[(n * out + o) * count + window] = sum;
        }
      }
    }
    return [{ dtype: x.dtype, shape: [batch, out, ...windows.output], data }];
  },
  MaxPool: (call) => {
    const { x, shape, size, count, members } = pooling(call);
    const positions = Float64Array.from({ length: elementCount(shape) }, (_, i) => {
      const base = Math.floor(i / count) * size;
      const places = members[i % count]!.map((element) => base + element);
      return places.reduce((best, at) => (x.data[at]! > x.data[best]! ? at : best));
    });
    return [
      { dtype: x.dtype, shape, data: positions.map((at) => x.data[at]!) },
      { dtype: 'int64', shape, data: positions },
    ];
  },
  AveragePool: (call) => {
    const { x, shape, size, count, members, counts } = pooling(call);
    const data = Float64Array.from({ length: elementCount(shape) }, (_, i) => {
      const base = Math.floor(i / count) * size;
      const sum = members[i % count]!.reduce((total, element) => total + x.data[base + element]!, 0);
      return sum / counts[i % count]!;
    });
    return [{ dtype: x.dtype, shape, data }];
  },
  GlobalMaxPool: globally((channel) => channel.reduce((a, b) => Math.max(a, b))),
  GlobalAveragePool: globally((channel) => channel.reduce((a, b) => a + b) / channel.length),
};
