import { readFileSync } from 'node:fs';
import { type Feeds, float32, int64 } from '../../../lib/engine/host/index.ts';
import type { AdamWOptions, TrainingProgram } from '../../../lib/engine/train/index.ts';

interface Plain {
  shape: number[];
  data: number[];
}

interface Recorded {
  steps: number;
  lr: number;
  warmup: number;
  clip: number;
  decay: number;
  lrScale: Record<string, number>;
  parameters: (Plain & { name: string })[];
  batches: Record<'ids' | 'numbers' | 'label' | 'weight' | 'mask', Plain>[];
  losses: number[];
  norms: number[];
  final: Record<string, number[]>;
}

const fixture = (name: string) => new URL(`./fixtures/${name}`, import.meta.url);

/** A PyTorch run of a network of 17 inputs (3 ids of an embedding table, 5 numbers), 6 hidden units and one logit. */
export const recorded = JSON.parse(readFileSync(fixture('small-training.json'), 'utf8')) as Recorded;

/** The same network as a training program: row gradients for the table, dense ones for the rest. */
export function smallProgram(): TrainingProgram {
  return {
    model: new Uint8Array(readFileSync(fixture('small-training.onnx'))),
    evaluation: new Uint8Array(readFileSync(fixture('small-evaluation.onnx'))),
    parameters: recorded.parameters.map(({ name, shape, data }) => ({
      name,
      shape,
      data: Float32Array.from(data),
    })),
    lossOutput: 'loss',
    gradientOutputs: { w1: 'd_w1', b1: 'd_b1', w2: 'd_w2', b2: 'd_b2' },
    rowGradients: { table: [{ ids: 'ids', rows: 'd_looked_up' }] },
  };
}

export const smallOptimiser: AdamWOptions = {
  weightDecay: recorded.decay,
  clipNorm: recorded.clip,
  group: ({ name }) => ({ lrScale: recorded.lrScale[name] ?? 1 }),
};

/** One of the four recorded batches of 8 rows, in memory of its own. */
export function smallBatch(index: number): Feeds {
  const batch = recorded.batches[index % recorded.batches.length]!;
  const floats = ({ data, shape }: Plain) => float32(Float32Array.from(data), shape);
  return {
    ids: int64(batch.ids.data, batch.ids.shape),
    numbers: floats(batch.numbers),
    label: floats(batch.label),
    weight: floats(batch.weight),
    mask: floats(batch.mask),
  };
}

/** The same without the dropout mask, as the evaluation graph takes it. */
export function evaluationBatch(index: number): Feeds {
  const { mask: _, ...feeds } = smallBatch(index);
  return feeds;
}
