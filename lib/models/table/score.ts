import { stableUnit } from '../../data/index.ts';
import { float32 } from '../../engine/host/index.ts';
import { openSession } from '../../engine/train/index.ts';
import { groupWords } from '../../features/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import { reasonNames } from '../candidates/index.ts';
import type { ScoreContext, ShardScores } from '../family.ts';
import { parseManifest } from '../shared/index.ts';
import { readLabelled, tableFeatures } from './labelled.ts';
import { tableManifest } from './manifest.ts';
import { type RowAnswers, scoresOf } from './told.ts';

/**
 * Rows of every batch: always the same, the last one filled up, because results depend on the batch's size. Of several heads fewer, as
 * the reasons of each are computed side by side.
 */
const BATCH = 256;
const BATCH_OF_HEADS = 512;

/**
 * Scores every row of a labelled table, in the order of row numbers; a row's number stands where users have their
 * pseudonym. Labelled tables are held in memory whole.
 */
export async function scoreTable(files: ModelFiles, context: ScoreContext): Promise<ShardScores> {
  const { store, manifest: run, group, threads } = context;
  const task = group.tasks[0]!;
  const manifest = parseManifest(tableManifest, files);
  const { table, rowIds } = await readLabelled(store, run, task);
  const features = tableFeatures(table, manifest.encoder);
  const order = Array.from({ length: table.rows }, (_, i) => i).sort((a, b) => rowIds[a]! - rowIds[b]!);
  const heads = manifest.told && manifest.told.form !== 'number' ? manifest.told.classes.length : 1;
  const size = heads === 1 ? BATCH : Math.max(4, Math.floor(BATCH_OF_HEADS / heads));
  const rows = { features, order, size, threads };
  const names = reasonNames(manifest).map(groupWords);
  const answers: RowAnswers = {
    ...{ heads, names, count: run.config.exports.reasons },
    logits: new Float64Array(order.length * heads),
    effects: new Float32Array(order.length * heads * names.length),
    bounds: new Float32Array(0),
  };
  await runModel(files['model.onnx']!, rows, (start, rows, output) => {
    const effects = output.reasons!.data as Float32Array;
    const columns = output.reasons!.shape[2]!;
    for (let i = 0; i < rows * heads; i++) {
      answers.logits[start * heads + i] = Number(output.logits!.data[i]);
      const own = effects.subarray(i * columns, i * columns + names.length);
      answers.effects.set(own, (start * heads + i) * names.length);
    }
  });
  const interval = files['interval.onnx'];
  const bounds = new Float32Array(interval ? 2 * order.length : 0);
  if (interval) {
    await runModel(interval, rows, (start, rows, output) => {
      bounds.set((output.bounds!.data as Float32Array).subarray(0, 2 * rows), 2 * start);
    });
  }
  const users = order.map((row) => String(rowIds[row]));
  const hashes = Uint32Array.from(users, (row) => stableUnit('row', row) * 2 ** 32);
  return { users, hashes, lists: {}, values: {}, ...scoresOf(task, manifest.told, { ...answers, bounds }) };
}

type Output = Awaited<ReturnType<Awaited<ReturnType<typeof openSession>>['run']>>;

/** @param take gets the place of the first row of a batch, and how many rows are in it */
async function runModel(
  model: Uint8Array,
  {
    features,
    order,
    size,
    threads,
  }: { features: Float32Array; order: number[]; size: number; threads: number },
  take: (start: number, rows: number, output: Output) => void,
): Promise<void> {
  const width = features.length / order.length;
  const session = await openSession(model, { threads });
  try {
    for (let start = 0; start < order.length; start += size) {
      const rows = order.slice(start, start + size);
      const batch = new Float32Array(size * width);
      rows.forEach((row, b) => {
        batch.set(features.subarray(row * width, (row + 1) * width), b * width);
      });
      take(start, rows.length, await session.run({ features: float32(batch, [size, width]) }));
    }
  } finally {
    await session.close();
  }
}
