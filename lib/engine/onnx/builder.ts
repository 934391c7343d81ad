import { type Dim, multiplyDims, normaliseAxis, staticShape } from './dims.ts';
import { GraphEmitter, type Operand } from './emitter.ts';
import { GraphError } from './errors.ts';
import type { Graph, Value } from './graph.ts';
import { type DType, isFloat, tensor } from './tensor.ts';

/** "To the end" of an axis in Slice. */
const END = 2 ** 31 - 1;

/**
 * Builds a graph in the words of a model: `g.gelu(g.linear(x, w, b))`. Every method emits one operation (or a few) and
 * returns its value with shape and type; numbers stand for scalar constants. Errors are GraphErrors that name the
 * operator and the shapes.
 */
export class GraphBuilder extends GraphEmitter {
  /** A builder that goes on where a graph ends. */
  static from(graph: Graph): GraphBuilder {
    const builder = new GraphBuilder(graph.name);
    builder.load(graph);
    return builder;
  }

  // Arithmetic, element by element, broadcasting.
  add = (a: Operand, b: Operand): Value => this.#two('Add', a, b);
  sub = (a: Operand, b: Operand): Value => this.#two('Sub', a, b);
  mul = (a: Operand, b: Operand): Value => this.#two('Mul', a, b);
  div = (a: Operand, b: Operand): Value => this.#two('Div', a, b);
  pow = (x: Value, exponent: Operand): Value => this.op('Pow', [x, exponent]);
  max = (a: Operand, b: Operand): Value => this.#two('Max', a, b);
  min = (a: Operand, b: Operand): Value => this.#two('Min', a, b);
  neg = (x: Value): Value => this.op('Neg', [x]);
  abs = (x: Value): Value => this.op('Abs', [x]);
  sign = (x: Value): Value => this.op('Sign', [x]);
  square = (x: Value): Value => this.op('Mul', [x, x]);
  sqrt = (x: Value): Value => this.op('Sqrt', [x]);
  exp = (x: Value): Value => this.op('Exp', [x]);
  log = (x: Value): Value => this.op('Log', [x]);
  /** x limited to [low, high]. */
  clip = (x: Value, low?: number, high?: number): Value => this.op('Clip', [x, low, high]);

  // Activations.
  erf = (x: Value): Value => this.op('Erf', [x]);
  tanh = (x: Value): Value => this.op('Tanh', [x]);
  sigmoid = (x: Value): Value => this.op('Sigmoid', [x]);
  relu = (x: Value): Value => this.op('Relu', [x]);
  softplus = (x: Value): Value => this.op('Softplus', [x]);
  /** x Φ(x), exact (erf); 'tanh' is the approximation of GPT-2. */
  gelu = (x: Value, approximate: 'none' | 'tanh' = 'none'): Value => this.op('Gelu', [x], { approximate });

  // Comparisons and choice.
  equal = (a: Operand, b: Operand): Value => this.#two('Equal', a, b);
  less = (a: Operand, b: Operand): Value => this.#two('Less', a, b);
  lessOrEqual = (a: Operand, b: Operand): Value => this.#two('LessOrEqual', a, b);
  greater = (a: Operand, b: Operand): Value => this.#two('Greater', a, b);
  greaterOrEqual = (a: Operand, b: Operand): Value => this.#two('GreaterOrEqual', a, b);
  and = (a: Value, b: Value): Value => this.op('And', [a, b]);
  or = (a: Value, b: Value): Value => this.op('Or', [a, b]);
  not = (a: Value): Value => this.op('Not', [a]);
  cast = (x: Value, to: DType): Value => (x.dtype === to ? x : this.op('Cast', [x], { to }));

