import { type Feeds, float32 } from '../host/index.ts';
import { type Graph, GraphBuilder, type Value } from '../onnx/index.ts';
import { dpSgd, splitExamples } from '../robust/index.ts';
import type { Trainer } from '../train/index.ts';
import { batchOf, batchSize, LOSS } from './classifier.ts';
import { openEncoder } from './encoder.ts';
import { type Training, withTrainer } from './engine.ts';
import { type LoraModel, loraModel } from './lora.ts';
import type { Ledger, Measure } from './measure.ts';
import { expected, expectedIn, figureIn, type Reference } from './reference.ts';
import { gradientByStep, plainSgd } from './sgd.ts';

const NOISE = 'noise';

/** DP-SGD over LoRA and the head: one example a pass, clipped, summed, with the recorded noise. */
export async function comparePrivate(reference: Reference, file: string, ledger: Ledger): Promise<void> {
  if (!reference.figures.dp_sgd) {
    ledger.skip('DP-SGD is left out: parity.json has no section "dp_sgd"');
    return;
  }
  const encoder = await openEncoder(reference, file, 1);
  const lora = loraModel(reference, encoder, ledger);
  if (!lora) return;
  const wrt = [...lora.trained.values()];
  const variants = { [NOISE]: noiseGraph(lora, wrt) };
  await withTrainer(lora.graph, { wrt, optimiser: plainSgd, variants }, async (training) => {
    await training.trainer.load({ parameters: lora.start });
    const { init, nonzero_b } = reference.figures.dp_sgd!;
    if (init) await compareExamples(reference, lora, training, 'init', ledger);
    if (!nonzero_b) return;
    await training.trainer.load({ parameters: { ...lora.start, ...stateOf(reference, lora) } });
    await compareExamples(reference, lora, training, 'nonzero_b', ledger);
    await compareSteps(reference, lora, training.trainer, ledger);
  });
}

/** Values of B that are recorded for this check. */
function stateOf(reference: Reference, { trained }: LoraModel): Record<string, Float32Array> {
  const found: Record<string, Float32Array> = {};
  for (const [name, parameter] of trained) {
    const state = expected(reference, `dp.state.${name}`);
    if (state) found[parameter] = Float32Array.from(state.data);
  }
  return found;
}

/** Gradients of single examples: their norms over all trained parameters, over LoRA's and over the head's. */
async function compareExamples(
  reference: Reference,
  { graph, trained }: LoraModel,
  { trainer, gradientOutputs }: Training,
  part: 'init' | 'nonzero_b',
  ledger: Ledger,
): Promise<void> {
  const { clip_norm: limit, [part]: section } = reference.figures.dp_sgd!;
  const figures = figureIn(section, 'f32');
  const norms: number[] = [];
  const ofLora: number[] = [];
  const ofHead: number[] = [];
  const gradients = new Map([...trained.keys()].map((name) => [name, [] as number[]]));
  for (const example of splitExamples(batchOf(reference, graph, 0))) {
    const { gradNorm, outputs } = await trainer.backward(example, {
      weight: 0,
      outputs: Object.values(gradientOutputs),
    });
    const squares = { lora: 0, head: 0 };
    for (const [name, parameter] of trained) {
      const values = outputs[gradientOutputs[parameter]!]!.data as Float32Array;
      gradients.get(name)!.push(...values);
      const sum = values.reduce((total, value) => total + value * value, 0);
      squares[name.startsWith('lora.') ? 'lora' : 'head'] += sum;
    }
    norms.push(gradNorm);
    ofLora.push(Math.sqrt(squares.lora));
    ofHead.push(Math.sqrt(squares.head));
  }
  const compare = (name: string, measure: Measure, actual: readonly number[], wanted?: ArrayLike<number>) =>
    ledger.compare({ part: 'private', precision: 'f32', group: part, name, measure }, actual, wanted);
  compare('norms of examples', 'each', norms, figures?.per_example_norms);
  compare("norms of LoRA's part", 'each', ofLora, figures?.lora_norms);
  compare("norms of the head's part", 'each', ofHead, figures?.head_norms);
  const factors = norms.map((norm) => Math.min(1, limit / norm));
  compare('clip factors', 'each', factors, figures?.clip_factors);
  if (part === 'init') return;
  for (const [name, values] of gradients) {
    const wanted = expectedIn(reference, 'f32', (d) => `dp.${d}.per_example_grad.${name}`);
    compare(`gradients of examples, ${name}`, 'l2', values, wanted?.data);
  }
}

