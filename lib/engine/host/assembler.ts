/**
 * Enough of WebAssembly's binary format (WebAssembly Core Specification 2.0, chapter 5) to write inner loops over memory
 * that arrays lie in: JavaScript has neither its vectors nor its whole numbers of 64 bits. Code is built from expressions, each the bytes that leave its value on the stack,
 * nested as the expression is; they are flattened when the module is written.
 */
export type Code = number | readonly Code[];

export type ValueType = 'i32' | 'i64' | 'f32' | 'f64' | 'v128';

const TYPES: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, v128: 0x7b };

/** Most pages of 64 KiB that a memory can have. */
export const MOST_PAGES = 65_536;

export interface Kernel {
  readonly name: string;
  readonly parameters: readonly ValueType[];
  /** Numbered on from the parameters. */
  readonly locals: readonly ValueType[];
  readonly result?: ValueType;
  readonly body: Code;
}

/** A module of kernels over an imported memory, `env.memory`. @param memory shared: of several threads */
export function assemble(kernels: readonly Kernel[], memory: 'own' | 'shared'): Uint8Array<ArrayBuffer> {
  const types = kernels.map(({ parameters, result }) => [
    0x60,
    list(parameters.map((type) => TYPES[type])),
    list(result ? [TYPES[result]] : []),
  ]);
  const limits = memory === 'shared' ? [0x03, 0x00, unsigned(MOST_PAGES)] : [0x00, 0x00];
  const imported = [text('env'), text('memory'), 0x02, limits];
  const exported = kernels.map(({ name }, i) => [text(name), 0x00, unsigned(i)]);
  const bodies = kernels.map(({ locals, body }) => {
    const code = flat([list(locals.map((type) => [1, TYPES[type]])), body, 0x0b]);
    return [unsigned(code.length), code];
  });
  return Uint8Array.from(
    flat([
      [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      section(1, types),
      section(2, [imported]),
      section(
        3,
        kernels.map((_, i) => unsigned(i)),
      ),
      section(7, exported),
      section(10, bodies),
    ]),
  );
}

export const get = (local: number): Code => [0x20, unsigned(local)];
export const set = (local: number, value: Code): Code => [value, 0x21, unsigned(local)];

const op =
  (opcode: number) =>
  (...operands: readonly Code[]): Code => [operands, opcode];

/** Loads and stores say the power of two that their address is a multiple of, and a constant offset. */
const loadOf =
  (opcode: number, alignment: number) =>
  (address: Code, offset = 0): Code => [address, opcode, alignment, unsigned(offset)];
const storeOf =
  (opcode: number, alignment: number) =>
  (address: Code, value: Code, offset = 0): Code => [address, value, opcode, alignment, unsigned(offset)];

export const i32 = {
  of: (value: number): Code => [0x41, signed(value)],
  add: op(0x6a),
  sub: op(0x6b),
  mul: op(0x6c),
  and: op(0x71),
  shl: op(0x74),
  shrUnsigned: op(0x76),
  eqz: op(0x45),
  ne: op(0x47),
  ltUnsigned: op(0x49),
  gtUnsigned: op(0x4b),
  load: loadOf(0x28, 2),
  loadByte: loadOf(0x2d, 0),
  store: storeOf(0x36, 2),
  storeByte: storeOf(0x3a, 0),
};

export const f32 = {
  eq: op(0x5b),
  gt: op(0x5e),
  load: loadOf(0x2a, 2),
};

export const i64 = {
  of: (value: number): Code => [0x42, signed(value)],
  add: op(0x7c),
  sub: op(0x7d),
  and: op(0x83),
  xor: op(0x85),
  shl: op(0x86),
  shrUnsigned: op(0x88),
  eqz: op(0x50),
  ltUnsigned: op(0x54),
  fromI32: op(0xad),
  load: loadOf(0x29, 2),
  store: storeOf(0x37, 2),
};

export const f64 = {
  zero: [0x44, 0, 0, 0, 0, 0, 0, 0, 0] as Code,
  of: (value: number): Code => [0x44, [...new Uint8Array(Float64Array.of(value).buffer)]],
  add: op(0xa0),
  sub: op(0xa1),
  mul: op(0xa2),
  abs: op(0x99),
  neg: op(0x9a),
  lt: op(0x63),
  le: op(0x65),
  gt: op(0x64),
  fromI32: op(0xb7),
  fromI64: op(0xb9),
  load: loadOf(0x2b, 3),
  store: storeOf(0x39, 3),
  /** A float32 from memory. */
  loadFloat: (address: Code): Code => [f32.load(address), 0xbb],
};

const vector =
  (opcode: number) =>
  (...operands: readonly Code[]): Code => [operands, 0xfd, unsigned(opcode)];
const lane =
  (opcode: number) =>
  (index: 0 | 1, ...operands: readonly Code[]): Code => [operands, 0xfd, unsigned(opcode), index];

export const v128 = {
  load: (address: Code, offset = 0): Code => [address, 0xfd, 0x00, 0x03, unsigned(offset)],
  /** Four float32 from any address that is theirs. */
  loadFloats: (address: Code): Code => [address, 0xfd, 0x00, 0x02, 0x00],
  storeFloats: (address: Code, value: Code): Code => [address, value, 0xfd, 0x0b, 0x02, 0x00],
  /** Eight bytes, and zeros above. */
  loadHalf: (address: Code, offset = 0): Code => [address, 0xfd, 0x5d, 0x02, unsigned(offset)],
  store: (address: Code, value: Code, offset = 0): Code => [
    address,
    value,
    0xfd,
    0x0b,
    0x03,
    unsigned(offset),
  ],
};

/** On two int64. */
export const i64x2 = {
  splat: vector(0x12),
  lane: lane(0x1d),
  withLane: lane(0x1e),
  shl: vector(0xcb),
  add: vector(0xce),
  sub: vector(0xd1),
  /** From the first two of four int32. */
  extend: vector(0xc7),
};

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
  splat: vector(0x14),
  lane: lane(0x21),
  withLane: lane(0x22),
  /** From the first two of four float32. */
  promote: vector(0x5f),
  nearest: vector(0x94),
  neg: vector(0xed),
  add: vector(0xf0),
  sub: vector(0xf1),
  mul: vector(0xf2),
  div: vector(0xf3),
  /** The second where it is less, else the first; one instruction, which min (with its rules for NaN) is not. */
  least: vector(0xf6),
  /** The second where it is larger, else the first. */
  most: vector(0xf7),
};

