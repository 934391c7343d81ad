import { readFile } from 'node:fs/promises';
import { asParameters, decodeModel, type Graph } from '../onnx/index.ts';

/** A model file with its weights as parameters. */
export async function readEncoderModel(path: string): Promise<Graph> {
  const graph = decodeModel(await readFile(path));
  if (graph.parameters.length > 0) return graph;
  const weights = graph.initializers.filter(({ dtype, shape }) => dtype === 'float32' && shape.length > 0);
  return asParameters(
    graph,
    weights.map(({ name }) => name),
  );
}
