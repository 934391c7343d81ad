import { type Feeds, float32, type HostTensor } from '../host/index.ts';
import type { Graph } from '../onnx/index.ts';
import { fgm, lookupsOf, PERTURBATION, perturbable } from '../robust/index.ts';
import { batchOf, LOSS } from './classifier.ts';
import type { Encoder } from './encoder.ts';
import { floatsOf, withTrainer } from './engine.ts';
import { isZeroInTheory, trainedNames } from './forward.ts';
import { asReference } from './layout.ts';
import { type Ledger, type Measure, normOf, ZERO_TOLERANCE } from './measure.ts';
import { expectedIn, figureIn, type Reference } from './reference.ts';
import { gradientByStep, plainSgd } from './sgd.ts';

const what = { part: 'adversarial', precision: 'f32' } as const;

/** The fast gradient method on what the word embeddings' lookup gives, and on their table. */
export async function compareAdversarial(
  reference: Reference,
  encoder: Encoder,
  graph: Graph,
  ledger: Ledger,
): Promise<void> {
  const { fgm: figures, word_embedding_name: words } = reference.figures;
  const table = words === undefined ? undefined : encoder.weights.get(words)?.parameter;
  if (!figures || table === undefined) {
    ledger.skip(
      `FGM is left out: ${figures ? 'the file holds no word embeddings' : 'parity.json has no section "fgm"'}`,
    );
    return;
  }
  const [lookup = ''] = lookupsOf(graph, table);
  await compareLookup(reference, encoder, graph, lookup, ledger);
  await compareTable(reference, graph, table, ledger);
}

async function compareLookup(
  reference: Reference,
  encoder: Encoder,
  clean: Graph,
  lookup: string,
  ledger: Ledger,
): Promise<void> {
  const { epsilon, sgd_lr: rate } = reference.figures.fgm!;
  const figures = figureIn(reference.figures.fgm, 'f32');
  const compare = (name: string, measure: Measure, actual: ArrayLike<number>, wanted?: ArrayLike<number>) =>
    ledger.compare({ ...what, group: 'fgm', name, measure }, actual, wanted);
  const figure = (name: string, actual: number, wanted: number | undefined) =>
    compare(name, 'each', [actual], wanted === undefined ? undefined : [wanted]);

  const { graph, input } = perturbable(clean, lookup);
  const shape = input.shape as number[];
  const trained = trainedNames(reference, encoder);
  const options = { wrt: [...trained.values()], inputs: [PERTURBATION], optimiser: plainSgd };
  await withTrainer(graph, options, async (training) => {
    const { trainer } = training;
    const gradientOutput = training.inputGradientOutputs[PERTURBATION]!;
    const feeds = batchOf(reference, clean, 0);
    const at = (delta: HostTensor): Feeds => ({ ...feeds, [PERTURBATION]: delta });
    const zero = float32(new Float32Array(shape.reduce((product, size) => product * size, 1)), shape);

    const first = await trainer.backward(at(zero), { weight: 0, outputs: [gradientOutput] });
    const gradient = floatsOf(first.outputs)[gradientOutput]!.data;
    const norm = normOf(gradient);
    const delta = Float32Array.from(gradient, (value) => (epsilon * value) / norm);
    const adversarial = await trainer.backward(at(float32(delta, shape)), { weight: 0 });
    figure('clean loss', first.loss, figures?.loss_clean);
    figure('gradient norm', norm, figures?.embedding_grad_norm);
    figure('adversarial loss', adversarial.loss, figures?.loss_adv);
    compare(
      'embedding_grad',
      'l2',
      gradient,
      expectedIn(reference, 'f32', (d) => `fgm.${d}.embedding_grad`)?.data,
    );
    compare('delta', 'l2', delta, expectedIn(reference, 'f32', (d) => `fgm.${d}.delta`)?.data);

    const step = fgm({ epsilon, shape, gradientOutput });
    const sums = await gradientByStep(trainer, (lr) =>
      step(trainer, batchOf(reference, clean, 0), { lr, step: 0 }),
    );
    for (const [name, parameter] of trained) {
      const { shape: dims } = graph.parameters.find((candidate) => candidate.name === parameter)!;
      ledger.compare(
        {
          ...what,
          group: 'fgm, clean + adversarial gradient',
          name,
          ...(isZeroInTheory(reference, name)
            ? { measure: 'absolute', tolerance: ZERO_TOLERANCE.f32 }
            : { measure: 'l2' }),
        },
        asReference(reference, encoder, name, dims, sums[parameter]!),
        expectedIn(reference, 'f32', (d) => `fgm.${d}.grad_clean_plus_adv.${name}`)?.data,
      );
    }
    if (rate === undefined || encoder.absent.length > 0) return;
    await step(trainer, batchOf(reference, clean, 0), { lr: rate, step: 0 });
    const after = await trainer.evaluate(at(zero), [LOSS]);
    figure('clean loss after a step', Number(after[LOSS]!.data[0]), figures?.loss_clean_after_sgd_step);
  });
}

/** The same on the table of word embeddings, whose rows all occurrences share. */
async function compareTable(
  reference: Reference,
  clean: Graph,
  table: string,
  ledger: Ledger,
): Promise<void> {
  const figures = figureIn(reference.figures.fgm, 'f32')?.table_variant;
  if (!figures) return;
  const { epsilon } = reference.figures.fgm!;
  const { graph, input } = perturbable(clean, table);
  const shape = input.shape as number[];
  const options = { wrt: ['head.bias'], inputs: [PERTURBATION], optimiser: plainSgd };
  await withTrainer(graph, options, async ({ trainer, inputGradientOutputs }) => {
    const gradientOutput = inputGradientOutputs[PERTURBATION]!;
    const feeds = batchOf(reference, clean, 0);
    const at = (delta: Float32Array): Feeds => ({ ...feeds, [PERTURBATION]: float32(delta, shape) });
    const zero = new Float32Array(shape.reduce((product, size) => product * size, 1));
    const { outputs } = await trainer.backward(at(zero), { weight: 0, outputs: [gradientOutput] });
    const gradient = floatsOf(outputs)[gradientOutput]!.data;
    const norm = normOf(gradient);
    const delta = Float32Array.from(gradient, (value) => (epsilon * value) / norm);
    const { loss } = await trainer.backward(at(delta), { weight: 0 });
    const group = { ...what, group: 'fgm on the table', measure: 'each' } as const;
    ledger.compare({ ...group, name: 'gradient norm' }, [norm], [figures.grad_norm]);
    ledger.compare({ ...group, name: 'adversarial loss' }, [loss], [figures.loss_adv]);
  });
}
