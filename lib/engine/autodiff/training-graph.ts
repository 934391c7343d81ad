import { encodeModel, fuse, type Graph, GraphBuilder, GraphError, type Parameter } from '../onnx/index.ts';
import { differentiate, gradientName, rowIdsName, rowsName } from './differentiate.ts';

export interface TrainingGraphOptions {
  /** Output or value to minimise: a float with one element. */
  readonly loss: string;
  /** Parameters to train; by default all that are not in `rows`. The others are frozen. */
  readonly wrt?: readonly string[];
  /**
   * What becomes of frozen parameters: `constants` of the model, which the runtime packs for its products, or `inputs` as
   * the trained ones are, for several models of one graph (a length each, say) that are to share one copy: a few per cent
   * slower on the CPU. constants
   */
  readonly frozen?: 'constants' | 'inputs';
  /** Embedding tables to train by row gradients; see `differentiate`. */
  readonly rows?: readonly string[];
  /** Float inputs of the graph by which gradients are wanted as well: adversarial training, attributions. */
  readonly inputs?: readonly string[];
  /**
   * Adds a float input of this name that multiplies all gradients and not the loss: small gradients survive half precision
   * (loss scaling: Micikevicius et al. 2018, section 3.2). Whoever updates divides by it.
   */
  readonly lossScale?: string;
}

/** All that a training loop needs. */
export interface TrainingGraph {
  /** ONNX model: inputs are the graph's inputs, then the parameters; outputs are the graph's, then the gradients. */
  readonly model: Uint8Array;
  /** The trained parameters, and frozen ones that are inputs, fed under their names. */
  readonly parameters: readonly Parameter[];
  readonly lossOutput: string;
  /** The input asked for to scale the gradients by. */
  readonly lossScale?: string;
  /** Output name of the gradient of each parameter of `wrt`. */
  readonly gradientOutputs: Readonly<Record<string, string>>;
  /** Output name of the gradient by each of `inputs`. */
  readonly inputGradientOutputs: Readonly<Record<string, string>>;
  /** Output names of ids (n) and rows (n, width) of each table of `rows`; sum them with `scatterRows`. */
  readonly rowGradientOutputs: Readonly<Record<string, { readonly ids: string; readonly rows: string }>>;
}

/**
 * The gradient graph of a model as a training loop takes it, fused first (see `fuse`). Throws GraphError as `differentiate`
 * does.
 */
export function trainingGraph(
  graph: Graph,
  { loss, wrt, rows = [], inputs = [], lossScale, frozen = 'constants' }: TrainingGraphOptions,
): TrainingGraph {
  const dense = wrt ?? graph.parameters.map(({ name }) => name).filter((name) => !rows.includes(name));
  const trained = new Set([...dense, ...rows]);
  const known = new Set(graph.parameters.map(({ name }) => name));
  for (const name of trained) {
    if (!known.has(name))
      throw new GraphError(`${name} is no parameter of graph ${graph.name}, so it cannot be trained.`);
  }
  const fed = ({ name }: Parameter) => trained.has(name) || frozen === 'inputs';
  const parameters = graph.parameters.filter(fed);
  const constants = graph.parameters.filter((parameter) => !fed(parameter));
  const withLoss = fuse(
    graph.outputs.some(({ name }) => name === loss)
      ? graph
      : { ...graph, outputs: [...graph.outputs, { name: loss, ...typeOf(graph, loss) }] },
  );
  const scaled = lossScale === undefined ? withLoss : scaleLoss(withLoss, loss, lossScale);
  const gradients = differentiate(
    {
      ...scaled,
      parameters,
      initializers: [...scaled.initializers, ...constants.map((p) => ({ ...p, dtype: 'float32' as const }))],
    },
    { loss: lossScale === undefined ? loss : SCALED_LOSS, wrt: [...dense, ...inputs], rows },
  );
  return {
    model: encodeModel(gradients, { parametersAs: 'inputs' }),
    parameters,
    lossOutput: loss,
    ...(lossScale === undefined ? {} : { lossScale }),
    gradientOutputs: Object.fromEntries(dense.map((name) => [name, gradientName(name)])),
    inputGradientOutputs: Object.fromEntries(inputs.map((name) => [name, gradientName(name)])),
    rowGradientOutputs: Object.fromEntries(
      rows.map((name) => [name, { ids: rowIdsName(name), rows: rowsName(name) }]),
    ),
  };
}

const SCALED_LOSS = 'scaled loss';

function scaleLoss(graph: Graph, loss: string, scale: string): Graph {
  const g = GraphBuilder.from(graph);
  g.output(SCALED_LOSS, g.mul(g.value(loss), g.input(scale, 'float32', [])));
  return g.build();
}

function typeOf(
  graph: Graph,
  name: string,
): { dtype: Graph['outputs'][number]['dtype']; shape: Graph['outputs'][number]['shape'] } {
  const type = graph.values.get(name);
  if (!type) throw new GraphError(`Graph ${graph.name} has no value ${name} to use as the loss.`);
  return type;
}
