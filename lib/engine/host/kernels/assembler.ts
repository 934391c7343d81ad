/**
 * Just enough of WebAssembly's binary format (WebAssembly Core Specification 2.0, chapter 5) to write loops over vectors
 * of four floats: JavaScript has no such instructions. Code is built from expressions, each the bytes that leave its
 * value on the stack.
 */
export type Code = readonly number[];

export type ValueType = 'i32' | 'f32' | 'f64' | 'v128';

const TYPES: Readonly<Record<ValueType, number>> = { i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b };

export interface Kernel {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  /** Numbered on from the parameters. */
  readonly locals: readonly ValueType[];
  readonly result?: ValueType;
  readonly body: Code;
}

/** A module of kernels over an imported memory, `env.memory`. */
export function assemble(kernels: readonly Kernel[]): Uint8Array<ArrayBuffer> {
  const types = kernels.map(({ parameters, result }) => [
    0x60,
    ...list(parameters.map((type) => [TYPES[type]])),
    ...list(result ? [[TYPES[result]]] : []),
  ]);
  const memory = [...text('env'), ...text('memory'), 0x02, 0x00, 0x00];
  const names = kernels.map(({ name }, i) => [...text(name), 0x00, ...unsigned(i)]);
  const bodies = kernels.map(({ locals, body }) => {
    const code = [...list(locals.map((type) => [1, TYPES[type]])), ...body, 0x0b];
    return [...unsigned(code.length), ...code];
  });
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, types),
    ...section(2, [memory]),
    ...section(
      3,
      kernels.map((_, i) => unsigned(i)),
    ),
    ...section(7, names),
    ...section(10, bodies),
  ]);
}

export const get = (local: number): Code => [0x20, ...unsigned(local)];
export const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
const int = (value: number): Code => [0x41, ...signed(value)];
const add = (a: Code, b: Code): Code => [...a, ...b, 0x6a];

/** Four floats from memory; addresses need not be aligned. */
export const load = (address: Code): Code => [...address, 0xfd, 0x00, 0x02, 0x00];
export const store = (address: Code, value: Code): Code => [...address, ...value, 0xfd, 0x0b, 0x02, 0x00];

const vector =
  (opcode: number) =>
  (...operands: readonly Code[]): Code => [...operands.flat(), 0xfd, ...unsigned(opcode)];

/** On four float32. */
export const f32x4 = {
  splat: vector(0x13),
  sqrt: vector(0xe3),
  add: vector(0xe4),
  sub: vector(0xe5),
  mul: vector(0xe6),
  div: vector(0xe7),
};

/** On two float64. */
export const f64x2 = {
  add: vector(0xf0),
  mul: vector(0xf2),
  /** From the first two of four float32. */
  promote: vector(0x5f),
  lane: (value: Code, lane: 0 | 1): Code => [...value, 0xfd, 0x21, lane],
};

export const f64 = { add: (a: Code, b: Code): Code => [...a, ...b, 0xa0] };

/** The last two of four float32 as the first two. */
export const upperHalf = (value: Code): Code => [
  ...value,
  ...value,
  ...[0xfd, 0x0d, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15],
];

/** Runs `body` for every four of `count` elements (a local, counted down to 0), pointers (locals) moving on. */
export function everyFour(count: number, pointers: readonly number[], body: Code): Code {
  const step = [
    ...pointers.flatMap((pointer) => set(pointer, add(get(pointer), int(16)))),
    ...set(count, add(get(count), int(-4))),
  ];
  const leaveWhenDone = [...get(count), 0x45, 0x0d, 0x01];
  const again = [0x0c, 0x00];
  return [0x02, 0x40, 0x03, 0x40, ...leaveWhenDone, ...body, ...step, ...again, 0x0b, 0x0b];
}

function section(id: number, items: readonly Code[]): Code {
  const content = list(items);
  return [id, ...unsigned(content.length), ...content];
}

function list(items: readonly Code[]): Code {
  return [...unsigned(items.length), ...items.flat()];
}

function text(value: string): Code {
  return list([...new TextEncoder().encode(value)].map((byte) => [byte]));
}

/** LEB128 */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): Code {
  const rest = value >> 7;
  const done = (rest === 0 && (value & 0x40) === 0) || (rest === -1 && (value & 0x40) !== 0);
  return done ? [value & 0x7f] : [(value & 0x7f) | 0x80, ...signed(rest)];
}
