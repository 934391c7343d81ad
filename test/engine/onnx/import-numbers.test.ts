import { TensorProto_DataType } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { importModel, interpret, tensor } from '../../../lib/engine/onnx/index.ts';
import { foreignModel, type GraphInit, info, node, stored, type TensorInit } from './support/foreign.ts';
import { runGraph } from './support/runtime.ts';

const f32 = (shape: number[], values: number[]) => tensor('float32', shape, values);

describe('numbers of an imported model', () => {
  it('are widened from half, bfloat16 and double, and casts to these become float32', async () => {
    // given: 1.5, -2 and 0.333251953125 (half), 2^-24 the smallest half; the same first three as bfloat16
    const half: TensorInit = {
      name: 'half',
      dims: [2n, 2n],
      dataType: TensorProto_DataType.FLOAT16,
      rawData: new Uint8Array(Uint16Array.of(0x3e00, 0xc000, 0x3555, 0x0001).buffer),
    };
    const brain: TensorInit = {
      name: 'brain',
      dims: [2n],
      dataType: TensorProto_DataType.BFLOAT16,
      int32Data: [0x3fc0, 0xc000],
    };
    const halfCode = BigInt(TensorProto_DataType.FLOAT16);
    const bytes = foreignModel({
      input: [info('x', 'float32', [1, 2])],
      initializer: [half, brain, stored('double', tensor('float64', [2], [0.1, 0.2]))],
      node: [
        node('Cast', ['x'], ['xh'], { to: Number(halfCode) }),
        node('MatMul', ['xh', 'half'], ['p']),
        node('Add', ['p', 'brain'], ['q']),
        node('Mul', ['q', 'double'], ['r']),
        node('Cast', ['r'], ['y'], { to: 1 }),
      ],
      output: [info('y', 'float32')],
    });
    // when
    const graph = importModel(bytes);
    // then
    expect(graph.parameters.map(({ data }) => [...data])).toEqual([
      [1.5, -2, 0.333251953125, 2 ** -24],
      [1.5, -2],
      [Math.fround(0.1), Math.fround(0.2)],
    ]);
    expect(graph.nodes.map(({ op }) => op)).toEqual(['MatMul', 'Add', 'Mul']);
    const { y } = await runGraph(graph, { x: f32([1, 2], [1, 0]) });
    expect(y!.data[0]).toBeCloseTo(0.3, 6);
    expect(y!.data[1]).toBeCloseTo(-0.8, 6);
  });

  it('are refused where they are weights and no numbers, by name', () => {
    // given: a layer whose training diverged
    const bytes = foreignModel({
      input: [info('x', 'float32', [1, 2])],
      initializer: [
        stored('dense.weight', f32([2, 2], [1, Number.NaN, 3, Number.POSITIVE_INFINITY])),
        stored('dense.bias', f32([2], [0, 1])),
      ],
      node: [node('MatMul', ['x', 'dense.weight'], ['p']), node('Add', ['p', 'dense.bias'], ['y'])],
      output: [info('y', 'float32')],
    });
    // when / then
    expect(() => importModel(bytes)).toThrow(
      /NaN or infinite: dense\.weight \(2 of 4\)\. Its training diverged/,
    );
  });

  it('are what was meant where a constant was rounded', () => {
    // given
    const scalars = [Math.SQRT2, 1e-12, 1 / Math.sqrt(32), 24 ** -0.25, Math.sqrt(2 / Math.PI), 0.123456789];
    const g = (value: number): GraphInit => ({
      input: [info('x', 'float32', [1])],
      initializer: [stored('c', f32([], [Math.fround(value)]))],
      node: [node('Mul', ['x', 'c'], ['y'])],
      output: [info('y', 'float32')],
    });
    // when
    const read = scalars.map((value) => {
      const graph = importModel(foreignModel(g(value)));
      return interpret(graph, { x: f32([1], [1]) }).y!.data[0]!;
    });
    // then
    scalars.slice(0, -1).forEach((value, i) => {
      expect(Math.abs(read[i]! / value - 1)).toBeLessThan(1e-15);
    });
    expect(read.at(-1)).toBe(Math.fround(0.123456789));
  });
});
