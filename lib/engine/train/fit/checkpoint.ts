import {
  CheckpointError,
  decodeSafetensors,
  encodeSafetensors,
  type Feeds,
  float32,
  type RngState,
} from '../../host/index.ts';
import type { TrainerState } from '../trainer/index.ts';

/** One evaluated point of a run. Values are those JSON keeps exactly: finite numbers. */
export interface CurvePoint {
  /** Updates done. */
  step: number;
  /** Learning rate of the last of them. */
  lr: number;
  /** Mean loss of the batches since the last point. */
  trainLoss: number;
  /** Mean gradient norm since the last point, before clipping. */
  gradNorm: number;
  /** Monitored validation loss, where there was an evaluation. */
  validLoss?: number;
  metrics?: Record<string, number>;
}

/** The best evaluation so far, and the parameters it was made with. */
export interface Best {
  step: number;
  loss: number;
  parameters: Record<string, Float32Array>;
}

/** Everything a run needs to go on as if it had never stopped. */
export interface Checkpoint {
  trainer: TrainerState;
  /** Updates of this run done. With `accumulate` the data cursor: the next batch is number step x accumulate. */
  step: number;
  /** Batches of one update. */
  accumulate: number;
  /** Steps of the whole run: a schedule depends on it. */
  of: number;
  /** Counters of the generators that batches draw from, as of before the next batch. */
  rngs: Record<string, RngState>;
  curve: CurvePoint[];
  /** Sums since the last point of the curve. */
  pending: { loss: number; gradNorm: number; steps: number };
  best: Best | null;
  /** Evaluations since the best. */
  stale: number;
}

const format = 'nightjar-checkpoint-2';

/**
 * A checkpoint as one safetensors file: tensors `parameter.`, `average.`, `best.` + name and `state.` + the optimiser's slot
 * + `.` + name, the rest as JSON.
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { trainer, best, ...rest } = checkpoint;
  const tensors: Feeds = {};
  const add = (prefix: string, group: Record<string, Float32Array>) => {
    for (const [name, data] of Object.entries(group))
      tensors[`${prefix}.${name}`] = float32(data, [data.length]);
  };
  add('parameter', trainer.parameters);
  for (const [slot, values] of Object.entries(trainer.optimiser)) add(`state.${slot}`, values);
  if (trainer.averages) add('average', trainer.averages);
  if (best) add('best', best.parameters);
  const slots = Object.keys(trainer.optimiser);
  const averaged = trainer.averages !== undefined;
  const state = {
    ...rest,
    updates: trainer.step,
    slots,
    averaged,
    lossScale: trainer.lossScale,
    best: best && { step: best.step, loss: best.loss },
  };
  return encodeSafetensors(tensors, { format, state: JSON.stringify(state) });
}

/** @throws CheckpointError when the bytes are no checkpoint, or one of another version */
export function decodeCheckpoint(bytes: Uint8Array): Checkpoint {
  const { tensors, metadata } = decodeSafetensors(bytes);
  if (metadata.format !== format || metadata.state === undefined) {
    throw new CheckpointError(
      `a checkpoint of format ${format} is expected, given ${metadata.format ?? 'another file'}`,
    );
  }
  const { updates, slots, averaged, lossScale, best, ...rest } = JSON.parse(metadata.state) as Omit<
    Checkpoint,
    'trainer' | 'best'
  > & {
    updates: number;
    slots: string[];
    averaged: boolean;
    lossScale?: { value: number; steps: number };
    best: { step: number; loss: number } | null;
  };
  const group = (prefix: string): Record<string, Float32Array> => {
    const found: Record<string, Float32Array> = {};
    for (const [name, tensor] of Object.entries(tensors)) {
      if (name.startsWith(`${prefix}.`) && tensor.type === 'float32')
        found[name.slice(prefix.length + 1)] = tensor.data;
    }
    return found;
  };
  return {
    ...rest,
    trainer: {
      step: updates,
      parameters: group('parameter'),
      optimiser: Object.fromEntries(slots.map((slot) => [slot, group(`state.${slot}`)])),
      ...(averaged ? { averages: group('average') } : {}),
      ...(lossScale ? { lossScale } : {}),
    },
    best: best && { ...best, parameters: group('best') },
  };
}