/** Two float64 without their fractions, as the first two of four int32; the others are 0. */
export const toInt32 = vector(0xfc);
/** Sixteen bytes of two vectors: those of the second count from 16. */
export const shuffle = (a: Code, b: Code, bytes: readonly number[]): Code => [a, b, 0xfd, 0x0d, bytes];

/** `body` when the condition is not 0. Counts as a level for `leave`. */
export const when = (condition: Code, body: Code): Code => [condition, 0x04, 0x40, body, 0x0b];
/** Code that `leave(0)` right inside it ends early. */
export const block = (body: Code): Code => [0x02, 0x40, body, 0x0b];
/** Code that `leave(0)` right inside it starts again. */
export const loop = (body: Code): Code => [0x03, 0x40, body, 0x0b];
/** Ends (or, for a loop, restarts) the block that is `level` levels further out. */
export const leave = (level: number): Code => [0x0c, unsigned(level)];
export const leaveIf = (level: number, condition: Code): Code => [condition, 0x0d, unsigned(level)];

export const copyBytes = (to: Code, from: Code, bytes: Code): Code => [to, from, bytes, 0xfc, 0x0a, 0, 0];
/** Zeroes `bytes` from an address on. */
export const fillZero = (address: Code, bytes: Code): Code => [address, i32.of(0), bytes, 0xfc, 0x0b, 0x00];

function flat(code: Code): number[] {
  const out: number[] = [];
  const walk = (part: Code): void => {
    if (typeof part === 'number') out.push(part);
    else for (const inner of part) walk(inner);
  };
  walk(code);
  return out;
}

function section(id: number, items: readonly Code[]): Code {
  const content = flat(list(items));
  return [id, unsigned(content.length), content];
}

function list(items: readonly Code[]): Code {
  return [unsigned(items.length), items];
}

function text(value: string): Code {
  return list([...new TextEncoder().encode(value)]);
}

/** LEB128 */
function unsigned(value: number): Code {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, unsigned(value >>> 7)];
}

function signed(value: number): Code {
  const rest = value >> 7;
  const done = (rest === 0 && (value & 0x40) === 0) || (rest === -1 && (value & 0x40) !== 0);
  return done ? [value & 0x7f] : [(value & 0x7f) | 0x80, signed(rest)];
}