  /** Element by element: `whenTrue` where the bool condition holds, else `whenFalse`. */
  where(condition: Value, whenTrue: Operand, whenFalse: Operand): Value {
    const dtype =
      typeof whenTrue === 'object'
        ? whenTrue.dtype
        : typeof whenFalse === 'object'
          ? whenFalse.dtype
          : 'float32';
    return this.op('Where', [condition, this.#lift(whenTrue, dtype), this.#lift(whenFalse, dtype)]);
  }

  // Matrix products.
  matmul = (a: Value, b: Value): Value => this.op('MatMul', [a, b]);
  /** x W + b with W (in, out), b (out); x may have leading axes. */
  linear(x: Value, weight: Value, bias?: Value): Value {
    const product = this.matmul(x, weight);
    return bias ? this.add(product, bias) : product;
  }
  /** alpha op(A) op(B), where op swaps the last two axes if asked: the fused kernel of the runtime. */
  matmulT(a: Value, b: Value, { transA = false, transB = false, alpha = 1 } = {}): Value {
    if (!transA && !transB && alpha === 1) return this.matmul(a, b);
    return this.op('FusedMatMul', [a, b], { transA: Number(transA), transB: Number(transB), alpha });
  }

  // Normalisation and reduction; without axes, over all.
  softmax = (x: Value, axis = -1): Value => this.op('Softmax', [x], { axis });
  logSoftmax = (x: Value, axis = -1): Value => this.op('LogSoftmax', [x], { axis });
  /** Ba et al. 2016, over the last axis, biased variance. */
  layerNorm = (x: Value, scale: Value, bias?: Value, epsilon = 1e-5): Value =>
    this.op('LayerNormalization', [x, scale, bias], { axis: -1, epsilon });
  reduceSum = (x: Value, axes?: readonly number[], keepdims = false): Value =>
    this.#reduce('ReduceSum', x, axes, keepdims);
  reduceMean = (x: Value, axes?: readonly number[], keepdims = false): Value =>
    this.#reduce('ReduceMean', x, axes, keepdims);
  reduceMax = (x: Value, axes?: readonly number[], keepdims = false): Value =>
    this.#reduce('ReduceMax', x, axes, keepdims);
  cumSum = (x: Value, axis: number, { reverse = false, exclusive = false } = {}): Value =>
    this.op('CumSum', [x, this.constant(axis, 'int64')], {
      reverse: Number(reverse),
      exclusive: Number(exclusive),
    });

  // Shapes.
  /** Axes in the given order. */
  transpose = (x: Value, perm: readonly number[]): Value => this.op('Transpose', [x], { perm: [...perm] });
  unsqueeze = (x: Value, axes: readonly number[]): Value => this.op('Unsqueeze', [x, this.ints(axes)]);
  squeeze = (x: Value, axes: readonly number[]): Value => this.op('Squeeze', [x, this.ints(axes)]);
  concat = (parts: readonly Value[], axis: number): Value =>
    parts.length === 1 && parts[0] ? parts[0] : this.op('Concat', parts, { axis });
  tile = (x: Value, repeats: readonly number[]): Value => this.op('Tile', [x, this.ints(repeats)]);

  /** The same elements in another shape; one size may be -1, and symbolic sizes of x may be named. */
  reshape(x: Value, shape: readonly Dim[]): Value {
    const kept = shape.map((dim, i) => (typeof dim === 'string' && dim === x.shape[i] ? 0 : dim));
    const open = kept.filter((dim) => typeof dim === 'string' || dim === -1);
    const target =
      open.length <= 1
        ? this.ints(kept.map((dim) => (typeof dim === 'string' ? -1 : dim)))
        : this.shapeTensor(shape, [x]);
    return this.op('Reshape', [x, target]);
  }

  /** Broadcast to a shape; symbolic sizes are taken from x or from `like`. */
  expand = (x: Value, shape: readonly Dim[], like: readonly Value[] = []): Value =>
    this.op('Expand', [x, this.shapeTensor(shape, [x, ...like])]);

  /** Parts of the given sizes along an axis. */
  split = (x: Value, sizes: readonly number[], axis: number): Value[] =>
    this.ops('Split', [x, this.ints(sizes)], { axis }, sizes.length);

  /** Elements start (inclusive) to end (exclusive, default all) of an axis. */
  slice = (x: Value, axis: number, start: number, end = END, step = 1): Value =>
    this.op('Slice', [x, this.ints([start]), this.ints([end]), this.ints([axis]), this.ints([step])]);

  // Indexing.
  /** Rows of a table by id: table (rows, …), ids (…) -> (…ids, …). */
  gather = (table: Value, ids: Value, axis = 0): Value => this.op('Gather', [table, ids], { axis });
  /** x[…, index, …] element by element; index has x's rank. */
  gatherElements = (x: Value, index: Value, axis = -1): Value =>
    this.op('GatherElements', [x, index], { axis });
  /** x with the updates added at index along an axis; repeated indices all count. */
  scatterAdd = (x: Value, index: Value, updates: Value, axis = 0): Value =>
    this.op('ScatterElements', [x, index, updates], { axis, reduction: 'add' });
  /** Float rows of zeros with a one at the id; a new last axis of size depth. */
  oneHot = (ids: Value, depth: number): Value =>
    this.op('OneHot', [ids, this.constant(depth, 'int64'), this.constant([0, 1])], { axis: -1 });
  /** The k largest along the last axis: values and int64 positions. */
  topK(x: Value, k: number): [Value, Value] {
    const [values, indices] = this.ops('TopK', [x, this.ints([k])], { axis: -1 }, 2);
    return [values!, indices!];
  }

  /** An int64 constant. */
  ints = (values: readonly number[]): Value => this.constant(values, 'int64');

  /** Zeros in the shape of a value. */
  zerosLike(x: Value): Value {
    const fixed = staticShape(x.shape);
    return fixed
      ? this.op('ConstantOfShape', [this.ints(fixed)], { value: 0, dtype: x.dtype })
      : this.op('ConstantOfShape', [this.op('Shape', [x])], { value: 0, dtype: x.dtype });
  }

  /** The number of elements of x as a float scalar. */
  sizeOf(x: Value): Value {
    const total = multiplyDims(x.shape);
    return typeof total === 'number' ? this.constant(total) : this.cast(this.op('Size', [x]), 'float32');
  }

  /** A shape as an int64 vector: a constant where all sizes are known, else read off the values that have the sizes. */
  shapeTensor(shape: readonly Dim[], like: readonly Value[]): Value {
    const fixed = staticShape(shape);
    if (fixed) return this.ints(fixed);
    const exact = like.find(
      (v) => v.shape.length === shape.length && v.shape.every((dim, i) => dim === shape[i]),
    );
    if (exact) return this.op('Shape', [exact]);
    return this.concat(
      shape.map((dim) => this.#dimTensor(dim, like)),
      0,
    );
  }

  #dimTensor(dim: Dim, like: readonly Value[]): Value {
    if (typeof dim === 'number') return this.ints([dim]);
    for (const value of like) {
      const axis = value.shape.indexOf(dim);
      if (axis >= 0) return this.op('Shape', [value], { start: axis, end: axis + 1 });
    }
    const parts = dim.split('*');
    if (parts.length > 1) {
      return parts
        .map((part) => this.#dimTensor(Number.isInteger(Number(part)) ? Number(part) : part, like))
        .reduce((product, part) => this.op('Mul', [product, part]));
    }
    const known = like.map((v) => `${v.name} [${v.shape}]`).join(', ');
    throw new GraphError(
      `Size ${dim} is not among those of ${known}; specialise the graph to fixed sizes first.`,
    );
  }

  #reduce(
    op: 'ReduceSum' | 'ReduceMean' | 'ReduceMax',
    x: Value,
    axes: readonly number[] | undefined,
    keep: boolean,
  ): Value {
    const all = axes ?? x.shape.map((_, i) => i);
    const positive = all.map((axis) => normaliseAxis(axis, x.shape.length)).sort((a, b) => a - b);
    if (positive.length === 0) return x;
    return this.op(op, [x, this.ints(positive)], { keepdims: Number(keep) });
  }

  #two(
    op:
      | 'Add'
      | 'Sub'
      | 'Mul'
      | 'Div'
      | 'Max'
      | 'Min'
      | 'Equal'
      | 'Less'
      | 'LessOrEqual'
      | 'Greater'
      | 'GreaterOrEqual',
    a: Operand,
    b: Operand,
  ): Value {
    const dtype = typeof a === 'object' ? a.dtype : typeof b === 'object' ? b.dtype : 'float32';
    return this.op(op, [this.#lift(a, dtype), this.#lift(b, dtype)]);
  }

  #lift(operand: Operand, dtype: DType): Value {
    if (typeof operand === 'object') return operand;
    if (!isFloat(dtype) && !Number.isInteger(operand)) {
      throw new GraphError(`${operand} is no ${dtype}; cast the other operand to float32 first.`);
    }
    return this.constant(tensor(dtype, [], [operand]));
  }
}
