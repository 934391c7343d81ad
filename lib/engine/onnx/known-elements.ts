import { type Dim, divideDims, multiplyDims } from './dims.ts';
import type { Attributes, TensorType } from './graph.ts';
import type { OpType } from './operators/index.ts';
import { sliceRange } from './operators/movement.ts';
import { intAttribute } from './operators/spec.ts';

type Known = readonly Dim[] | undefined;

/**
 * The elements of a small integer result (rank 0 or 1) that follow from sizes and constants, so that
 * Reshape(x, Concat(Shape(y)[0], -1)) has a known shape although the batch has not. Undefined when unknown.
 */
export function knownElements(
  op: OpType,
  types: readonly (TensorType | undefined)[],
  known: readonly Known[],
  attributes: Attributes,
): Known {
  const first = known[0];
  switch (op) {
    case 'Shape': {
      const shape = types[0]?.shape ?? [];
      const { from, count } = sliceRange(
        shape.length,
        intAttribute(attributes, 'start', 0),
        intAttribute(attributes, 'end', shape.length),
        1,
      );
      return shape.slice(from, from + count);
    }
    case 'Identity':
    case 'Unsqueeze':
    case 'Squeeze':
    case 'Reshape':
      return first;
    case 'Cast':
      return attributes.to === 'int64' || attributes.to === 'int32' ? first : undefined;
    case 'Concat':
      return known.every((part) => part !== undefined) ? known.flatMap((part) => part ?? []) : undefined;
    case 'Gather': {
      const picks = known[1];
      if (!first || !picks?.every((i) => typeof i === 'number')) return undefined;
      return picks.map((i) => first[(i as number) < 0 ? first.length + (i as number) : (i as number)]!);
    }
    case 'Slice': {
      const [start, end, step] = [known[1]?.[0], known[2]?.[0], known[4] ? known[4][0] : 1];
      if (!first || typeof start !== 'number' || typeof end !== 'number' || typeof step !== 'number')
        return undefined;
      const { from, count } = sliceRange(first.length, start, end, step);
      return Array.from({ length: count }, (_, i) => first[from + i * step]!);
    }
    case 'Add':
    case 'Sub':
    case 'Mul':
    case 'Div':
    case 'Equal':
      return combine(op, first, known[1]);
    case 'Where':
      return choose(first, known[1], known[2]);
    default:
      return undefined;
  }
}

type Arithmetic = 'Add' | 'Sub' | 'Mul' | 'Div' | 'Equal';

/** Element by element; undefined as soon as one element is. */
function combine(op: Arithmetic, a: Known, b: Known): Known {
  const pairs = aligned([a, b]);
  const out: Dim[] = [];
  for (const [x, y] of pairs ?? []) {
    const element = combined(op, x!, y!);
    if (element === undefined) return undefined;
    out.push(element);
  }
  return pairs && out;
}

function combined(op: Arithmetic, x: Dim, y: Dim): Dim | undefined {
  const numbers = typeof x === 'number' && typeof y === 'number';
  switch (op) {
    case 'Mul':
      return multiplyDims([x, y]);
    case 'Div':
      if (numbers) return y === 0 ? undefined : Math.trunc(x / y);
      return divideDims(x, y) ?? `(${x})/(${y})`;
    case 'Add':
      if (numbers) return x + y;
      return x === 0 ? y : y === 0 ? x : `${x} + ${y}`;
    case 'Sub':
      if (numbers) return x - y;
      return y === 0 ? x : x === y ? 0 : `${x} - ${y}`;
    case 'Equal':
      if (numbers || x === y) return Number(x === y);
      // A size is never 0 or negative; whether it is 1 or more is not known.
      return [x, y].some((dim) => typeof dim === 'number' && dim < 1) ? 0 : undefined;
  }
}

function choose(condition: Known, yes: Known, no: Known): Known {
  const triples = aligned([condition, yes, no]);
  if (!triples?.every(([c]) => typeof c === 'number')) return undefined;
  return triples.map(([c, a, b]) => (c === 0 ? b! : a!));
}

/** Elements beside each other, single ones repeated. */
function aligned(lists: readonly Known[]): Dim[][] | undefined {
  if (!lists.every((list) => list !== undefined)) return undefined;
  const count = Math.max(...lists.map((list) => list.length));
  if (lists.some((list) => list.length !== count && list.length !== 1)) return undefined;
  return Array.from({ length: count }, (_, i) => lists.map((list) => list[list.length === 1 ? 0 : i]!));
}
