import type { Dim } from '../../dims.ts';
import type { Value } from '../../graph.ts';
import { isOpType } from '../../operators/index.ts';
import type { RewriteCall, RewriteTable } from '../rewrite.ts';

/** A tensor whose axes have letters. */
interface Lettered {
  readonly value: Value;
  readonly letters: readonly string[];
}

/** Einsum without diagonals and ellipses: operands are joined from the left by matrix products. */
function einsum(call: RewriteCall): Value {
  const equation = call.string('equation', '').replaceAll(' ', '');
  const [left = '', given] = equation.split('->');
  const terms = left.split(',');
  if (equation.includes('.')) call.fail(`the ellipsis of ${equation} is not supported`);
  const output = [...(given ?? implicitOutput(terms))];
  let rest = terms.map((term, i): Lettered => {
    const value = call.input(i);
    if (new Set(term).size !== term.length) call.fail(`the diagonal of ${term} is not supported`);
    if (term.length !== value.shape.length) call.fail(`${term} does not name ${value.shape.length} axes`);
    return { value, letters: [...term] };
  });
  while (rest.length > 1) {
    const [a, b, ...later] = rest;
    const wanted = new Set([...output, ...later.flatMap(({ letters }) => letters)]);
    rest = [joined(call, summed(call, a!, [...wanted, ...b!.letters]), b!, wanted), ...later];
  }
  return ordered(call, summed(call, rest[0]!, output), output);
}

/** Without an arrow: the letters that occur once, in order. */
function implicitOutput(terms: readonly string[]): string {
  const all = terms.join('');
  return [...new Set(all)]
    .filter((letter) => all.split(letter).length === 2)
    .sort()
    .join('');
}

/** Summed over the letters that nobody wants. */
function summed({ g }: RewriteCall, { value, letters }: Lettered, wanted: readonly string[]): Lettered {
  const axes = letters.flatMap((letter, i) => (wanted.includes(letter) ? [] : [i]));
  if (axes.length === 0) return { value, letters };
  return { value: g.reduceSum(value, axes), letters: letters.filter((letter) => wanted.includes(letter)) };
}

function ordered({ g }: RewriteCall, { value, letters }: Lettered, order: readonly string[]): Value {
  const perm = order.map((letter) => letters.indexOf(letter));
  return perm.every((axis, i) => axis === i) ? value : g.transpose(value, perm);
}

/** Σ over the shared letters that nobody wants later, as (batch, own of a, shared) @ (batch, shared, own of b). */
function joined(call: RewriteCall, a: Lettered, whole: Lettered, wanted: ReadonlySet<string>): Lettered {
  const { g } = call;
  const b = summed(call, whole, [...wanted, ...a.letters]);
  const both = a.letters.filter((letter) => b.letters.includes(letter));
  const batch = both.filter((letter) => wanted.has(letter));
  const inner = both.filter((letter) => !wanted.has(letter));
  const rows = a.letters.filter((letter) => !both.includes(letter));
  const columns = b.letters.filter((letter) => !both.includes(letter));
  const sizes = new Map<string, Dim>();
  for (const { value, letters } of [a, b]) {
    for (const [i, letter] of letters.entries()) sizes.set(letter, value.shape[i]!);
  }
  const grouped = (x: Lettered, first: readonly string[], second: readonly string[]): Value => {
    const flat = ordered(call, x, [...batch, ...first, ...second]);
    if (first.length === 1 && second.length === 1) return flat;
    const leading = batch.map(() => 0);
    const size = (group: readonly string[]): number[] => (group.length === 0 ? [1] : [-1]);
    // Only one size can be left open, so a group of several letters stands beside known or copied ones.
    const fixed = (group: readonly string[]): Value =>
      g.shapeTensor(
        [
          product(
            call,
            group.map((letter) => sizes.get(letter)!),
          ),
        ],
        [flat],
      );
    const target =
      first.length <= 1
        ? g.concat(
            [g.ints(leading), first.length === 1 ? fixed(first) : g.ints([1]), g.ints(size(second))],
            0,
          )
        : g.concat([g.ints(leading), g.ints([-1]), second.length === 0 ? g.ints([1]) : fixed(second)], 0);
    return g.op('Reshape', [flat, target]);
  };
  const y = g.matmul(grouped(a, rows, inner), grouped(b, inner, columns));
  const letters = [...batch, ...rows, ...columns];
  if (rows.length === 1 && columns.length === 1) return { value: y, letters };
  const shape = letters.map((letter) => sizes.get(letter)!);
  return { value: g.op('Reshape', [y, g.shapeTensor(shape, [a.value, b.value])]), letters };
}

function product(call: RewriteCall, sizes: readonly Dim[]): Dim {
  if (sizes.length === 1) return sizes[0]!;
  const numbers = sizes.filter((size) => typeof size === 'number');
  if (numbers.length < sizes.length)
    call.fail('axes of symbolic sizes are joined; fix the sizes of the input axes first (dims)');
  return numbers.reduce((total, size) => total * size, 1);
}

/** Activations that ONNX Runtime joins to a product. */
const joinedActivations: ReadonlySet<string> = new Set(['Relu', 'Tanh', 'Sigmoid', 'Softplus']);

/** A Gemm and the activation after it. */
function gemmWithActivation(call: RewriteCall): Value {
  const activation = call.string('activation', '');
  if (!joinedActivations.has(activation) || !isOpType(activation))
    return call.fail(`the activation ${activation} is not supported`);
  const extra = [...call.node.attributes.keys()].filter((name) => name.startsWith('activation'));
  return call.g.op(activation, [call.g.op('Gemm', call.x, call.attributes('Gemm', extra))]);
}

export const products: RewriteTable = {
  Einsum: einsum,
  'com.microsoft.FusedGemm': gemmWithActivation,
  'com.microsoft.FusedMatMul': (call) => {
    if (call.int('transBatchA', 0) || call.int('transBatchB', 0))
      call.fail('transBatchA and transBatchB are not supported');
    return call.named('FusedMatMul', call.x, call.attributes('FusedMatMul', ['transBatchA', 'transBatchB']));
  },
};