/** The mean of clipped gradients, the same with noise, and what a step by it changes. */
async function compareSteps(
  reference: Reference,
  lora: LoraModel,
  trainer: Trainer,
  ledger: Ledger,
): Promise<void> {
  const { sigma, lr, clip_norm: clipNorm, nonzero_b } = reference.figures.dp_sgd!;
  const figures = figureIn(nonzero_b, 'f32');
  const size = batchSize(reference);
  const feeds = batchOf(reference, lora.graph, 0);
  const step = dpSgd({ clipNorm, noiseMultiplier: 0, batchSize: size });
  const noise = noiseFeeds(reference, lora);
  const noisy = async (rate: number) => {
    for (const example of splitExamples(feeds)) await trainer.backward(example, { clipNorm });
    await trainer.backward(noise, { weight: sigma * clipNorm, variant: NOISE });
    await trainer.update({ lr: rate, scale: 1 / size });
  };
  const meanLoss = async () => {
    let total = 0;
    for (const example of splitExamples(feeds)) {
      total += Number((await trainer.evaluate(example, [LOSS]))[LOSS]!.data[0]);
    }
    return total / size;
  };
  const what = { part: 'private', precision: 'f32', group: 'nonzero_b' } as const;
  const each = (kind: string, values: Readonly<Record<string, Float32Array>>, measure: Measure) => {
    for (const [name, parameter] of lora.trained) {
      const wanted = expectedIn(reference, 'f32', (d) => `dp.${d}.${kind}.${name}`);
      ledger.compare({ ...what, name: `${kind}, ${name}`, measure }, values[parameter]!, wanted?.data);
    }
  };
  const loss = (name: string, actual: number, wanted: number | undefined) =>
    ledger.compare({ ...what, name, measure: 'each' }, [actual], wanted === undefined ? undefined : [wanted]);

  loss('loss before', await meanLoss(), figures?.loss_before);
  each(
    'clipped_mean_grad',
    await gradientByStep(trainer, (rate) => step(trainer, feeds, { lr: rate, step: 0 })),
    'l2',
  );
  if (Object.keys(noise).length === 0) return;
  each('noisy_grad', await gradientByStep(trainer, noisy), 'l2');
  await noisy(lr);
  each('after', await trainer.parameters(), 'absolute');
  loss('loss after', await meanLoss(), figures?.loss_after);
}

/**
 * Recorded noise enters as the gradient of Σ p · noise: the trainer draws its own from a generator, which no other
 * framework shares.
 */
function noiseGraph({ graph }: LoraModel, wrt: readonly string[]): Graph {
  const g = GraphBuilder.from({ ...graph, nodes: [], outputs: [], inputs: [] });
  const parts = wrt.map((name): Value => {
    const { shape } = graph.parameters.find((parameter) => parameter.name === name)!;
    const parameter: Value = { name, dtype: 'float32', shape };
    return g.reduceSum(g.mul(parameter, g.input(`${NOISE}:${name}`, 'float32', shape)));
  });
  g.output(
    LOSS,
    parts.reduce((sum, part) => g.add(sum, part)),
  );
  return g.build();
}

function noiseFeeds(reference: Reference, { graph, trained }: LoraModel): Feeds {
  const feeds: Feeds = {};
  for (const [name, parameter] of trained) {
    const found = expected(reference, `dp.noise.${name}`);
    if (!found) return {};
    const { shape } = graph.parameters.find((candidate) => candidate.name === parameter)!;
    feeds[`${NOISE}:${parameter}`] = float32(Float32Array.from(found.data), shape);
  }
  return feeds;
}
