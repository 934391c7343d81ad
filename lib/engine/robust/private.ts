import type { Feeds, HostTensor, Rng } from '../host/index.ts';
import type { StepFunction } from '../train/index.ts';
import { RobustError } from './errors.ts';

export interface PrivateOptions {
  /** Largest norm of one example's gradient over all trained parameters together. */
  clipNorm: number;
  /** Deviation of the noise in units of the clipping norm: what the accountant takes. */
  noiseMultiplier: number;
  /** What the sum of gradients is divided by: the expected batch size, not the drawn one, whose value is private. */
  batchSize: number;
  /** Variant of the program that takes one example. */
  variant?: string;
  /** Feeds that are the same for all examples and not cut: by default none. */
  shared?: readonly string[];
  /** A seeded generator, for tests alone: with it nothing is private. The operating system's cryptographic source else. */
  noise?: Rng;
}

/**
 * DP-SGD (Abadi et al. 2016, algorithm 1): each example's gradient is clipped, then the sum gets normal noise of deviation
 * noiseMultiplier x clipNorm, then it is divided by the batch size. The program must be specialised to one example and
 * its loss be that example's own; the optimiser must not clip (clipNorm null), or noise would be clipped with the rest.
 * The loss returned is the mean over the batch: it is not private, so keep it out of what is published.
 * @throws RobustError when a setting is out of its range, or feeds do not agree on the number of examples
 */
export function dpSgd(options: PrivateOptions): StepFunction {
  const { clipNorm, noiseMultiplier, batchSize, variant, shared = [], noise } = options;
  for (const [what, value] of Object.entries({ clipNorm, batchSize })) {
    if (!(value > 0 && Number.isFinite(value)))
      throw new RobustError(`the ${what} of private training is above 0, given ${value}`);
  }
  if (!(noiseMultiplier >= 0 && Number.isFinite(noiseMultiplier)))
    throw new RobustError(`a noise multiplier is 0 or above, given ${noiseMultiplier}`);
  return async (trainer, feeds, { lr }) => {
    const examples = splitExamples(feeds, shared);
    let total = 0;
    for (const example of examples) {
      const { loss } = await trainer.backward(example, { clipNorm, variant, transfer: true });
      total += loss;
    }
    await trainer.addNoise({
      deviation: noiseMultiplier * clipNorm,
      ...(noise ? { source: noise } : {}),
    });
    const { gradNorm } = await trainer.update({ lr, scale: 1 / batchSize });
    return { loss: examples.length > 0 ? total / examples.length : 0, gradNorm };
  };
}

/**
 * Feeds of single examples: every tensor cut along its first axis, but for those named as shared.
 * @throws RobustError when tensors have different first axes
 */
export function splitExamples(feeds: Feeds, shared: readonly string[] = []): Feeds[] {
  const cut = Object.entries(feeds).filter(([name]) => !shared.includes(name));
  const count = cut[0]?.[1].shape[0] ?? 0;
  const odd = cut.find(([, { shape }]) => shape[0] !== count);
  if (odd) {
    throw new RobustError(
      `feed ${odd[0]} has shape [${odd[1].shape.join(', ')}], but the batch has ${count} examples: name it as shared`,
    );
  }
  return Array.from({ length: count }, (_, i) =>
    Object.fromEntries(
      Object.entries(feeds).map(([name, tensor]) => [
        name,
        shared.includes(name) ? copy(tensor, 0, tensor.data.length, tensor.shape) : row(tensor, i, count),
      ]),
    ),
  );
}

function row(tensor: HostTensor, i: number, count: number): HostTensor {
  const size = tensor.data.length / count;
  return copy(tensor, i * size, (i + 1) * size, [1, ...tensor.shape.slice(1)]);
}

function copy(tensor: HostTensor, from: number, to: number, shape: readonly number[]): HostTensor {
  return { ...tensor, shape, data: tensor.data.slice(from, to) } as HostTensor;
}

/**
 * The rows of one Poisson-sampled batch: each row is in it with the same chance, whatever became of the others. This is the
 * sampling that the accountant speaks of; batches differ in size and may be empty.
 */
export function poissonSample(rows: number, samplingRate: number, rng: Rng): Int32Array {
  if (!(samplingRate >= 0 && samplingRate <= 1))
    throw new RobustError(`a sampling rate lies between 0 and 1, given ${samplingRate}`);
  const drawn: number[] = [];
  for (let row = 0; row < rows; row++) if (rng.uniform() < samplingRate) drawn.push(row);
  return Int32Array.from(drawn);
}
