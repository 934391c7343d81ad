import type { Value } from '../../graph.ts';
import type { RewriteCall, RewriteTable } from '../rewrite.ts';

/** The least float32: a row that is masked all over stays finite, as minus infinity would not. */
const LEAST = -3.4028234663852886e38;

/** (batch, time, heads · width) -> (batch, heads, time, width). */
function apart({ g }: RewriteCall, x: Value, heads: number): Value {
  return g.transpose(g.op('Reshape', [x, g.ints([0, 0, heads, -1])]), [0, 2, 1, 3]);
}

/** (batch, heads, time, width) -> (batch, time, heads · width). */
function together({ g }: RewriteCall, x: Value): Value {
  return g.op('Reshape', [g.transpose(x, [0, 2, 1, 3]), g.ints([0, 0, -1])]);
}

/** The length of an axis as an int64 scalar. */
function length({ g }: RewriteCall, x: Value, axis: number): Value {
  return g.squeeze(g.op('Shape', [x], { start: axis, end: axis + 1 }), [0]);
}

function positions(call: RewriteCall, x: Value, axis: number): Value {
  const { g } = call;
  return g.op('Range', [g.constant(0, 'int64'), length(call, x, axis), g.constant(1, 'int64')]);
}

/** True where a query may attend: keys up to its own place, counted from the end if there are more keys. */
function causal(call: RewriteCall, q: Value, k: Value): Value {
  const { g } = call;
  const offset = g.sub(length(call, k, 2), length(call, q, 2));
  const queries = g.add(g.unsqueeze(positions(call, q, 2), [1]), offset);
  return g.lessOrEqual(g.unsqueeze(positions(call, k, 2), [0]), queries);
}

interface Masks {
  /** Added to the scores. */
  readonly bias?: Value | undefined;
  readonly causal?: boolean;
  /** What is added where attention is forbidden. */
  readonly forbidden: number;
}

/** softmax(scale q kᵀ + masks) v of (batch, heads, time, width); Vaswani et al. 2017. */
function attend(call: RewriteCall, [q, k, v]: readonly [Value, Value, Value], masks: Masks): Value {
  const { g } = call;
  const width = q.shape.at(-1);
  if (typeof width !== 'number') return call.fail('the width of a head must be known');
  const scale = call.float('scale', 0) || 1 / Math.sqrt(width);
  const scores = g.mul(g.matmul(q, g.transpose(k, [0, 1, 3, 2])), scale);
  const biased = masks.bias ? g.add(scores, masks.bias) : scores;
  const limited = masks.causal ? g.add(biased, g.where(causal(call, q, k), 0, masks.forbidden)) : biased;
  return g.matmul(g.softmax(limited), v);
}

/** A mask of ones and zeros, or of lengths (one axis), as a bias against (batch, heads, queries, keys). */
function maskBias(call: RewriteCall, mask: Value, k: Value, forbidden: number): Value {
  const { g } = call;
  const rank = mask.shape.length;
  const allowed =
    rank === 1
      ? g.less(g.unsqueeze(positions(call, k, 2), [0]), g.unsqueeze(g.cast(mask, 'int64'), [1]))
      : g.cast(mask, 'bool');
  const wide = rank === 3 ? g.unsqueeze(allowed, [1]) : rank === 4 ? allowed : g.unsqueeze(allowed, [1, 2]);
  return g.mul(g.sub(1, g.cast(wide, 'float32')), forbidden);
}

function summed({ g }: RewriteCall, a: Value | undefined, b: Value | undefined): Value | undefined {
  return a && b ? g.add(a, b) : (a ?? b);
}

/** Input 0, 1, 2 are x, packed weight and bias; 3 is a mask, 5 a bias of the scores. */
function packedAttention(call: RewriteCall): Value {
  const { g, x } = call;
  if (x[4] || x[6]) call.fail('past keys and values are not supported');
  if (call.int('do_rotary', 0)) call.fail('do_rotary is not supported');
  const heads = call.int('num_heads', 1);
  const product = g.matmul(call.input(0), call.input(1));
  const packed = x[2] ? g.add(product, x[2]) : product;
  const total = packed.shape.at(-1);
  if (typeof total !== 'number') return call.fail('the width must be known');
  const sizes = call.ints('qkv_hidden_sizes') ?? [total / 3, total / 3, total / 3];
  const [q, k, v] = g.split(packed, sizes, -1).map((part) => apart(call, part, heads));
  const forbidden = call.float('mask_filter_value', -10000);
  const bias = summed(call, x[3] && maskBias(call, x[3], k!, forbidden), x[5]);
  const isCausal = call.int('unidirectional', 0) === 1;
  return together(call, attend(call, [q!, k!, v!], { bias, causal: isCausal, forbidden }));
}

