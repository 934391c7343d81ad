import {
  assemble,
  block,
  type Code,
  f32x4,
  f64,
  f64x2,
  get,
  i32,
  type Kernel,
  leave,
  leaveIf,
  loop,
  set,
  shuffle,
  v128,
} from '../assembler.ts';

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
  compiled ??= new WebAssembly.Module(assemble([sumOfSquares(), adamw()], 'own'));
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

/** The last two of four float32 as the first two. */
function upperHalf(value: Code): Code {
  const bytes = [8, 9, 10, 11, 12, 13, 14, 15];
  return shuffle(value, value, [...bytes, ...bytes]);
}

/** Runs `body` for every four of `count` elements (a local, counted down to 0), pointers (locals) moving on. */
function everyFour(count: number, pointers: readonly number[], body: Code): Code {
  const step = [
    pointers.map((pointer) => set(pointer, i32.add(get(pointer), i32.of(16)))),
    set(count, i32.add(get(count), i32.of(-4))),
  ];
  return block(loop([leaveIf(1, i32.eqz(get(count))), body, step, leave(0)]));
}

function sumOfSquares(): Kernel {
  const [x, count, low, high, four, half] = [0, 1, 2, 3, 4, 5];
  const addSquares = (sum: number, floats: Code): Code => [
    set(half, f64x2.promote(floats)),
    set(sum, f64x2.add(get(sum), f64x2.mul(get(half), get(half)))),
  ];
  return {
    name: 'sumOfSquares',
    parameters: ['i32', 'i32'],
    locals: ['v128', 'v128', 'v128', 'v128'],
    result: 'f64',
    body: [
      everyFour(
        count,
        [x],
        [
          set(four, v128.loadFloats(get(x))),
          addSquares(low, get(four)),
          addSquares(high, upperHalf(get(four))),
        ],
      ),
      f64.add(
        f64.add(f64x2.lane(0, get(low)), f64x2.lane(1, get(low))),
        f64.add(f64x2.lane(0, get(high)), f64x2.lane(1, get(high))),
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
      Array.from({ length: scalars }, (_, i) => set(firstSpread + i, splat(get(firstScalar + i)))),
      everyFour(
        count,
        [parameter, gradient, first, second],
        [
          set(g, mul(v128.loadFloats(get(gradient)), gradientScale)),
          set(m, add(mul(beta1, v128.loadFloats(get(first))), mul(rest1, get(g)))),
          set(v, add(mul(beta2, v128.loadFloats(get(second))), mul(rest2, mul(get(g), get(g))))),
          v128.storeFloats(get(first), get(m)),
          v128.storeFloats(get(second), get(v)),
          v128.storeFloats(
            get(parameter),
            sub(
              mul(v128.loadFloats(get(parameter)), keep),
              div(mul(rate, get(m)), add(sqrt(mul(get(v), secondScale)), epsilon)),
            ),
          ),
        ],
      ),
    ],
  };
}
