import { differentiate, gradientName } from '../autodiff/index.ts';
import type { Graph } from '../onnx/index.ts';
import { batchOf, LOSS, outputs } from './classifier.ts';
import type { Encoder } from './encoder.ts';
import { floatsOf, interpreted, withTrainer } from './engine.ts';
import { asReference, parameterOf } from './layout.ts';
import { type Ledger, ZERO_TOLERANCE } from './measure.ts';
import { expected, expectedIn, figureIn, type Numbers, type Reference } from './reference.ts';
import type { Precision } from './schema.ts';
import { hasRoundedAngles, withoutWeightsInFloat32 } from './without-weights.ts';

/** Float64 tolerance where both sides hold float32 angles. */
const ROUNDED_ANGLES = 1e-6;

/** Hidden states, pooled vectors, logits, losses and all gradients of batch 0. */
export async function compareForward(
  reference: Reference,
  encoder: Encoder,
  graph: Graph,
  precision: Precision,
  ledger: Ledger,
): Promise<void> {
  const wrt = trainedNames(reference, encoder);
  const names = [...wrt.values()];
  const found = await run(reference, encoder, graph, names, precision, ledger.wants('gradients'));
  const loose = precision === 'f64' && hasRoundedAngles(graph);
  if (loose) {
    ledger.skip(
      `float64 is held to ${ROUNDED_ANGLES}: the model takes sines or the like of positions in float32, whose last digit differs between libraries`,
    );
  }
  const limit = loose ? { tolerance: ROUNDED_ANGLES } : {};
  const forward = (name: string, output: string) =>
    ledger.compare(
      { part: 'forward', precision, name, measure: 'relative', ...limit },
      found[output]!.data,
      expectedIn(reference, precision, (d) => `${d}.${name}`)?.data,
    );
  forward('last_hidden_state', encoder.hidden);
  for (const name of Object.values(outputs)) forward(name, name);
  const figures = figureIn(reference.figures.forward, precision);
  ledger.compare(
    { part: 'forward', precision, name: 'loss', measure: 'each', ...limit },
    found[LOSS]!.data,
    figures && [figures.loss],
  );
  if (!ledger.wants('gradients')) return;
  let squares = 0;
  for (const [name, parameter] of wrt) {
    const { shape, data } = found[gradientName(parameter)]!;
    for (const value of data) squares += value * value;
    const zero = isZeroInTheory(reference, name);
    ledger.compare(
      {
        part: 'gradients',
        precision,
        name,
        ...(zero
          ? { measure: 'absolute', tolerance: ZERO_TOLERANCE[precision] }
          : { measure: 'l2', ...limit }),
      },
      asReference(reference, encoder, name, shape, data),
      expectedIn(reference, precision, (d) => `${d}.grad.${name}`)?.data,
    );
  }
  if (encoder.absent.length > 0 || figures?.grad_norm_all === undefined) return;
  ledger.compare(
    { part: 'gradients', precision, name: 'norm of all', measure: 'each', ...limit },
    [Math.sqrt(squares)],
    [figures.grad_norm_all],
  );
}

/** The weights that the file holds, as parameters of the graph, by the reference's names. */
export function trainedNames(reference: Reference, encoder: Encoder): Map<string, string> {
  return new Map(
    reference.figures.param_names.flatMap((name) => {
      const parameter = parameterOf(encoder, name);
      return parameter === undefined ? [] : [[name, parameter] as const];
    }),
  );
}

async function run(
  reference: Reference,
  encoder: Encoder,
  graph: Graph,
  wrt: readonly string[],
  precision: Precision,
  gradients: boolean,
): Promise<Record<string, Numbers>> {
  const feeds = batchOf(reference, graph, 0);
  if (precision === 'f64') {
    const exact = await withoutWeightsInFloat32(graph, feeds);
    return interpreted(gradients ? differentiate(exact, { loss: LOSS, wrt }) : exact, feeds);
  }
  const wanted = [encoder.hidden, ...Object.values(outputs), LOSS];
  return withTrainer(graph, { wrt }, async ({ trainer, gradientOutputs }) => {
    const found = floatsOf(
      (await trainer.backward(feeds, { weight: 0, outputs: [...wanted, ...Object.values(gradientOutputs)] }))
        .outputs,
    );
    for (const [name, output] of Object.entries(gradientOutputs)) found[gradientName(name)] = found[output]!;
    return found;
  });
}

/** Largest gradient that counts as rounding noise around zero, such as that of a key bias. */
const NOISE = 1e-8;

/**
 * Whether a weight has no effect on the loss (the softmax cancels a key's bias): its gradient is noise, which Adam may blow
 * up to steps of full size. Recognised by the float64 gradient, not by name.
 */
export function isZeroInTheory(reference: Reference, name: string): boolean {
  const gradient = expected(reference, `f64.grad.${name}`);
  return gradient?.data.every((value) => Math.abs(value) < NOISE) ?? false;
}