/** Inputs are query, key, value, packed bias, key padding mask, bias of the scores. */
function multiHeadAttention(call: RewriteCall): Value {
  const { g, x } = call;
  if (x[6] || x[7]) call.fail('past keys and values are not supported');
  const inputs = [call.input(0), call.input(1), call.input(2)];
  if (inputs.some(({ shape }) => shape.length !== 3)) call.fail('packed keys and values are not supported');
  const heads = call.int('num_heads', 1);
  const widths = inputs.map(({ shape }) => shape.at(-1));
  const biases =
    x[3] && widths.every((width) => typeof width === 'number')
      ? g.split(x[3], widths as number[], 0)
      : undefined;
  if (x[3] && !biases) call.fail('the widths must be known');
  const [q, k, v] = inputs.map((part, i) => apart(call, biases ? g.add(part, biases[i]!) : part, heads));
  const forbidden = call.float('mask_filter_value', -10000);
  const bias = summed(call, x[4] && maskBias(call, x[4], k!, forbidden), x[5]);
  const isCausal = call.int('unidirectional', 0) === 1;
  return together(call, attend(call, [q!, k!, v!], { bias, causal: isCausal, forbidden }));
}

/** ai.onnx 23: query, key, value of three or four axes, a bool or float mask. */
function standardAttention(call: RewriteCall): Value {
  const { g, x } = call;
  if (x[4] || x[5]) call.fail('past keys and values are not supported');
  if (call.float('softcap', 0) !== 0) call.fail('softcap is not supported');
  if ([1, 2, 3].some((output) => call.wants(output))) call.fail('only the first output is supported');
  const flat = call.input(0).shape.length === 3;
  const count = [call.int('q_num_heads', 1), call.int('kv_num_heads', 1), call.int('kv_num_heads', 1)];
  const [q, k, v] = [0, 1, 2].map((i) => (flat ? apart(call, call.input(i), count[i]!) : call.input(i)));
  if (q!.shape[1] !== k!.shape[1]) call.fail('shared keys and values (grouped queries) are not supported');
  const mask = x[3];
  const bias = mask?.dtype === 'bool' ? g.where(mask, 0, LEAST) : mask;
  const isCausal = call.int('is_causal', 0) === 1;
  const y = attend(call, [q!, k!, v!], { bias, causal: isCausal, forbidden: LEAST });
  return flat ? together(call, y) : y;
}

/** Su et al. 2021: each pair of features turned by the angle of its position, given by tables of cosines and sines. */
function rotary(call: RewriteCall, ids: Value | undefined, tables: readonly [Value, Value]): Value {
  const { g } = call;
  const input = call.input(0);
  const flat = input.shape.length === 3;
  const half = tables[0].shape.at(-1);
  if (typeof half !== 'number') return call.fail('the width of the tables must be known');
  const heads = call.int('num_heads', 0);
  const whole = input.shape.at(-1);
  if (flat && heads === 0 && whole !== 2 * half) call.fail('num_heads is missing');
  const x = flat ? apart(call, input, heads || 1) : input;
  if (x.shape.at(-1) !== 2 * half) call.fail('turning a part of the features is not supported');
  if (call.int('interleaved', 0)) call.fail('interleaved pairs are not supported');
  const [cosine, sine] = tables.map((table) => g.unsqueeze(ids ? g.gather(table, ids) : table, [1]));
  const [a, b] = g.split(x, [half, half], -1) as [Value, Value];
  const turned = g.concat(
    [g.sub(g.mul(a, cosine!), g.mul(b, sine!)), g.add(g.mul(b, cosine!), g.mul(a, sine!))],
    -1,
  );
  return flat ? together(call, turned) : turned;
}

/** Word, position and type embeddings added and normalised; the mask's lengths; the sum. */
function embeddings(call: RewriteCall): readonly (Value | undefined)[] {
  const { g, x } = call;
  const ids = call.input(0);
  const places = x[8] ?? g.unsqueeze(positions(call, ids, 1), [0]);
  const words = g.add(g.gather(call.input(2), ids), g.gather(call.input(3), places));
  const sum = x[1] && x[4] ? g.add(words, g.gather(x[4], x[1])) : words;
  const y = g.layerNorm(sum, call.input(5), call.input(6), call.float('epsilon', 1e-12));
  const lengths = x[7] && g.reduceSum(g.cast(x[7], 'int32'), [1]);
  return [y, lengths, sum];
}

export const attentions: RewriteTable = {
  Attention: standardAttention,
  RotaryEmbedding: (call) => rotary(call, call.x[3], [call.input(1), call.input(2)]),
  'com.microsoft.Attention': packedAttention,
  'com.microsoft.MultiHeadAttention': multiHeadAttention,
  'com.microsoft.RotaryEmbedding': (call) => rotary(call, call.input(1), [call.input(2), call.input(3)]),
  'com.microsoft.EmbedLayerNormalization': embeddings,
};
