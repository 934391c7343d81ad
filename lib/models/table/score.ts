import { stableUnit } from '../../data/index.ts';
import { float32 } from '../../engine/host/index.ts';
import { openSession } from '../../engine/train/index.ts';
import { groupWords } from '../../features/index.ts';
import { readLabelled, type TableModelManifest, tableFeatures } from './train.ts';
import { readModelFile } from '../../registry/index.ts';
import { type RunManifest, tableScoresKey } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { strongest } from '../shared/reasons.ts';
import { encodeScores } from '../../score/scores.ts';

const BATCH = 256;

/**
 * Scores every row of a labelled table, in the order of row numbers; a row's number stands where users have their
 * pseudonym. Labelled tables are held in memory whole.
 * @returns rows scored; undefined when the scores stand already
 */
export async function scoreTable(args: {
  store: ObjectStore;
  runId: string;
  manifest: RunManifest;
  group: string;
  task: string;
  version: string;
}): Promise<number | undefined> {
  const { store, runId, manifest, group, task, version } = args;
  const { config } = manifest;
  if (await store.head(tableScoresKey(runId, task))) return undefined;
  const text = new TextDecoder().decode(await readModelFile(store, group, version, 'manifest.json'));
  const description: TableModelManifest = JSON.parse(text);
  const { table, rowIds } = await readLabelled(store, manifest, task);
  const features = tableFeatures(table, description.encoder);
  const width = features.length / table.rows;
  const order = Array.from({ length: table.rows }, (_, i) => i).sort((a, b) => rowIds[a]! - rowIds[b]!);
  const logit = new Float64Array(table.rows);
  const reasons: string[] = [];
  const session = await openSession(await readModelFile(store, group, version, 'model.onnx'), {
    threads: config.training.threads,
  });
  try {
    const groups = description.groups.map(groupWords);
    for (let start = 0; start < order.length; start += BATCH) {
      const rows = order.slice(start, start + BATCH);
      const batch = new Float32Array(BATCH * width);
      rows.forEach((row, b) => {
        batch.set(features.subarray(row * width, (row + 1) * width), b * width);
      });
      const output = await session.run({ features: float32(batch, [BATCH, width]) });
      const effects = output.reasons!.data as Float32Array;
      rows.forEach((_, b) => {
        logit[start + b] = Number(output.logits!.data[b]);
        const from = b * (groups.length + 1);
        reasons.push(strongest(groups, effects.subarray(from, from + groups.length), config.exports.reasons));
      });
    }
  } finally {
    await session.close();
  }
  const users = order.map((row) => String(rowIds[row]));
  const hashes = Uint32Array.from(users, (row) => stableUnit('row', row) * 2 ** 32);
  const probability = logit.map((z) => 1 / (1 + Math.exp(-z)));
  const scores = { users, hashes, tasks: { [task]: { logit, probability, reasons } }, lists: {} };
  await store.put(tableScoresKey(runId, task), encodeScores(scores, { runId, task }), { ifAbsent: true });
  return users.length;
}
