import { createRng, type Rng } from '../../lib/engine/host/index.ts';

/** Changes of real files, each decided by a generator alone: the same seed gives the same bytes. */

export type Mutate = (rng: Rng, bytes: Uint8Array) => Uint8Array;

export const rngOf = (reader: string, seed: number, index: number): Rng =>
  createRng(`${seed}/${reader}/${index}`);

const pick = <T>(rng: Rng, values: readonly T[]): T => values[rng.integer(values.length)]!;

/** Numbers at which readers go wrong: edges of the types, of float64's whole numbers, and what is none. */
const EDGES = [
  '0',
  '-1',
  '1',
  '127',
  '128',
  '255',
  '256',
  '32768',
  '65535',
  '65536',
  '2147483647',
  '2147483648',
  '-2147483649',
  '4294967295',
  '4294967296',
  '9007199254740993',
  '9223372036854775807',
  '-9223372036854775808',
  '18446744073709551616',
  '1e308',
  '1e-320',
  '1e309',
  '-0',
  'NaN',
  'Infinity',
  '0x10',
  '1_000',
  '1,5',
  '٣',
  '１',
]; // prettier-ignore

/** Texts at which they go wrong. */
const TEXTS = [
  '',
  ' ',
  '\0',
  '"',
  "'",
  '\\',
  '\\u0000',
  '\n',
  '\r',
  '\r\n',
  '\t',
  ',',
  ';',
  '\ufeff',
  '\ud800',
  '\u202e',
  '🛒',
  'é',
  'e\u0301',
  '../../etc/passwd',
  '/etc/passwd',
  '/dev/zero',
  'file:///etc/passwd',
  '%00',
  '%',
  '$HOME',
  '#{x}',
  '{{',
  '__proto__',
  'constructor',
  'toString',
  '=1+1',
  '<script>',
  "'); DROP TABLE x; --",
  'null',
  'true',
  '{}',
  '[]',
  '1970-01-01',
  '2011-02-30',
  '9999-12-31T23:59:60Z',
  '0000-00-00',
  '2011-03-27T01:30:00',
  'x'.repeat(70_000),
]; // prettier-ignore

const utf8 = (text: string) => Buffer.from(text, 'utf8');

/** One change of bytes that knows nothing of what they mean. */
export const bytewise: Mutate = (rng, bytes) => {
  const size = bytes.length;
  if (size === 0) return utf8(pick(rng, TEXTS));
  // Formats keep their lengths and offsets at the front and at the end.
  const place = () => {
    const where = rng.integer(4);
    const near = Math.min(size, 256);
    if (where === 0) return rng.integer(near);
    return where === 1 ? size - 1 - rng.integer(near) : rng.integer(size);
  };
  const at = place();
  const length = 1 + rng.integer(Math.min(64, size - at));
  switch (rng.integer(9)) {
    case 0: {
      const copy = Uint8Array.from(bytes);
      copy[at] = copy[at]! ^ (1 << rng.integer(8));
      return copy;
    }
    case 1: {
      const copy = Uint8Array.from(bytes);
      for (let i = 0; i < length; i++) copy[at + i] = rng.integer(256);
      return copy;
    }
    case 2: {
      const copy = Uint8Array.from(bytes);
      copy.fill(pick(rng, [0, 0xff, 0x7f, 0x80, 0x20]), at, at + length);
      return copy;
    }
    case 3:
      return bytes.slice(0, at);
    case 4:
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
    case 5:
      return Buffer.concat([bytes.subarray(0, at + length), bytes.subarray(at)]);
    case 6:
      return Buffer.concat([
        bytes.subarray(0, at),
        utf8(pick(rng, [...TEXTS, ...EDGES])),
        bytes.subarray(at),
      ]);
    case 7: {
      const from = rng.integer(size);
      const copy = Uint8Array.from(bytes);
      copy.copyWithin(at, from, from + length);
      return copy;
    }
    default: {
      const copy = Uint8Array.from(bytes);
      const view = new DataView(copy.buffer);
      const value = pick(rng, [0, 1, -1, 0x7fffffff, -0x80000000, size, size - at, 0x10000]);
      if (at + 4 <= size) view.setInt32(at, value, rng.integer(2) === 0);
      return copy;
    }
  }
};

/** One change of a text of lines and fields: those that people and exports make. */
export const linewise: Mutate = (rng, bytes) => {
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  const at = rng.integer(lines.length);
  const line = lines[at]!;
  const mark = pick(rng, [',', ';', '\t', '|', '"']);
  switch (rng.integer(9)) {
    case 0:
      lines.splice(at, 1);
      break;
    case 1:
      lines.splice(rng.integer(lines.length), 0, line);
      break;
    case 2: {
      const other = rng.integer(lines.length);
      [lines[at], lines[other]] = [lines[other]!, line];
      break;
    }
    case 3: {
      const fields = line.split(',');
      fields[rng.integer(fields.length)] = utf8(pick(rng, [...TEXTS, ...EDGES])).toString('latin1');
      lines[at] = fields.join(',');
      break;
    }
    case 4: {
      const fields = line.split(',');
      fields.splice(rng.integer(fields.length), rng.integer(2), ...(rng.integer(2) ? ['x'] : []));
      lines[at] = fields.join(',');
      break;
    }
    case 5:
      lines[at] =
        `${line.slice(0, rng.integer(line.length + 1))}${mark}${line.slice(rng.integer(line.length + 1))}`;
      break;
    case 6:
      return Buffer.from(lines.join(pick(rng, ['\r', '\r\n', '\n\n', '\n\r'])), 'latin1');
    case 7:
      return Buffer.from(lines.map((each) => each.replaceAll(',', mark)).join('\n'), 'latin1');
    default:
      lines[at] = `"${line}`;
  }
  return Buffer.from(lines.join('\n'), 'latin1');
};

