import { GraphError } from './errors.ts';

/** A size: known, or a name such as 'batch' that is known when the graph runs. */
export type Dim = number | string;
export type Shape = readonly Dim[];

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

/** The shape as numbers, or undefined when a size is symbolic. */
export function staticShape(shape: Shape): number[] | undefined {
  return shape.every((dim) => typeof dim === 'number') ? (shape as number[]).slice() : undefined;
}

/**
 * Is this size a name that a shape rule made up for what only running tells ('Slice_3.0', 'a + 1', '12*a/b'), and not
 * the name of an input's axis? Such a size may turn out to be any other.
 */
function isDerived(dim: Dim): boolean {
  return typeof dim === 'string' && /[.+/()]| - /.test(dim);
}

/** May two sizes be equal? Sizes of derived names, and names beside numbers, may. */
export function mayAgree(a: Dim, b: Dim): boolean {
  return a === b || typeof a !== typeof b || isDerived(a) || isDerived(b);
}

/** The better known of two sizes that agree: a number, else an axis' own name, else the first in order. */
export function betterKnown(a: Dim, b: Dim): Dim {
  if (typeof a === 'number') return a;
  if (typeof b === 'number') return b;
  if (isDerived(a) !== isDerived(b)) return isDerived(a) ? b : a;
  return a < b ? a : b;
}

/**
 * The product of sizes. Symbols are sorted into one name, 'batch*time', with the numbers multiplied in front, so equal
 * products have equal names.
 */
export function multiplyDims(dims: Shape): Dim {
  const parts = dims.map(factors);
  const factor = parts.reduce((product, part) => product * part.factor, 1);
  const symbols = parts.flatMap((part) => part.symbols).sort();
  if (symbols.length === 0 || factor === 0) return factor;
  return factor === 1 ? symbols.join('*') : `${factor}*${symbols.join('*')}`;
}

/** `a / b` as a size, or undefined when it does not divide. */
export function divideDims(a: Dim, b: Dim): Dim | undefined {
  const left = factors(a);
  const right = factors(b);
  if (right.factor === 0 || left.factor % right.factor !== 0) return undefined;
  for (const symbol of right.symbols) {
    const at = left.symbols.indexOf(symbol);
    if (at < 0) return undefined;
    left.symbols.splice(at, 1);
  }
  return multiplyDims([left.factor / right.factor, ...left.symbols]);
}

function factors(dim: Dim): { factor: number; symbols: string[] } {
  const symbols: string[] = [];
  let factor = 1;
  const isProduct = typeof dim === 'string' && !/[+/()]| - /.test(dim);
  for (const part of isProduct ? dim.split('*') : [dim]) {
    const value = Number(part);
    if (Number.isInteger(value)) factor *= value;
    else symbols.push(String(part));
  }
  return { factor, symbols };
}

/**
 * The shape of an element-wise result by numpy's rule: aligned at the right, a 1 stretches. A symbol beside a number
 * other than 1 is taken to be that number, and a derived size to be what stands beside it. Throws GraphError when two sizes cannot agree.
 */
export function broadcastShapes(a: Shape, b: Shape): Dim[] {
  const rank = Math.max(a.length, b.length);
  const out: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const left = a[a.length - rank + i] ?? 1;
    const right = b[b.length - rank + i] ?? 1;
    if (left === right || right === 1) out.push(left);
    else if (left === 1) out.push(right);
    else if (mayAgree(left, right)) out.push(betterKnown(left, right));
    else throw new GraphError(`shapes ${formatShape(a)} and ${formatShape(b)} do not broadcast`);
  }
  return out;
}

/** A non-negative axis. Throws GraphError when it is outside the rank. */
export function normaliseAxis(axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || positive < 0 || positive >= rank) {
    throw new GraphError(`axis ${axis} is outside a tensor of rank ${rank}`);
  }
  return positive;
}
