import { GraphError } from './errors.ts';
import type { Value } from './graph.ts';

/**
 * Graph inputs with named axes replaced by sizes; axes that exporters wrote as sums and products of names ('2*s0 + 1')
 * follow. Throws GraphError when a name is no axis of an input or a size is no positive integer.
 */
export function withSizes(inputs: readonly Value[], sizes: Readonly<Record<string, number>>): Value[] {
  const axes = new Set(inputs.flatMap(({ shape }) => shape.filter((dim) => typeof dim === 'string')));
  const names = new Set([...axes].flatMap((axis) => [axis, ...(tokensOf(axis) ?? [])]));
  for (const [name, size] of Object.entries(sizes)) {
    if (!names.has(name)) {
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
    shape: input.shape.map((dim) =>
      typeof dim === 'string' ? (sizes[dim] ?? computed(dim, sizes) ?? dim) : dim,
    ),
  }));
}

/**
 * Inputs of one rank with the axes of the first of them, by position: exporters give each input names of its own, although
 * ids and masks share batch and length. Undefined when they do already.
 */
export function withSharedAxes(inputs: readonly Value[]): Value[] | undefined {
  const shared = inputs.map((input): Value => {
    const alike = inputs.filter(({ shape }) => shape.length === input.shape.length);
    const shape = input.shape.map((dim, axis) => {
      const given = alike.map((other) => other.shape[axis]!);
      return typeof dim === 'number' ? dim : (given.find((size) => typeof size === 'number') ?? given[0]!);
    });
    return { ...input, shape };
  });
  const same = shared.every(({ shape }, i) => shape.every((dim, axis) => dim === inputs[i]!.shape[axis]));
  return same ? undefined : shared;
}

/** Names and numbers of a sum of products, without its operators; undefined for any other form. */
function tokensOf(expression: string): string[] | undefined {
  const tokens = expression.split(/[-+*]/).map((token) => token.trim());
  return tokens.length > 1 && tokens.every((token) => /^\w+$/.test(token)) ? tokens : undefined;
}

/** The value of a sum of products, or undefined while one of its names has no size. */
function computed(expression: string, sizes: Readonly<Record<string, number>>): number | undefined {
  if (!tokensOf(expression)) return undefined;
  const terms = expression
    .replaceAll('-', '+-')
    .split('+')
    .filter((term) => term.trim() !== '');
  const value = terms.reduce((sum, term) => {
    const negative = term.trim().startsWith('-');
    const product = term
      .replace('-', '')
      .split('*')
      .reduce((all, factor) => all * (sizes[factor.trim()] ?? Number(factor)), 1);
    return sum + (negative ? -product : product);
  }, 0);
  return Number.isInteger(value) && value >= 1 ? value : undefined;
}
