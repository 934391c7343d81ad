import { GraphError } from './errors.ts';
import type { Value } from './graph.ts';

/**
 * Graph inputs with named axes replaced by sizes. Throws GraphError when a name is no axis of an input or a size is no
 * positive integer.
 */
export function withSizes(inputs: readonly Value[], sizes: Readonly<Record<string, number>>): Value[] {
  const axes = new Set(inputs.flatMap(({ shape }) => shape.filter((dim) => typeof dim === 'string')));
  for (const [name, size] of Object.entries(sizes)) {
    if (!axes.has(name)) {
      throw new GraphError(
        `No input has an axis ${name}; the named axes are: ${[...axes].join(', ') || 'none'}.`,
      );
    }
    if (!Number.isInteger(size) || size < 1) {
      throw new GraphError(`Size ${name} must be a positive integer, not ${size}.`);
    }
  }
  return inputs.map((input) => ({
    ...input,
    shape: input.shape.map((dim) => (typeof dim === 'string' ? (sizes[dim] ?? dim) : dim)),
  }));
}