/** One change of a JSON value somewhere inside. */
function jsonValue(rng: Rng, value: unknown): unknown {
  if (Array.isArray(value) && value.length > 0 && rng.integer(5) > 0) {
    const at = rng.integer(value.length);
    const copy = [...value];
    const kind = rng.integer(6);
    if (kind === 0) copy.splice(at, 1);
    else if (kind === 1) copy.splice(at, 0, value[rng.integer(value.length)]);
    else copy[at] = jsonValue(rng, value[at]);
    return copy;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value) && rng.integer(8) > 0) {
    const entries = Object.entries(value);
    if (entries.length > 0) {
      const at = rng.integer(entries.length);
      const [name, inner] = entries[at]!;
      const kind = rng.integer(9);
      if (kind === 0) entries.splice(at, 1);
      else if (kind === 1) entries[at] = [pick(rng, TEXTS), inner];
      else if (kind === 2) entries.push([pick(rng, [...TEXTS, name.toUpperCase()]), inner]);
      else if (kind === 3) entries[at] = [name, entries[rng.integer(entries.length)]![1]];
      else entries[at] = [name, jsonValue(rng, inner)];
      return Object.fromEntries(entries);
    }
  }
  switch (rng.integer(8)) {
    case 0:
      return null;
    case 1:
      return pick(rng, TEXTS);
    case 2:
      return Number(pick(rng, EDGES));
    case 3:
      return rng.integer(2) === 0;
    case 4:
      return [value];
    case 5:
      return { [pick(rng, TEXTS)]: value };
    case 6:
      return typeof value === 'number' ? -value : pick(rng, EDGES);
    default: {
      let deep: unknown = value;
      for (let depth = rng.integer(2_000); depth > 0; depth--) deep = [deep];
      return deep;
    }
  }
}

/** One change of a JSON file, inside its tree. */
export const jsonwise: Mutate = (rng, bytes) => {
  try {
    return utf8(JSON.stringify(jsonValue(rng, JSON.parse(Buffer.from(bytes).toString('utf8')))) ?? '');
  } catch {
    // An earlier change has made it something else.
    return bytewise(rng, bytes);
  }
};

/** One change of a file with a JSON value on each line. */
export const jsonLinewise: Mutate = (rng, bytes) => {
  const lines = Buffer.from(bytes).toString('utf8').split('\n');
  const at = rng.integer(lines.length);
  lines[at] = Buffer.from(jsonwise(rng, utf8(lines[at]!))).toString('utf8');
  return utf8(lines.join('\n'));
};

/** One change of a message of protocol buffers, in one of its fields, however deep: lengths around it stay right. */
export const protowise: Mutate = (rng, bytes) => {
  const fields = protoFields(bytes);
  if (!fields || fields.length === 0) return bytewise(rng, bytes);
  const at = rng.integer(fields.length);
  const field = fields[at]!;
  const kind = rng.integer(12);
  if (kind === 0) fields.splice(at, 1);
  else if (kind === 1) fields.splice(at, 0, field);
  else if (kind === 2) field.number = 1 + rng.integer(24);
  else if (kind === 3) fields[at] = fields[rng.integer(fields.length)]!;
  else if (field.wire === 0) field.value = varint(BigInt.asUintN(64, BigInt(pick(rng, INTEGERS))));
  else if (field.wire === 2) {
    const text = kind === 4;
    field.value = text ? utf8(pick(rng, TEXTS)) : protowise(rng, field.value);
  } else field.value = Uint8Array.from(field.value, () => rng.integer(256));
  return Buffer.concat(fields.map(protoBytes));
};

const INTEGERS = EDGES.filter((edge) => /^-?\d+$/.test(edge));

interface ProtoField {
  number: number;
  readonly wire: number;
  value: Uint8Array;
}

function protoFields(bytes: Uint8Array): ProtoField[] | undefined {
  const fields: ProtoField[] = [];
  let at = 0;
  const take = (): bigint | undefined => {
    let value = 0n;
    for (let shift = 0n; shift < 64n; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) return undefined;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const tag = take();
    if (tag === undefined || tag >> 3n === 0n || tag > 0xffff_ffffn) return undefined;
    const wire = Number(tag & 7n);
    const from = at;
    if (wire === 0) {
      if (take() === undefined) return undefined;
    } else if (wire === 1) at += 8;
    else if (wire === 5) at += 4;
    else if (wire === 2) {
      const length = take();
      if (length === undefined || length > BigInt(bytes.length - at)) return undefined;
      fields.push({ number: Number(tag >> 3n), wire, value: bytes.slice(at, at + Number(length)) });
      at += Number(length);
      continue;
    } else return undefined;
    if (at > bytes.length) return undefined;
    fields.push({ number: Number(tag >> 3n), wire, value: bytes.slice(from, at) });
  }
  return fields;
}

function protoBytes({ number, wire, value }: ProtoField): Uint8Array {
  const tag = varint((BigInt(number) << 3n) | BigInt(wire));
  return wire === 2 ? Buffer.concat([tag, varint(BigInt(value.length)), value]) : Buffer.concat([tag, value]);
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push(Number(rest & 0x7fn) | (rest > 0x7fn ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

/** One to four changes, mostly one, each of one of the kinds. */
export function several(...kinds: readonly Mutate[]): Mutate {
  return (rng, bytes) => {
    let changed = bytes;
    for (let n = 1 + Math.floor(4 * rng.uniform() ** 3); n > 0; n--) changed = pick(rng, kinds)(rng, changed);
    return changed;
  };
}
