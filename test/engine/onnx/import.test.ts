import { create } from '@bufbuild/protobuf';
import {
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  GraphProtoSchema,
  type NodeProto,
} from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { differentiate, gradientName } from '../../../lib/engine/autodiff/index.ts';
import {
  GraphBuilder,
  GraphError,
  importModel,
  interpret,
  specialise,
  tensor,
} from '../../../lib/engine/onnx/index.ts';
import { foreignModel, type GraphInit, info, node, stored } from './support/foreign.ts';
import { runGraph } from './support/runtime.ts';

const f32 = (shape: number[], values: number[]) => tensor('float32', shape, values);
const i64 = (shape: number[], values: number[]) => tensor('int64', shape, values);

/** ids -> embedding -> LayerNorm -> linear with a bias, and a scale and mask that are no weights. */
const encoder: GraphInit = {
  input: [info('ids', 'int64', ['batch', 'time']), info('table', 'float32', [5, 2])],
  initializer: [
    stored('table', f32([5, 2], [1, 2, -1, 0.5, 3, 1, 2, -2, 0, 1])),
    stored('norm.weight', f32([2], [1, 1])),
    stored('norm.bias', f32([2], [0, 0])),
    stored('onnx::MatMul_7', f32([2, 2], [1, -1, 2, 0.5])),
    stored('out.bias', f32([1], [0.25])),
    stored('scale', f32([1], [0.5])),
    stored('mask', f32([2], [0, -Infinity])),
    stored('rotary.inv_freq', f32([1, 2], [1, 0.1])),
  ],
  node: [
    node('Gather', ['table', 'ids'], ['words']),
    node('LayerNormalization', ['words', 'norm.weight', 'norm.bias'], ['h1']),
    node('Identity', ['norm.weight'], ['norm2.weight']),
    node('Identity', ['norm.bias'], ['norm2.bias']),
    node('LayerNormalization', ['h1', 'norm2.weight', 'norm2.bias'], ['h2']),
    node('MatMul', ['h2', 'onnx::MatMul_7'], ['product']),
    node('Add', ['product', 'out.bias'], ['biased']),
    node('Mul', ['biased', 'scale'], ['scaled']),
    node('Mul', ['scaled', 'rotary.inv_freq'], ['turned']),
    node('Add', ['turned', 'mask'], ['masked']),
    node('Softmax', ['masked'], ['y']),
  ],
  output: [info('y', 'float32'), info('turned', 'float32')],
};

