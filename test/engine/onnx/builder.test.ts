import { describe, expect, it } from 'vitest';
import { GraphBuilder, GraphError, interpret, tensor } from '../../../lib/engine/onnx/index.ts';

describe('GraphBuilder', () => {
  it('carries a symbolic batch through a model', () => {
    // given
    const g = new GraphBuilder('shapes');
    const x = g.input('x', 'float32', ['batch', 6, 8]);
    const w = g.parameter('w', [8, 4], new Float32Array(32));
    // when / then
    expect(g.matmul(x, w).shape).toEqual(['batch', 6, 4]);
    expect(g.add(x, g.constant([1])).shape).toEqual(['batch', 6, 8]);
    expect(g.reshape(x, ['batch', 6, 2, 4]).shape).toEqual(['batch', 6, 2, 4]);
    expect(g.reshape(x, [-1, 8]).shape).toEqual(['6*batch', 8]);
    expect(g.reshape(g.reshape(x, [-1, 8]), [-1, 6, 8]).shape).toEqual(['batch', 6, 8]);
    expect(g.transpose(x, [2, 0, 1]).shape).toEqual([8, 'batch', 6]);
    expect(g.reduceMean(x, [0, 1]).shape).toEqual([8]);
    expect(g.concat([x, x], -1).shape).toEqual(['batch', 6, 16]);
    expect(g.slice(x, 1, -2).shape).toEqual(['batch', 2, 8]);
    expect(g.expand(g.constant([0]), ['batch', 3], [x]).shape).toEqual(['batch', 3]);
    expect(g.gather(w, g.input('ids', 'int64', ['batch', 5])).shape).toEqual(['batch', 5, 4]);
    expect(g.oneHot(g.value('ids'), 7).shape).toEqual(['batch', 5, 7]);
    expect(g.split(x, [2, 4], 1).map(({ shape }) => shape)).toEqual([
      ['batch', 2, 8],
      ['batch', 4, 8],
    ]);
    expect(g.equal(g.value('ids'), 0)).toMatchObject({ dtype: 'bool', shape: ['batch', 5] });
  });

  it('follows sizes that are computed in the graph', () => {
    // given: what exporters write for reshape(x, (batch, time * width / 2, 2))
    const g = new GraphBuilder('sizes');
    const x = g.input('x', 'float32', ['batch', 6, 8]);
    const shape = g.op('Shape', [x]);
    const pick = (i: number) => g.gather(shape, g.constant(i, 'int64'));
    const half = g.div(g.mul(pick(1), pick(2)), 2);
    const larger = g.where(g.less(half, 3), 3, half);
    // when
    const target = g.concat([g.unsqueeze(pick(0), [0]), g.unsqueeze(larger, [0]), g.ints([-1])], 0);
    // then
    expect(g.op('Reshape', [x, target]).shape).toEqual(['batch', 24, 2]);
    expect(g.numbersOf(larger)).toEqual([24]);
    expect(g.op('ConstantOfShape', [g.slice(shape, 0, 0, 3, 2)]).shape).toEqual(['batch', 8]);
    expect(g.op('ConstantOfShape', [g.slice(shape, 0, -1, -9, -1)]).shape).toEqual([8, 6, 'batch']);
    expect(g.op('ConstantOfShape', [g.op('Shape', [x], { start: -2 })]).shape).toEqual([6, 8]);
    expect(g.op('ConstantOfShape', [g.mul(shape, g.ints([2, 1, 1]))]).shape).toEqual(['2*batch', 6, 8]);
  });

  it('leaves open what only fixed sizes tell, and agrees with what stands beside it', () => {
    // given
    const g = new GraphBuilder('open');
    const x = g.input('x', 'float32', ['batch', 6]);
    const ids = g.input('ids', 'int64', ['batch', 'time']);
    const time = g.op('Shape', [ids], { start: 1 });
    const positions = g.input('positions', 'float32', [512, 6]);
    // when
    const rest = g.slice(x, 0, 1);
    const first = g.op('Slice', [positions, g.ints([0]), time, g.ints([0])]);
    const padded = g.op('Pad', [ids, g.ints([0, 1]), undefined, g.ints([1])]);
    const wished = g.concat([g.ints([-1]), g.op('Shape', [ids]), g.ints([6])], 0);
    const ones = g.op('ConstantOfShape', [g.ints([4])], { value: 1, dtype: 'int64' });
    // when / then
    expect(rest.shape).toEqual([expect.stringContaining('Slice'), 6]);
    expect(g.add(rest, g.input('five', 'float32', [5, 6])).shape).toEqual([5, 6]);
    expect(g.add(rest, g.input('rows', 'float32', ['rows', 6])).shape).toEqual(['rows', 6]);
    expect(first.shape).toEqual(['time', 6]);
    expect(padded.shape).toEqual(['batch', 'time + 1']);
    const row = g.constant([1, 2, 3, 4, 5, 6]);
    expect(g.op('Expand', [row, g.where(g.equal(wished, -1), ones, wished)]).shape).toEqual([
      1,
      'batch',
      'time',
      6,
    ]);
    expect(() => g.add(x, g.value('rows'))).toThrow('do not broadcast');
  });

  it('names the node, the operator and the shapes when they do not fit', () => {
    // given
    const g = new GraphBuilder('errors');
    const x = g.input('x', 'float32', ['batch', 6]);
    const y = g.input('y', 'float32', [5, 3]);
    const i = g.input('i', 'int64', [6]);
    // when / then
    expect(() => g.matmul(x, y)).toThrow(
      /MatMul_\d+ \(MatMul\) of \(float32\[batch, 6\], float32\[5, 3\]\): inner sizes 6 and 5 differ/,
    );
    expect(() => g.add(x, y)).toThrow(/Add.*float32\[batch, 6\], float32\[5, 3\].*do not broadcast/);
    expect(() => g.add(x, i)).toThrow(/Add.*must share one type, here float32 and int64/);
    expect(() => g.reshape(y, [4, 4])).toThrow('15 elements do not fill [4, 4]');
    expect(() => g.transpose(x, [0, 0])).toThrow('perm [0,0] is no permutation of 2 axes');
    expect(() => g.softmax(x, 2)).toThrow('axis 2 is outside rank 2');
    expect(() => g.gather(y, x)).toThrow('input 1 must be an int32 or int64 tensor');
    expect(() => g.layerNorm(x, g.constant([1, 1]))).toThrow('scale and bias must have the shape [6]');
    expect(() => g.split(y, [1, 1], 1)).toThrow('parts [1,1] do not add up to 3');
    expect(() => g.where(x, 1, 0)).toThrow('the condition must be bool');
    expect(() => g.where(g.less(x, 0), g.less(x, 1), g.less(x, 2))).toThrow('no choice between bool values');
    expect(() => g.less(g.less(x, 0), g.less(x, 1))).toThrow('bool has no order');
    expect(() => g.ints([0.5])).toThrow('0.5 is no int64');
    expect(() => g.topK(y, 4)).toThrow('k is 4, but axis 1 has 3 elements');
    expect(() => g.op('Gelu', [x], { approximate: 'fast' })).toThrow(
      'approximate must be none or tanh, not fast',
    );
    expect(() => g.op('Softmax', [x], { axes: 1 })).toThrow(/Softmax.*has no attribute axes; known: axis/);
    expect(() => g.op('Softmax', [x], { axis: 'last' })).toThrow('attribute axis must be int, not "last"');
    expect(() => g.op('Add', [x])).toThrow('takes 2 to 2 inputs, not 1');
    expect(() => g.add(i, 0.5)).toThrow('0.5 is no int64');
    expect(() => g.reduceSum(x, [2])).toThrow('axis 2 is outside a tensor of rank 2');
    expect(() => g.add(x, y)).toThrow(GraphError);
  });

  it('refuses names used twice, parameters that do not fill their shape and graphs without outputs', () => {
    // given
    const g = new GraphBuilder('names');
    const x = g.input('x', 'float32', [2]);
    // when / then
    expect(() => g.input('x', 'float32', [2])).toThrow('The name x is used twice');
    expect(() => g.parameter('w', [2, 3], new Float32Array(5))).toThrow(
      'Parameter w of shape [2,3] needs 6 values, not 5',
    );
    expect(() => g.input('n', 'float32', [2.5])).toThrow('Input n cannot have an axis of size 2.5');
    const short = { dtype: 'float32' as const, shape: [3], data: Float32Array.of(1, 2) };
    expect(() => g.constant(short)).toThrow('A constant of shape [3] cannot hold 2 elements');
    expect(() => g.value('z')).toThrow('reads z, which nothing before it produces');
    expect(() => g.build()).toThrow('Graph names has no outputs');
    expect(() => tensor('int64', [2], [1])).toThrow('needs 2 values, not 1');
    g.output('y', g.add(x, 1));
    g.output('y', g.add(x, 2));
    expect(() => g.build()).toThrow('The name y is used twice');
  });

  it('emits equal operations once and equal constants once', () => {
    // given
    const g = new GraphBuilder('shared');
    const x = g.input('x', 'float32', [2]);
    // when
    g.output('y', g.mul(g.add(x, 1), g.add(x, 1)));
    g.output('z', g.sub(g.add(x, 1), 1));
    // then
    const graph = g.build();
    expect(graph.nodes.map(({ op }) => op).sort()).toEqual(['Add', 'Mul', 'Sub']);
    expect(graph.initializers.length).toBe(1);
  });

  it('names outputs without copying, except where one value has two names or is an input', () => {
    // given
    const g = new GraphBuilder('outputs');
    const x = g.input('x', 'float32', [2]);
    const y = g.add(x, 1);
    // when
    g.output('y', y);
    g.output('same', y);
    g.output('input', x);
    // then
    const graph = g.build();
    expect(graph.nodes.map(({ op, outputs }) => [op, ...outputs])).toEqual([
      ['Add', 'y'],
      ['Identity', 'same'],
      ['Identity', 'input'],
    ]);
    const outputs = interpret(graph, { x: tensor('float32', [2], [1, 2]) });
    expect([...outputs.same!.data]).toEqual([2, 3]);
    expect([...outputs.input!.data]).toEqual([1, 2]);
  });

  it('prefixes names by scope', () => {
    // given
    const g = new GraphBuilder('scopes');
    const x = g.input('x', 'float32', [2]);
    // when
    const inner = g.scope('encoder', () => g.scope('0', () => g.tanh(x)));
    // then
    expect(inner.name).toMatch(/^encoder\/0\/Tanh_\d+$/);
    expect(g.tanh(inner).name).toMatch(/^Tanh_\d+$/);
  });

  it('says which input is not fed or does not fit', () => {
    // given
    const g = new GraphBuilder('feeds');
    g.output('y', g.neg(g.input('x', 'float32', ['batch', 2])));
    const graph = g.build();
    // when / then
    expect(() => interpret(graph, {})).toThrow('Input x float32[batch, 2] of graph feeds is not fed');
    expect(() => interpret(graph, { x: tensor('float32', [3], [1, 2, 3]) })).toThrow(
      'Input x is [batch, 2], but the feed is [3]',
    );
  });
});
