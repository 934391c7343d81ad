import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { differentiate, gradientName } from '../../../lib/engine/autodiff/index.ts';
import {
  type Conv1dOptions,
  conv1d,
  crossEntropy,
  gru,
  IGNORED,
  lstm,
} from '../../../lib/engine/nn/index.ts';
import {
  type Attributes,
  type Graph,
  GraphBuilder,
  interpret,
  type OpType,
  type Value,
} from '../../../lib/engine/onnx/index.ts';
import { relativeError } from '../onnx/support/compare.ts';
import { runGraph } from '../onnx/support/runtime.ts';

interface Listed {
  readonly shape: number[];
  readonly data: number[];
}
type Named = Record<string, Listed>;
interface Recurrent {
  readonly lengths: number[];
  readonly weights: Named;
  readonly inputs: Named;
  readonly outputs: Named;
  readonly grad: Named;
}
interface Recorded {
  readonly gru: Recurrent;
  readonly lstm: Recurrent;
  readonly conv1d: { options: Conv1dOptions; inputs: Named; output: Listed; grad: Named }[];
  readonly cross_entropy: {
    logits: Listed;
    labels: number[];
    class_weights: number[];
    smoothing: number;
    loss: number;
    grad: Listed;
  };
  readonly pools: { x: Listed } & Record<string, { output: Listed; grad: Listed }>;
}

const recorded = JSON.parse(
  readFileSync(new URL('fixtures/torch.json', import.meta.url), 'utf8'),
) as Recorded;

const parameter = (g: GraphBuilder, name: string, { shape, data }: Listed): Value =>
  g.parameter(name, shape, Float32Array.from(data));
const bent = (g: GraphBuilder, y: Value): Value => g.reduceSum(g.mul(y, g.tanh(y)));

/** Outputs to 1e-10 in float64 and 1e-5 in the runtime, gradients to 1e-10 and 1e-4. */
async function expectMatch(graph: Graph, outputs: Named, gradients: Named): Promise<void> {
  const differentiated = differentiate(graph, { loss: 'loss', wrt: Object.keys(gradients) });
  const exact = interpret(differentiated, {});
  const single = await runGraph(differentiated, {});
  const checks = [
    ...Object.entries(outputs).map(([name, value]) => ({ name, value, limit: 1e-5 })),
    ...Object.entries(gradients).map(([name, value]) => ({ name: gradientName(name), value, limit: 1e-4 })),
  ];
  for (const { name, value, limit } of checks) {
    expect(exact[name]!.shape, name).toEqual(value.shape);
    expect(relativeError(exact[name]!.data, value.data), name).toBeLessThan(1e-10);
    expect(relativeError(single[name]!.data, value.data), name).toBeLessThan(limit);
  }
}

describe.each(['gru', 'lstm'] as const)('%s in both directions', (kind) => {
  it('matches torch over packed sequences with initial states', async () => {
    // given
    const { lengths, weights, inputs, outputs, grad } = recorded[kind];
    const g = new GraphBuilder(kind);
    const values = Object.fromEntries(
      Object.entries({ ...inputs, ...weights }).map(([name, value]) => [name, parameter(g, name, value)]),
    );
    const direction = (suffix: string) => ({
      input: values[`weight_ih_l0${suffix}`]!,
      hidden: values[`weight_hh_l0${suffix}`]!,
      inputBias: values[`bias_ih_l0${suffix}`]!,
      hiddenBias: values[`bias_hh_l0${suffix}`]!,
    });
    const both = [direction(''), direction('_reverse')] as const;
    const options = { lengths: g.ints(lengths), initial: values.h0! };
    const found =
      kind === 'gru'
        ? gru(g, values.x!, both, options)
        : lstm(g, values.x!, both, { ...options, initialCell: values.c0! });
    g.output('output', found.output);
    g.output('h_n', found.last);
    let loss = g.add(bent(g, found.output), g.reduceSum(g.square(found.last)));
    if ('cell' in found) {
      g.output('c_n', found.cell as Value);
      loss = g.add(loss, g.mul(g.reduceSum(g.square(found.cell as Value)), 2));
    }
    g.output('loss', loss);
    // when / then
    await expectMatch(g.build(), outputs, grad);
  });
});

describe('conv1d', () => {
  it.each(recorded.conv1d)('matches torch with $options', async ({ options, inputs, output, grad }) => {
    // given
    const g = new GraphBuilder('conv1d');
    const [x, weight, bias] = Object.entries(inputs).map(([name, value]) => parameter(g, name, value));
    const y = conv1d(g, x!, weight!, bias, options);
    g.output('output', y);
    g.output('loss', bent(g, y));
    // when / then
    await expectMatch(g.build(), { output }, grad);
  });
});

describe('pools', () => {
  const window = { kernel_shape: [3], strides: [2], pads: [1, 1], ceil_mode: 1 };
  const cases: { name: string; op: OpType; attributes: Attributes }[] = [
    { name: 'max', op: 'MaxPool', attributes: window },
    { name: 'global_max', op: 'GlobalMaxPool', attributes: {} },
    { name: 'average', op: 'AveragePool', attributes: { ...window, count_include_pad: 1 } },
    { name: 'average_inside', op: 'AveragePool', attributes: window },
  ];

  it.each(cases)('match torch, ties included: $name', async ({ name, op, attributes }) => {
    // given
    const { output, grad } = recorded.pools[name]!;
    const g = new GraphBuilder('pool');
    const y = g.op(op, [parameter(g, 'x', recorded.pools.x)], attributes);
    g.output('output', y);
    g.output('loss', bent(g, y));
    // when / then
    await expectMatch(g.build(), { output }, { x: grad });
  });
});

describe('crossEntropy', () => {
  it('matches torch with class weights, smoothing and an ignored label together', async () => {
    // given
    const { logits, labels, class_weights, smoothing, loss, grad } = recorded.cross_entropy;
    const g = new GraphBuilder('cross-entropy');
    const options = { smoothing, ignoreIndex: IGNORED, classWeights: g.constant(class_weights) };
    g.output('loss', crossEntropy(g, parameter(g, 'logits', logits), g.ints(labels), options));
    // when / then
    await expectMatch(g.build(), { loss: { shape: [], data: [loss] } }, { logits: grad });
  });
});
