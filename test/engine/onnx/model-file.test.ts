import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema, NodeProtoSchema } from 'onnx-buf';
import { describe, expect, it } from 'vitest';
import { differentiate } from '../../../lib/engine/autodiff/index.ts';
import {
  asParameters,
  decodeModel,
  encodeModel,
  type Graph,
  GraphBuilder,
  GraphError,
  interpret,
  isFloat,
  tensor,
} from '../../../lib/engine/onnx/index.ts';
import { blockNames, buildBlock, tensorsOf } from '../nn/blocks.ts';
import { relativeError } from './support/compare.ts';
import { runGraph, runModel, toRuntime } from './support/runtime.ts';
import { readSafetensors } from './support/safetensors.ts';

function small(): Graph {
  const g = new GraphBuilder('small');
  const x = g.input('x', 'float32', ['batch', 3]);
  const w = g.parameter('w', [3, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  const table = g.constant(tensor('float32', [2], [0.1, 0.2]));
  g.output('y', g.add(g.gelu(g.matmul(x, w)), table));
  g.output('size', g.op('Shape', [x]));
  g.output('fill', g.op('ConstantOfShape', [g.ints([2])], { value: 7, dtype: 'int64' }));
  g.output('big', g.cast(g.greater(g.layerNorm(x, g.constant([1, 1, 1]), undefined, 1e-12), 0), 'int32'));
  return g.build();
}

const feeds = { x: tensor('float32', [2, 3], [1, -1, 0.5, 2, 0, -3]) };

describe('model files', () => {
  it('come back as the same graph, types, parameters and metadata included', () => {
    // given
    const graph = small();
    // when
    const bytes = encodeModel(graph, { parametersAs: 'initializers', metadata: { 'model.version': '3' } });
    const read = decodeModel(bytes);
    // then
    expect(read.nodes).toEqual(graph.nodes);
    expect(read.inputs).toEqual(graph.inputs);
    expect(read.outputs).toEqual(graph.outputs);
    expect(read.parameters).toEqual(graph.parameters);
    expect(read.values).toEqual(graph.values);
    expect(read.metadata).toEqual({ 'model.version': '3' });
    expect(encodeModel(read, { parametersAs: 'initializers' })).toEqual(bytes);
  });

  it.each(blockNames)('hold %s with its gradients, byte for byte when written again', (block) => {
    // given
    const all = readSafetensors(new URL('../../fixtures/reference/seq-blocks.safetensors', import.meta.url));
    const graph = buildBlock(block, tensorsOf(all, block));
    const floats = graph.inputs.filter(({ dtype }) => isFloat(dtype));
    const wrt = [...graph.parameters, ...floats].map(({ name }) => name);
    const gradients = differentiate(graph, { loss: 'loss', wrt });
    for (const parametersAs of ['inputs', 'initializers'] as const) {
      // when
      const bytes = encodeModel(gradients, { parametersAs });
      // then
      expect(encodeModel(decodeModel(bytes), { parametersAs })).toEqual(bytes);
    }
  });

  it('run with parameters as inputs and as initializers alike', async () => {
    // given
    const graph = small();
    const expected = interpret(graph, feeds);
    // when
    const fed = await runGraph(graph, feeds);
    const stored = await runModel(encodeModel(graph, { parametersAs: 'initializers' }), {
      x: toRuntime(feeds.x),
    });
    // then
    for (const outputs of [fed, stored]) {
      expect(relativeError(outputs.y!.data, expected.y!.data)).toBeLessThan(1e-6);
      expect(outputs.size!.data).toEqual([2, 3]);
      expect(outputs.fill!.data).toEqual([7, 7]);
      expect(outputs.big!.data).toEqual([...expected.big!.data]);
    }
  });

  it('give constants that can be made parameters', () => {
    // given
    const bytes = encodeModel(small(), { parametersAs: 'initializers' });
    const file = fromBinary(ModelProtoSchema, bytes);
    file.metadataProps = [];
    const foreign = decodeModel(toBinary(ModelProtoSchema, file));
    expect(foreign.parameters).toEqual([]);
    // when
    const trainable = asParameters(foreign, ['w']);
    // then
    expect(trainable.parameters).toEqual(small().parameters);
    expect(trainable.initializers.map(({ name }) => name)).not.toContain('w');
    expect(() => asParameters(foreign, ['v'])).toThrow('Graph small has no float32 constant v to train');
  });

  it('are read with fixed sizes for named axes', () => {
    // given
    const bytes = encodeModel(small(), { parametersAs: 'initializers' });
    // when
    const read = decodeModel(bytes, { dims: { batch: 5 } });
    // then
    expect(read.outputs[0]).toEqual({ name: 'y', dtype: 'float32', shape: [5, 2] });
    expect(() => decodeModel(bytes, { dims: { rows: 5 } })).toThrow(
      'No input has an axis rows; the named axes are: batch',
    );
  });

  it('that cannot be used say why', () => {
    // given
    const bytes = encodeModel(small(), { parametersAs: 'initializers' });
    const edited = (edit: (file: ReturnType<typeof parse>) => void): Uint8Array => {
      const file = parse(bytes);
      edit(file);
      return toBinary(ModelProtoSchema, file);
    };
    const parse = (data: Uint8Array) => fromBinary(ModelProtoSchema, data);
    const foreign = edited(({ graph }) => {
      graph!.node.push(create(NodeProtoSchema, { opType: 'Einsum', name: 'mix' }));
      graph!.node.push(
        create(NodeProtoSchema, { opType: 'Attention', domain: 'com.microsoft', name: 'att' }),
      );
    });
    // when / then
    expect(() => decodeModel(bytes.subarray(0, bytes.length - 5))).toThrow(
      /bytes are no ONNX model.*truncated/,
    );
    expect(() => decodeModel(new Uint8Array(0))).toThrow('holds no graph');
    expect(() => decodeModel(foreign)).toThrow(
      'unsupported operators: Einsum (node mix), com.microsoft.Attention (node att)',
    );
    expect(() => decodeModel(edited((file) => (file.opsetImport[0]!.version = 11n)))).toThrow(
      'operator set 11',
    );
    expect(() => decodeModel(edited((file) => (file.opsetImport[0]!.version = 21n)))).toThrow(
      'operator set 21, not our 20; read a model of others by importModel',
    );
    expect(() => decodeModel(edited(({ graph }) => (graph!.initializer[0]!.dataType = 14)))).toThrow(
      'of type COMPLEX64',
    );
    expect(() => decodeModel(edited(({ graph }) => (graph!.initializer[0]!.dataLocation = 1)))).toThrow(
      'in another file',
    );
    expect(() => decodeModel(edited(({ graph }) => (graph!.initializer[0]!.dims = [9n])))).toThrow(
      'elements, not 9',
    );
    expect(() => decodeModel(edited(({ graph }) => graph!.node.reverse()))).toThrow(
      'which nothing before it produces',
    );
    expect(() => decodeModel(edited((file) => (file.metadataProps[0]!.value = '{')))).toThrow(
      'not a JSON list of names',
    );
    expect(() => decodeModel(foreign)).toThrow(GraphError);
  });
});
