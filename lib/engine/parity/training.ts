import type { Graph } from '../onnx/index.ts';
import type { OptimiserOptions, Trainer } from '../train/index.ts';
import { batchOf, outputs } from './classifier.ts';
import type { Encoder } from './encoder.ts';
import { withTrainer } from './engine.ts';
import { isZeroInTheory, trainedNames } from './forward.ts';
import { asReference, parameterOf } from './layout.ts';
import { type Ledger, normOf } from './measure.ts';
import { expected, expectedIn, figureIn, type Reference } from './reference.ts';
import type { Figures, RunFigures } from './schema.ts';

/** One of the reference's runs of training. */
export interface Run {
  /** Its key in parity.json. */
  readonly kind: string;
  readonly figures: RunFigures;
  /** Encoder, head and loss. */
  readonly graph: Graph;
  /** What is trained: parameters of the graph by the reference's names. */
  readonly trained: ReadonlyMap<string, string>;
  /** First values that are not the graph's. */
  readonly start?: Readonly<Record<string, Float32Array>>;
}

/** Everything is trained. Not repeatable with a file that lacks a weight, which the reference trained. */
export function fullRun(
  reference: Reference,
  encoder: Encoder,
  graph: Graph,
  ledger: Ledger,
): Run | undefined {
  const figures = reference.figures.train_full;
  if (!figures) return undefined;
  if (encoder.absent.length > 0) {
    ledger.skip(`full training is left out: the file holds no ${encoder.absent.join(', ')} to train`);
    return undefined;
  }
  return { kind: 'train_full', figures, graph, trained: trainedNames(reference, encoder) };
}

/** The encoder is frozen, the head is trained. */
export function headRun(reference: Reference, encoder: Encoder, graph: Graph): Run | undefined {
  const figures = reference.figures.train_head;
  return figures && { kind: 'train_head', figures, graph, trained: headNames(reference, encoder) };
}

export function headNames({ figures }: Reference, encoder: Encoder): Map<string, string> {
  const names = figures.param_names.filter(
    (name) => parameterOf(encoder, name) === name && name.startsWith('head.'),
  );
  return new Map((names.length > 0 ? names : ['head.weight', 'head.bias']).map((name) => [name, name]));
}

/** The reference's AdamW, with its decay groups, in the trainer's words. */
function optimiserOf({ training, decay_params, no_decay_params }: Figures, run: Run): OptimiserOptions {
  const names = new Map([...run.trained].map(([name, parameter]) => [parameter, name]));
  const { betas = [0.9, 0.999], eps = 1e-8, weight_decay = 0.01, clip_norm = null } = training ?? {};
  return {
    kind: 'adamw',
    beta1: betas[0],
    beta2: betas[1],
    epsilon: eps,
    weightDecay: weight_decay,
    clipNorm: clip_norm,
    group: ({ name: parameter, shape }) => {
      const name = names.get(parameter) ?? parameter;
      // LoRA's matrices may be in neither list: all tensors of two axes decay
      const listed = decay_params.includes(name) || no_decay_params.includes(name);
      return { decay: listed ? decay_params.includes(name) : shape.length >= 2 };
    },
  };
}

/**
 * Repeats a run: losses before each update, gradient norms, and what the trained model says of batch 0.
 * @returns the trained parameters by their names in the graph
 */