describe('importModel', () => {
  it('makes weights parameters under their names and leaves scales, masks and rotary tables constants', () => {
    // given
    const bytes = foreignModel(encoder);
    // when
    const graph = importModel(bytes);
    // then
    expect(graph.inputs).toEqual([{ name: 'ids', dtype: 'int64', shape: ['batch', 'time'] }]);
    expect(graph.parameters.map(({ name }) => name)).toEqual([
      'table',
      'norm.weight',
      'norm.bias',
      'onnx::MatMul_7',
      'out.bias',
      'norm2.weight',
      'norm2.bias',
    ]);
    expect(graph.initializers.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['scale', 'mask', 'rotary.inv_freq']),
    );
    expect(graph.outputs[0]).toEqual({ name: 'y', dtype: 'float32', shape: ['batch', 'time', 2] });
    expect(graph.nodes.map(({ name }) => name)).toContain('MatMul:product');
    expect(importModel(bytes, { dims: { batch: 3 } }).outputs[0]!.shape).toEqual([3, 'time', 2]);
  });

  it('trains aliases of equal weights apart, unless they are tied', () => {
    // given
    const bytes = foreignModel(encoder);
    const feeds = { ids: i64([2, 2], [0, 1, 2, 3]) };
    const gradientsOf = (graph: ReturnType<typeof importModel>) => {
      const g = GraphBuilder.from(specialise(graph, { batch: 2, time: 2 }));
      g.output('loss', g.reduceSum(g.square(g.value('turned'))));
      const wrt = ['norm.weight', 'norm2.weight'].filter((name) =>
        graph.parameters.some((p) => p.name === name),
      );
      return interpret(differentiate(g.build(), { loss: 'loss', wrt }), feeds);
    };
    // when
    const apart = gradientsOf(importModel(bytes));
    const tied = importModel(bytes, { tied: [['norm.weight', 'norm2.weight']] });
    // then
    const [first, second] = ['norm.weight', 'norm2.weight'].map((name) => apart[gradientName(name)]!.data);
    expect(first).not.toEqual(second);
    expect(tied.parameters.map(({ name }) => name)).not.toContain('norm2.weight');
    expect(tied.parameters.map(({ name }) => name)).toContain('norm2.bias');
    gradientsOf(tied)[gradientName('norm.weight')]!.data.forEach((value, i) => {
      expect(value).toBeCloseTo(first![i]! + second![i]!, 10);
    });
    const [one, two] = ['norm.weight', 'norm2.weight'].map(
      (name) => importModel(bytes).parameters.find((p) => p.name === name)!.data,
    );
    one![0] = 7;
    expect(two![0]).toBe(1);
  });

  it('puts functions in place, with their attributes, nested calls and unused outputs', () => {
    // given: outer(x) = inner(x, alpha = 3) + x; inner(x, alpha) = LeakyRelu(x, alpha), and a copy of x
    const alpha = create(AttributeProtoSchema, {
      name: 'alpha',
      refAttrName: 'alpha',
      type: AttributeProto_AttributeType.FLOAT,
    });
    const leaky = node('LeakyRelu', ['a'], ['b']);
    leaky.attribute.push(alpha);
    const functions = [
      {
        domain: 'pkg',
        name: 'inner',
        input: ['a'],
        output: ['b', 'a'],
        attribute: ['alpha'],
        opsetImport: [{ domain: '', version: 17n }],
        node: [leaky],
      },
      {
        domain: 'pkg',
        name: 'outer',
        input: ['x'],
        output: ['y'],
        opsetImport: [
          { domain: '', version: 17n },
          { domain: 'pkg', version: 1n },
        ],
        node: [node('inner', ['x'], ['b', 'copy'], { alpha: 3 }, 'pkg'), node('Add', ['b', 'copy'], ['y'])],
      },
    ];
    const bytes = foreignModel(
      {
        input: [info('x', 'float32', [2])],
        node: [node('outer', ['x'], ['once'], {}, 'pkg'), node('outer', ['once'], ['b'], {}, 'pkg')],
        output: [info('b', 'float32')],
      },
      { functions, domains: ['pkg'] },
    );
    // when
    const graph = importModel(bytes);
    // then
    expect([...interpret(graph, { x: f32([2], [-1, 2]) }).b!.data]).toEqual([-16, 8]);
  });

  it('takes the branch that constants or sizes decide', () => {
    // given: what TorchScript writes for squeeze(1) of an axis that may be 1
    const branch = (name: string, inner: NodeProto): GraphProto =>
      create(GraphProtoSchema, { name, node: [inner], output: [info('inner', 'float32')] });
    const branches = {
      then_branch: branch('then', node('Squeeze', ['x', 'axis'], ['inner'])),
      else_branch: branch('else', node('Identity', ['x'], ['inner'])),
    };
    const bytes = foreignModel({
      input: [info('x', 'float32', ['batch', 'width'])],
      initializer: [stored('axis', i64([1], [1])), stored('one', i64([], [1]))],
      node: [
        node('Shape', ['x'], ['shape']),
        node('Gather', ['shape', 'one'], ['size']),
        node('Equal', ['size', 'one'], ['single']),
        node('If', ['single'], ['y'], branches),
      ],
      output: [info('y', 'float32')],
    });
    // when
    const squeezed = importModel(bytes, { dims: { width: 1 } });
    const kept = importModel(bytes, { dims: { width: 3 } });
    // then
    expect(squeezed.outputs[0]!.shape).toEqual(['batch']);
    expect(kept.outputs[0]!.shape).toEqual(['batch', 3]);
    expect(() => importModel(bytes)).toThrow(
      /If:y \(If\) chooses by a value that is not constant; fix the sizes/,
    );
  });

  it('keeps axes open that are unnamed or computed, until specialise fixes them', async () => {
    // given: positions of the sequence, a window of it, a mask expanded as exporters do
    const bytes = foreignModel({
      input: [info('ids', 'int64', ['s0', '2*s1 + 1']), info('m', 'int64', ['', ''])],
      initializer: [
        stored(
          'positions',
          f32(
            [9, 2],
            Array.from({ length: 18 }, (_, i) => i / 8),
          ),
        ),
        stored('zero', i64([1], [0])),
        stored('one', i64([1], [1])),
        stored('two', i64([1], [2])),
        stored('table', f32([4, 2], [1, 2, 3, 4, 5, 6, 7, 8])),
      ],
      node: [
        node('Gather', ['table', 'ids'], ['words']),
        node('Shape', ['ids'], ['shape']),
        node('Gather', ['shape', 'one'], ['time']),
        node('Slice', ['positions', 'zero', 'time', 'zero'], ['first']),
        node('Add', ['words', 'first'], ['h']),
        node('Slice', ['h', 'one', 'time', 'one'], ['later']),
        node('Slice', ['m', 'one', 'time', 'one'], ['mask']),
        node('Unsqueeze', ['mask', 'two'], ['wide']),
        node('Cast', ['wide'], ['float'], { to: 1 }),
        node('Mul', ['later', 'float'], ['y']),
      ],
      output: [info('y', 'float32')],
    });
    const unnamed = foreignModel({
      ...encoder,
      input: [info('ids', 'int64', ['', ''])],
    });
    // when
    const graph = importModel(bytes);
    const fixed = specialise(graph, { s0: 2, s1: 1, 'm.0': 2, 'm.1': 3 });
    // then
    expect(graph.inputs[0]!.shape).toEqual(['s0', '2*s1 + 1']);
    expect(fixed.outputs[0]!.shape).toEqual([2, 2, 2]);
    const feeds = { ids: i64([2, 3], [0, 1, 2, 3, 0, 1]), m: i64([2, 3], [1, 1, 0, 1, 0, 1]) };
    const [open, closed] = [await runGraph(graph, feeds), await runGraph(fixed, feeds)];
    expect(closed.y!.data).toEqual(open.y!.data);
    expect(closed.y!.data[0]).toBeCloseTo(3.25, 6);
    expect(importModel(unnamed).inputs[0]!.shape).toEqual(['ids.0', 'ids.1']);
  });

  it('joins axes that each input names for itself', () => {
    // given
    const bytes = foreignModel({
      input: [info('a', 'float32', ['a0', 'a1']), info('b', 'float32', ['b0', 'b1'])],
      node: [node('Add', ['a', 'b'], ['y'])],
      output: [info('y', 'float32')],
    });
    // when / then
    expect(importModel(bytes).inputs.map(({ shape }) => shape)).toEqual([
      ['a0', 'a1'],
      ['a0', 'a1'],
    ]);
    expect(importModel(bytes, { dims: { b1: 4 } }).outputs[0]!.shape).toEqual(['a0', 4]);
  });

  it('does not train turned angles and masks of a fixed length, but what is added as positions', () => {
    // given
    const sines = f32([1, 3, 2], [0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    const bytes = foreignModel({
      input: [info('x', 'float32', ['batch', 3, 2])],
      initializer: [
        stored('positions', sines),
        stored('sines', sines),
        stored('window', f32([3, 1], [0, -10000, 0])),
      ],
      node: [
        node('Add', ['x', 'positions'], ['placed']),
        node('Mul', ['placed', 'sines'], ['turned']),
        node('Add', ['turned', 'window'], ['y']),
      ],
      output: [info('y', 'float32')],
    });
    // when / then
    expect(importModel(bytes).parameters.map(({ name }) => name)).toEqual(['positions']);
  });

  it('chooses between bool values, which the runtime cannot', () => {
    // given
    const bytes = foreignModel({
      input: [info('c', 'bool', [3]), info('a', 'bool', [2, 1])],
      initializer: [stored('b', tensor('bool', [1], [0]))],
      node: [node('Where', ['c', 'a', 'b'], ['y'])],
      output: [info('y', 'bool')],
    });
    // when
    const graph = importModel(bytes);
    // then
    const feeds = { c: tensor('bool', [3], [1, 0, 1]), a: tensor('bool', [2, 1], [1, 0]) };
    expect([...interpret(graph, feeds).y!.data]).toEqual([1, 0, 1, 0, 0, 0]);
  });

  it('trains the scale of a normalised table, and what encodings of positions are projected by', () => {
    // given
    const table = tensor('float32', [2, 2], [1, 2, 3, 5]);
    const bytes = foreignModel({
      input: [info('x', 'float32', [2, 2])],
      node: [
        node('ReduceMean', ['table'], ['mean'], { axes: [1] }),
        node('Sub', ['table', 'mean'], ['centred']),
        node('Mul', ['centred', 'scale'], ['scaled']),
        node('Shape', ['x'], ['shape']),
        node('Cast', ['shape'], ['positions'], { to: 1 }),
        node('Cos', ['positions'], ['encoded']),
        node('MatMul', ['encoded', 'projection'], ['projected']),
        node('MatMul', ['x', 'scaled'], ['product']),
        node('Add', ['product', 'projected'], ['y']),
      ],
      initializer: [
        stored('table', table),
        stored('scale', tensor('float32', [2], [1, 2])),
        stored('projection', table),
      ],
      output: [info('y', 'float32')],
    });
    // when / then
    expect(importModel(bytes).parameters.map(({ name }) => name)).toEqual(['table', 'scale', 'projection']);
  });

  it('says what it cannot read', () => {
    // given
    const simple = (nodes: NodeProto[]): GraphInit => ({
      input: [info('x', 'float32', [2, 2])],
      node: nodes,
      output: [info('y', 'float32')],
    });
    const foreign = simple([
      node('Loop', ['x'], ['a']),
      node('BeamSearch', ['a'], ['y'], {}, 'com.microsoft'),
    ]);
    // when / then
    expect(() => importModel(foreignModel(foreign))).toThrow(
      'unsupported operators: Loop (node Loop:a), com.microsoft.BeamSearch (node BeamSearch:y)',
    );
    expect(() => importModel(foreignModel(encoder, { opset: 10 }))).toThrow(
      'operator set 10; export it with 11 to 23',
    );
    expect(() => importModel(foreignModel(encoder, { opset: 24 }))).toThrow('operator set 24');
    expect(() => importModel(new Uint8Array(3).fill(255))).toThrow('no ONNX model');
    expect(() => importModel(foreignModel(simple([node('Relu', ['z'], ['y'])])))).toThrow(
      'Relu:y (Relu) reads z, which nothing before it produces',
    );
    expect(() =>
      importModel(foreignModel(simple([node('Einsum', ['x'], ['y'], { equation: 'ii->i' })]))),
    ).toThrow('Einsum:y (Einsum) of (float32[2, 2]): the diagonal of ii is not supported');
    expect(() =>
      importModel(foreignModel(simple([node('Mul', ['x', 'x'], ['y'])])), { dims: { batch: 2 } }),
    ).toThrow(GraphError);
  });
});
