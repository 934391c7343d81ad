import {
  assemble,
  type Code,
  everyFour,
  f32x4,
  f64,
  f64x2,
  get,
  type Kernel,
  load,
  set,
  store,
  upperHalf,
} from './assembler.ts';

/** Loops over memory of WebAssembly, four floats at a time. Addresses are bytes, counts multiples of four. */
export interface VectorKernels {
  /** Σ x², in four float64 sums by position modulo four, added up in the order (0 + 1) + (2 + 3). */
  sumOfSquares(x: number, count: number): number;
  /** One AdamW update in float32; what the factors are tells `adamwStep`. */
  adamw(
    parameter: number,
    gradient: number,
    first: number,
    second: number,
    count: number,
    gradientScale: number,
    beta1: number,
    rest1: number,
    beta2: number,
    rest2: number,
    secondScale: number,
    epsilon: number,
    rate: number,
    keep: number,
  ): void;
}

const kernels = new WeakMap<ArrayBufferLike, VectorKernels>();
let compiled: WebAssembly.Module | undefined;

/** Makes the kernels work on this memory. */
export function attachKernels(memory: WebAssembly.Memory): void {
  compiled ??= new WebAssembly.Module(assemble([sumOfSquares(), adamw()]));
  const { exports } = new WebAssembly.Instance(compiled, { env: { memory } });
  kernels.set(memory.buffer, exports as WebAssembly.Exports & VectorKernels);
}

/** The kernels of the memory that all of these arrays lie in; undefined when they lie apart or in plain memory. */
export function kernelsOf(
  first: Float32Array,
  ...others: readonly Float32Array[]
): VectorKernels | undefined {
  const { buffer } = first;
  return others.every((array) => array.buffer === buffer) ? kernels.get(buffer) : undefined;
}

function sumOfSquares(): Kernel {
  const [x, count, low, high, four, half] = [0, 1, 2, 3, 4, 5];
  const addSquares = (sum: number, floats: Code): Code => [
    ...set(half, f64x2.promote(floats)),
    ...set(sum, f64x2.add(get(sum), f64x2.mul(get(half), get(half)))),
  ];
  return {
    name: 'sumOfSquares',
    parameters: ['i32', 'i32'],
    locals: ['v128', 'v128', 'v128', 'v128'],
    result: 'f64',
    body: [
      ...everyFour(
        count,
        [x],
        [
          ...set(four, load(get(x))),
          ...addSquares(low, get(four)),
          ...addSquares(high, upperHalf(get(four))),
        ],
      ),
      ...f64.add(
        f64.add(f64x2.lane(get(low), 0), f64x2.lane(get(low), 1)),
        f64.add(f64x2.lane(get(high), 0), f64x2.lane(get(high), 1)),
      ),
    ],
  };
}

function adamw(): Kernel {
  const [parameter, gradient, first, second, count] = [0, 1, 2, 3, 4];
  const scalars = 9;
  const firstScalar = 5;
  const firstSpread = firstScalar + scalars;
  const [gradientScale, beta1, rest1, beta2, rest2, secondScale, epsilon, rate, keep] = Array.from(
    { length: scalars },
    (_, i) => get(firstSpread + i),
  ) as [Code, Code, Code, Code, Code, Code, Code, Code, Code];
  const g = firstSpread + scalars;
  const [m, v] = [g + 1, g + 2];
  const { add, sub, mul, div, sqrt, splat } = f32x4;
  return {
    name: 'adamw',
    parameters: ['i32', 'i32', 'i32', 'i32', 'i32', ...new Array<'f32'>(scalars).fill('f32')],
    locals: new Array<'v128'>(scalars + 3).fill('v128'),
    body: [
      ...Array.from({ length: scalars }, (_, i) => set(firstSpread + i, splat(get(firstScalar + i)))).flat(),
      ...everyFour(
        count,
        [parameter, gradient, first, second],
        [
          ...set(g, mul(load(get(gradient)), gradientScale)),
          ...set(m, add(mul(beta1, load(get(first))), mul(rest1, get(g)))),
          ...set(v, add(mul(beta2, load(get(second))), mul(rest2, mul(get(g), get(g))))),
          ...store(get(first), get(m)),
          ...store(get(second), get(v)),
          ...store(
            get(parameter),
            sub(
              mul(load(get(parameter)), keep),
              div(mul(rate, get(m)), add(sqrt(mul(get(v), secondScale)), epsilon)),
            ),
          ),
        ],
      ),
    ],
  };
}