export async function compareRun(
  reference: Reference,
  encoder: Encoder,
  run: Run,
  ledger: Ledger,
): Promise<Record<string, Float32Array> | undefined> {
  const { figures } = reference;
  if (!figures.training) {
    ledger.skip(`${run.kind} is left out: parity.json has no section "training"`);
    return undefined;
  }
  const { batch_of_step: order } = figures.training;
  const wrt = [...run.trained.values()];
  return withTrainer(run.graph, { wrt, optimiser: optimiserOf(figures, run) }, async (training) => {
    const { trainer } = training;
    if (run.start) await trainer.load({ parameters: run.start });
    await compareFirstGradient(reference, run, training, ledger);
    const losses: number[] = [];
    const norms: number[] = [];
    for (const [k, lr] of run.figures.lr_of_step.entries()) {
      const { loss, gradNorm } = await trainer.step(batchOf(reference, run.graph, order[k] ?? 0), { lr });
      losses.push(loss);
      norms.push(gradNorm);
    }
    const what = { part: 'training', precision: 'f32', group: run.kind } as const;
    ledger.compare({ ...what, name: 'losses', measure: 'each' }, losses, figureIn(run.figures.losses, 'f32'));
    ledger.compare(
      { ...what, name: 'gradient norms', measure: 'each', tolerance: 1e-4 },
      norms,
      figureIn(run.figures.grad_norms_before_clip, 'f32'),
    );
    await compareTrained(reference, run, trainer, ledger);
    const parameters = await trainer.parameters();
    compareWeights(reference, encoder, run, parameters, ledger);
    return parameters;
  });
}

/** Gradients before the first update, where the reference has them; recorded after clipping if their norm says so. */
async function compareFirstGradient(
  reference: Reference,
  { kind, figures, graph, trained }: Run,
  { trainer, gradientOutputs }: Parameters<Parameters<typeof withTrainer>[2]>[0],
  ledger: Ledger,
): Promise<void> {
  const recorded = [...trained].flatMap(([name, parameter]) => {
    const gradient = expected(reference, `${kind}.f64.grad_step0.${name}`);
    return gradient ? [{ name, output: gradientOutputs[parameter]!, gradient: gradient.data }] : [];
  });
  if (recorded.length === 0) return;
  const feeds = batchOf(reference, graph, reference.figures.training?.batch_of_step[0] ?? 0);
  const wanted = recorded.map(({ output }) => output);
  const { outputs: found, gradNorm } = await trainer.backward(feeds, { weight: 0, outputs: wanted });
  const norm = Math.hypot(...recorded.map(({ gradient }) => normOf(gradient)));
  const before = figureIn(figures.grad_norms_before_clip, 'f32') ?? [gradNorm];
  const scale = norm < 0.99 * before[0]! ? norm / before[0]! : 1;
  for (const { name, output, gradient } of recorded) {
    ledger.compare(
      { part: 'gradients', precision: 'f32', group: `${kind}, step 0`, name, measure: 'l2' },
      Float64Array.from(found[output]!.data as Float32Array, (value) => value * scale),
      gradient,
    );
  }
}

async function compareTrained(
  reference: Reference,
  run: Run,
  trainer: Trainer,
  ledger: Ledger,
): Promise<void> {
  const what = { part: 'training', precision: 'f32', group: run.kind } as const;
  const trained = await trainer.evaluate(batchOf(reference, run.graph, 0), [outputs.logits, 'loss']);
  ledger.compare(
    { ...what, name: 'final logits', measure: 'relative' },
    trained[outputs.logits]!.data as Float32Array,
    expectedIn(reference, 'f32', (d) => `${run.kind}.${d}.final_logits`)?.data,
  );
  const loss = figureIn(run.figures.final_loss_batch0, 'f32');
  ledger.compare(
    { ...what, name: 'final loss', measure: 'relative' },
    trained.loss!.data as Float32Array,
    loss === undefined ? undefined : [loss],
  );
}

/** Final weights; those that have no effect on the loss wander by rounding noise and are left out. */
function compareWeights(
  reference: Reference,
  encoder: Encoder,
  run: Run,
  parameters: Readonly<Record<string, Float32Array>>,
  ledger: Ledger,
): void {
  for (const [name, parameter] of run.trained) {
    if (isZeroInTheory(reference, name)) continue;
    const { shape } = run.graph.parameters.find((candidate) => candidate.name === parameter)!;
    ledger.compare(
      { part: 'weights', precision: 'f32', group: run.kind, name, measure: 'absolute' },
      asReference(reference, encoder, name, shape, parameters[parameter]!),
      expectedIn(reference, 'f32', (d) => `${run.kind}.${d}.final.${name}`)?.data,
    );
  }
}
