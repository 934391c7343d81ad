import { stableUnit } from '../../data/index.ts';
import { float32 } from '../../engine/host/index.ts';
import { openSession } from '../../engine/train/index.ts';
import { groupWords } from '../../features/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import { reasonNames } from '../candidates/index.ts';
import type { ScoreContext, ShardScores } from '../family.ts';
import { parseManifest, probabilityOf, strongest } from '../shared/index.ts';
import { readLabelled, tableFeatures } from './labelled.ts';
import { tableManifest } from './manifest.ts';

/** Rows of every batch: always the same, the last one filled up, because results depend on the batch's size. */
const BATCH = 256;

/**
 * Scores every row of a labelled table, in the order of row numbers; a row's number stands where users have their
 * pseudonym. Labelled tables are held in memory whole.
 */
export async function scoreTable(files: ModelFiles, context: ScoreContext): Promise<ShardScores> {
  const { store, manifest: run, group, threads } = context;
  const { config } = run;
  const task = group.tasks[0]!;
  const manifest = parseManifest(tableManifest, files);
  const { table, rowIds } = await readLabelled(store, run, task);
  const features = tableFeatures(table, manifest.encoder);
  const width = features.length / table.rows;
  const order = Array.from({ length: table.rows }, (_, i) => i).sort((a, b) => rowIds[a]! - rowIds[b]!);
  const logit = new Float64Array(table.rows);
  const reasons: string[] = [];
  const session = await openSession(files['model.onnx']!, { threads });
  try {
    const names = reasonNames(manifest).map(groupWords);
    for (let start = 0; start < order.length; start += BATCH) {
      const rows = order.slice(start, start + BATCH);
      const batch = new Float32Array(BATCH * width);
      rows.forEach((row, b) => {
        batch.set(features.subarray(row * width, (row + 1) * width), b * width);
      });
      const output = await session.run({ features: float32(batch, [BATCH, width]) });
      const effects = output.reasons!.data as Float32Array;
      const columns = output.reasons!.shape[2]!;
      rows.forEach((_, b) => {
        logit[start + b] = Number(output.logits!.data[b]);
        const from = b * columns;
        reasons.push(strongest(names, effects.subarray(from, from + names.length), config.exports.reasons));
      });
    }
  } finally {
    await session.close();
  }
  const users = order.map((row) => String(rowIds[row]));
  const hashes = Uint32Array.from(users, (row) => stableUnit('row', row) * 2 ** 32);
  const scores = { logit, probability: logit.map(probabilityOf), reasons };
  return { users, hashes, tasks: { [task]: scores }, lists: {}, values: {} };
}
