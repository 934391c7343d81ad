import { readFileSync } from 'node:fs';
import { create, toBinary } from '@bufbuild/protobuf';
import { ModelProtoSchema } from 'onnx-buf';
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
import { relativeError } from '../onnx/support/compare.ts';
import { runGraph } from '../onnx/support/runtime.ts';

interface Listed {
  readonly shape: number[];
  readonly data: number[];
}
interface Export {
  readonly x: Listed;
  readonly lengths?: number[];
  readonly y: Listed;
  readonly grad: Record<string, Listed>;
}

const folder = new URL('fixtures/', import.meta.url);
const recorded = JSON.parse(readFileSync(new URL('exports.json', folder), 'utf8')) as Record<string, Export>;

describe('a module exported by torch', () => {
  it.each(Object.keys(recorded))(
    '%s is imported whole: outputs and the gradients by every weight match',
    async (name) => {
      // given
      const { x, lengths, y, grad } = recorded[name]!;
      const imported = importModel(readFileSync(new URL(`export-${name}.onnx`, folder)));
      const g = GraphBuilder.from(specialise(imported, { batch: x.shape[0]!, time: x.shape[1]! }));
      g.output('loss', g.reduceSum(g.mul(g.value('y'), g.tanh(g.value('y')))));
      const feeds = {
        x: tensor('float32', x.shape, x.data),
        ...(lengths && { lengths: tensor('int64', [lengths.length], lengths) }),
      };
      const wrt = ['x', ...imported.parameters.map((parameter) => parameter.name)];
      // when
      const graph = differentiate(g.build(), { loss: 'loss', wrt });
      const exact = interpret(graph, feeds);
      const single = await runGraph(graph, feeds);
      // then
      expect([...wrt].sort()).toEqual(Object.keys(grad).sort());
      expect(exact.y!.shape).toEqual(y.shape);
      expect(relativeError(exact.y!.data, y.data)).toBeLessThan(1e-10);
      expect(relativeError(single.y!.data, y.data)).toBeLessThan(1e-5);
      for (const [weight, { shape, data }] of Object.entries(grad)) {
        const gradient = exact[gradientName(weight)]!;
        expect(gradient.shape, weight).toEqual(shape);
        expect(relativeError(gradient.data, data), weight).toBeLessThan(1e-10);
        expect(relativeError(single[gradientName(weight)]!.data, data), weight).toBeLessThan(1e-4);
      }
    },
  );

  it.each(['Loop', 'Scan'])('as a %s over steps is refused by the name of its node', (opType) => {
    // given
    const model = create(ModelProtoSchema, {
      irVersion: 8n,
      opsetImport: [{ domain: '', version: 17n }],
      graph: { name: 'looped', node: [{ opType, name: '/cell/steps', input: [], output: ['y'] }] },
    });
    const bytes = toBinary(ModelProtoSchema, model);
    // when / then
    expect(() => importModel(bytes)).toThrow(GraphError);
    expect(() => importModel(bytes)).toThrow(new RegExp(`${opType}.*/cell/steps`));
  });
});
