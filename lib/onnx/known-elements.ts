import { type Dim, multiplyDims } from './dims.ts';
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
      return combine(op, first, known[1]);
    default:
      return undefined;
  }
}

function combine(op: 'Add' | 'Sub' | 'Mul', a: Known, b: Known): Known {
  if (!a || !b || (a.length !== b.length && a.length !== 1 && b.length !== 1)) return undefined;
  const out: Dim[] = [];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const x = a[a.length === 1 ? 0 : i]!;
    const y = b[b.length === 1 ? 0 : i]!;
    if (op === 'Mul') out.push(multiplyDims([x, y]));
    else if (typeof x === 'number' && typeof y === 'number') out.push(op === 'Add' ? x + y : x - y);
    else return undefined;
  }
  return out;
}
