import { InferenceSession, Tensor as RuntimeTensor } from 'onnxruntime-node';
import { encodeModel, type Graph, type Tensor } from '../../../../lib/engine/onnx/index.ts';

/** Runs a graph in onnxruntime on one thread; feeds under parameter names replace the parameters. Outputs as numbers. */
export async function runGraph(
  graph: Graph,
  feeds: Readonly<Record<string, Tensor>>,
): Promise<Record<string, { shape: readonly number[]; data: number[] }>> {
  const parameters = graph.parameters.map(
    (p) => [p.name, feeds[p.name] ?? { ...p, dtype: 'float32' as const }] as const,
  );
  const inputs = graph.inputs.map(({ name }) => [name, feeds[name]!] as const);
  const all = Object.fromEntries([...inputs, ...parameters].map(([name, t]) => [name, toRuntime(t)]));
  const outputs = await runModel(encodeModel(graph, { parametersAs: 'inputs' }), all);
  return outputs;
}

export async function runModel(
  model: Uint8Array,
  feeds: Readonly<Record<string, RuntimeTensor>>,
): Promise<Record<string, { shape: readonly number[]; data: number[] }>> {
  const session = await InferenceSession.create(model, {
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  });
  try {
    const outputs = await session.run({ ...feeds });
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { dims, data }]) => [
        name,
        { shape: dims, data: Array.from(data as ArrayLike<number | bigint>, Number) },
      ]),
    );
  } finally {
    await session.release();
  }
}

/** Floats are rounded to float32, which is what the runtime's kernels take. */
export function toRuntime({ dtype, shape, data }: Tensor): RuntimeTensor {
  if (dtype === 'float32' || dtype === 'float64') {
    return new RuntimeTensor('float32', Float32Array.from(data as Float32Array | Float64Array), shape);
  }
  return new RuntimeTensor(dtype, data as BigInt64Array | Int32Array | Uint8Array, shape);
}
