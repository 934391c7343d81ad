import type { Attributes } from '../tensor-type.ts';
import { intAttribute, listAttribute, stringAttribute } from './spec.ts';

/** How the windows of Conv and the pools lie on the spatial axes; every list has one entry per axis. */
export interface Windows {
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before and after. */
  readonly begin: readonly number[];
  readonly end: readonly number[];
  /** Number of windows. */
  readonly output: readonly number[];
}

/** Elements from a window's first tap to its last. */
export function extent(kernel: number, dilation: number): number {
  return dilation * (kernel - 1) + 1;
}

/** The windows that the attributes of Conv or a pool describe on spatial axes of these sizes. */
export function windowsOf(
  input: readonly number[],
  kernel: readonly number[],
  attributes: Attributes,
): Windows {
  const rank = kernel.length;
  const strides = listAttribute(attributes, 'strides') ?? kernel.map(() => 1);
  const dilations = listAttribute(attributes, 'dilations') ?? kernel.map(() => 1);
  const pads = listAttribute(attributes, 'pads') ?? new Array<number>(2 * rank).fill(0);
  const ceil = intAttribute(attributes, 'ceil_mode', 0) === 1;
  const auto = stringAttribute(attributes, 'auto_pad', 'NOTSET');
  const axes = input.map((size, i) => {
    const span = extent(kernel[i]!, dilations[i]!);
    const stride = strides[i]!;
    if (auto.startsWith('SAME')) return samePadding(size, span, stride, auto === 'SAME_LOWER');
    const begin = auto === 'VALID' ? 0 : pads[i]!;
    const end = auto === 'VALID' ? 0 : pads[i + rank]!;
    const room = (size + begin + end - span) / stride;
    let output = (ceil ? Math.ceil(room) : Math.floor(room)) + 1;
    // A window that would start beyond the input is left out, as torch and the runtime do.
    if (ceil && (output - 1) * stride >= size + begin) output -= 1;
    return { begin, end, output };
  });
  return {
    input,
    kernel,
    strides,
    dilations,
    begin: axes.map(({ begin }) => begin),
    end: axes.map(({ end }) => end),
    output: axes.map(({ output }) => output),
  };
}

/** As many windows as strides in the input; an odd pad goes to the end, or to the start for SAME_LOWER. */
function samePadding(size: number, span: number, stride: number, lower: boolean) {
  const output = Math.ceil(size / stride);
  const total = Math.max((output - 1) * stride + span - size, 0);
  const begin = lower ? Math.ceil(total / 2) : Math.floor(total / 2);
  return { begin, end: total - begin, output };
}

/**
 * For each tap (row-major over the kernel) and each window (row-major over the output), the element of the flattened
 * spatial axes that it reads; `padding` where it reads padding. (taps * windows).
 */
export function windowElements(windows: Windows, padding: number): number[] {
  const { input, kernel, strides, dilations, begin, output } = windows;
  const elements: number[] = [];
  for (const tap of places(kernel)) {
    for (const window of places(output)) {
      let flat = 0;
      let inside = true;
      for (const [i, size] of input.entries()) {
        const at = window[i]! * strides[i]! - begin[i]! + tap[i]! * dilations[i]!;
        inside &&= at >= 0 && at < size;
        flat = flat * size + at;
      }
      elements.push(inside ? flat : padding);
    }
  }
  return elements;
}

/** Per window, how many taps AveragePool divides by: those in the input, or those in the input and its padding. */
export function windowCounts(windows: Windows, includePadding: boolean): number[] {
  const { input, kernel, strides, dilations, begin, end, output } = windows;
  const perAxis = input.map((size, i) => {
    const low = includePadding ? -begin[i]! : 0;
    const high = includePadding ? size + end[i]! : size;
    return Array.from({ length: output[i]! }, (_, window) => {
      const first = window * strides[i]! - begin[i]!;
      const taps = Array.from({ length: kernel[i]! }, (__, tap) => first + tap * dilations[i]!);
      return taps.filter((at) => at >= low && at < high).length;
    });
  });
  return places(output).map((window) => window.reduce((count, at, i) => count * perAxis[i]![at]!, 1));
}

/** All index tuples of a shape, row-major. */
function places(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (prefixes, size) => prefixes.flatMap((prefix) => Array.from({ length: size }, (_, i) => [...prefix, i])),
    [[]],
  );
}
