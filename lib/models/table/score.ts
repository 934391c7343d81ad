import { stableUnit } from '../../data/index.ts';
import { decodeModel } from '../../engine/onnx/index.ts';
import { openSession } from '../../engine/train/index.ts';
import { type AttributeTable, groupWords } from '../../features/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import { reasonNames } from '../candidates/index.ts';
import type { ScoreContext, ShardScores } from '../family.ts';
import { parseManifest, probabilityOf, strongest, tokenizerOf } from '../shared/index.ts';
import { type TokenReading, tableBatches } from './batches.ts';
import { readLabelled, tableFeatures } from './labelled.ts';
import { type TableModelManifest, tableManifest } from './manifest.ts';
import { joinedTexts } from './texts.ts';

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
  const reasons = new Array<string>(table.rows).fill('');
  const session = await openSession(files['model.onnx']!, { threads });
  try {
    const names = reasonNames(manifest).map(groupWords);
    for (const { places, feeds } of tableBatches(
      { features, width },
      order,
      readingOf(files, manifest, table),
    )) {
      const output = await session.run(feeds);
      const effects = output.reasons!.data as Float32Array;
      const columns = output.reasons!.shape[2]!;
      places.forEach((place, b) => {
        logit[place] = Number(output.logits!.data[b]);
        const from = b * columns;
        reasons[place] = strongest(
          names,
          effects.subarray(from, from + names.length),
          config.exports.reasons,
        );
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

/** What the model reads of the rows' texts; undefined where it reads none. */
function readingOf(
  files: ModelFiles,
  { texts: read }: TableModelManifest,
  table: AttributeTable,
): TokenReading | undefined {
  if (!read) return undefined;
  const tokenizer = tokenizerOf(files);
  return {
    graph: decodeModel(files['model.onnx']!),
    tokenizer,
    maxLength: read.maxLength,
    texts: joinedTexts(table, read.attributes, tokenizer),
  };
}
