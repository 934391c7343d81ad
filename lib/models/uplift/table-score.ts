import { stableUnit } from '../../data/index.ts';
import { float32 } from '../../engine/host/index.ts';
import { openSession } from '../../engine/train/index.ts';
import { groupWords } from '../../features/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { EvaluateContext, Outcomes, ScoreContext, ShardScores } from '../family.ts';
import { parseManifest, strongest } from '../shared/index.ts';
import { tableFeatures } from '../table/index.ts';
import { upliftManifest } from './manifest.ts';
import { readTrialTable } from './table-rows.ts';
import { upliftTask } from './uplift-task.ts';

/** Rows of every batch: always the same, the last one filled up, because results may depend on the batch's size. */
const BATCH = 256;

/** Scores every row of the table, in the order of row numbers, whatever its arm. */
export async function scoreTrialTable(files: ModelFiles, context: ScoreContext): Promise<ShardScores> {
  const { store, manifest: run, group, threads } = context;
  const task = group.tasks[0]!;
  const { encoder, groups } = parseManifest(upliftManifest, files);
  const { table, rowIds } = await readTrialTable(store, run, task);
  const features = tableFeatures(table, encoder!);
  const width = features.length / table.rows;
  const order = Array.from({ length: table.rows }, (_, i) => i).sort((a, b) => rowIds[a]! - rowIds[b]!);
  const column = () => new Float64Array(table.rows);
  const scores = { uplift: column(), control: column(), treated: column() };
  const reasons: string[] = [];
  const names = groups.map(groupWords);
  const session = await openSession(files['model.onnx']!, { threads });
  try {
    for (let start = 0; start < order.length; start += BATCH) {
      const rows = order.slice(start, start + BATCH);
      const batch = new Float32Array(BATCH * width);
      rows.forEach((row, b) => {
        batch.set(features.subarray(row * width, (row + 1) * width), b * width);
      });
      const output = await session.run({ features: float32(batch, [BATCH, width]) });
      const effects = output.reasons!.data as Float32Array;
      rows.forEach((_, b) => {
        for (const name of ['uplift', 'control', 'treated'] as const) {
          scores[name][start + b] = Number(output[name]!.data[b]);
        }
        const own = effects.subarray(b * names.length, (b + 1) * names.length);
        reasons.push(strongest(names, own, run.config.exports.reasons));
      });
    }
  } finally {
    await session.close();
  }
  const users = order.map((row) => String(rowIds[row]));
  const hashes = Uint32Array.from(users, (row) => stableUnit('row', row) * 2 ** 32);
  return { users, hashes, tasks: {}, lists: {}, values: {}, uplifts: { [task]: { ...scores, reasons } } };
}

/** Expected effects of the test rows that are compared, beside their arms and outcomes. */
export async function trialTableOutcomes(
  { store, manifest, tasks }: EvaluateContext,
  { users, uplifts }: ShardScores,
): Promise<Record<string, Outcomes>> {
  const outcomes: Record<string, Outcomes> = {};
  for (const name of tasks) {
    const trial = await readTrialTable(store, manifest, name);
    const place = new Map(users.map((id, row) => [id, row]));
    const compared = trial.test.filter((row) => !Number.isNaN(trial.treated[row]!));
    const rows = Array.from(compared, (row) => place.get(String(trial.rowIds[row]))!);
    const { uplift } = uplifts![name]!;
    outcomes[name] = {
      kind: 'uplift',
      ids: rows.map((row) => users[row]!),
      uplifts: rows.map((row) => uplift[row]!),
      treated: Array.from(compared, (row) => trial.treated[row]!),
      outcomes: Array.from(compared, (row) => trial.outcomes[row]!),
      least: upliftTask(manifest, name).least,
    };
  }
  return outcomes;
}
