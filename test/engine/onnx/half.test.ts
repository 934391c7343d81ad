import { create } from '@bufbuild/protobuf';
import { NodeProtoSchema } from 'onnx-buf';
import { expect, it } from 'vitest';
import { halfProducts } from '../../../lib/engine/onnx/half.ts';

it('products are computed in half precision, sums that are written as products are not', () => {
  // given a product, and the sum of its rows as a product by ones
  const node = (opType: string, input: string[], output: string) =>
    create(NodeProtoSchema, { opType, input, output: [output] });
  const nodes = [
    node('MatMul', ['x', 'w'], 'y'),
    node('ConstantOfShape', ['shape'], 'ones'),
    node('MatMul', ['ones', 'y'], 'sum'),
  ];
  // when
  const mixed = halfProducts(nodes).map(({ opType, input, output }) => `${opType} ${input} ${output}`);
  // then
  expect(mixed).toEqual([
    'Cast x half:x',
    'Cast w half:w',
    'MatMul half:x,half:w half:y',
    'Cast half:y y',
    'ConstantOfShape shape ones',
    'MatMul ones,y sum',
  ]);
});
