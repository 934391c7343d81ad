import {
  decodeSafetensors,
  encodeSafetensors,
  type Feeds,
  float32,
  type HostTensor,
} from '../../engine/host/index.ts';
import type { LatestRows } from '../candidates/index.ts';

/**
 * The latest rows of a training as a file, so that a comparison that is begun again sees the same. Tensors of one dimension, a
 * place a row: `<task>.users`, `<task>.labels`, `<task>.logits`; the day stands under the task's name.
 */
export function encodeLatest(rows: readonly LatestRows[]): Uint8Array {
  const tensors: Record<string, HostTensor> = {};
  const days: Record<string, string> = {};
  for (const { task, day, users, labels, logits } of rows) {
    days[task] = String(day);
    for (const [name, values] of Object.entries({ users, labels, logits })) {
      tensors[`${task}.${name}`] = float32(Float32Array.from(values), [values.length]);
    }
  }
  return encodeSafetensors(tensors satisfies Feeds, days);
}

/** @throws CheckpointError when it is no such file */
export function decodeLatest(file: Uint8Array): LatestRows[] {
  const { tensors, metadata } = decodeSafetensors(file);
  const column = (task: string, name: string) => Array.from(tensors[`${task}.${name}`]!.data as Float32Array);
  return Object.entries(metadata).map(([task, day]) => ({
    task,
    day: Number(day),
    users: column(task, 'users'),
    labels: column(task, 'labels'),
    logits: column(task, 'logits'),
  }));
}
