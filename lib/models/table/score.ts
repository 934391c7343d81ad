import { stableUnit } from '../../data/index.ts';
import { decodeModel } from '../../engine/onnx/index.ts';
import { openSession } from '../../engine/train/index.ts';
import { type AttributeTable, attributeNames, groupWords } from '../../features/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import { reasonNames } from '../candidates/index.ts';
import type { ScoreContext, ShardScores } from '../family.ts';
import { parseManifest, tokenizerOf } from '../shared/index.ts';
import { type RowsToRead, type TokenReading, tableBatches } from './batches.ts';
import { readLabelled, tableFeatures } from './labelled.ts';
import { type TableModelManifest, tableManifest } from './manifest.ts';
import { joinedTexts } from './texts.ts';
import { type RowAnswers, scoresOf } from './told.ts';
import { readUnlabelled } from './unlabelled.ts';

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
  const { store, manifest, group } = context;
  const { table, rowIds } = await readLabelled(store, manifest, group.tasks[0]!);
  const order = Array.from({ length: table.rows }, (_, i) => i).sort((a, b) => rowIds[a]! - rowIds[b]!);
  const users = order.map((row) => String(rowIds[row]));
  return { ...named(users), ...(await answersTo(files, context, table, order)) };
}

/**
 * Scores the rows that came without a label, in the order of their ids, which stand where users have their pseudonym. A row's score
 * reads this row alone.
 * @returns undefined where the task answers none
 */
export async function scoreUnlabelled(
  files: ModelFiles,
  context: ScoreContext,
): Promise<ShardScores | undefined> {
  const { store, manifest, group } = context;
  const rows = await readUnlabelled(store, manifest, group.tasks[0]!);
  if (!rows) return undefined;
  const { table, keys, times } = rows;
  const order = Array.from(keys.keys());
  const senders = table.ids.map((user) => (user === '' ? null : user));
  return {
    ...named([...keys]),
    ...(await answersTo(files, context, table, order)),
    arrived: { senders, times },
  };
}

function named(users: string[]): Pick<ShardScores, 'users' | 'hashes' | 'lists' | 'values'> {
  const hashes = Uint32Array.from(users, (row) => stableUnit('row', row) * 2 ** 32);
  return { users, hashes, lists: {}, values: {} };
}

/** What the model says of the rows of a table. @param order their places, in the order in which they are told */
export async function answersTo(
  files: ModelFiles,
  { manifest: run, group, threads }: ScoreContext,
  table: AttributeTable,
  order: readonly number[],
): Promise<Pick<ShardScores, 'tasks' | 'classes' | 'numbers'>> {
  const task = group.tasks[0]!;
  const manifest = parseManifest(tableManifest, files);
  const features = tableFeatures(table, manifest.encoder);
  const heads = manifest.told && manifest.told.form !== 'number' ? manifest.told.classes.length : 1;
  const size = heads === 1 ? BATCH : Math.max(4, Math.floor(BATCH_OF_HEADS / heads));
  const rows = { features, width: attributeNames(manifest.encoder).length, order, size };
  const reading = readingOf(files, manifest, table);
  const names = reasonNames(manifest).map(groupWords);
  const answers: RowAnswers = {
    ...{ heads, names, count: run.config.exports.reasons },
    logits: new Float64Array(order.length * heads),
    effects: new Float32Array(order.length * heads * names.length),
    bounds: new Float32Array(0),
  };
  await runModel(files['model.onnx']!, { ...rows, reading }, threads, (places, output) => {
    const effects = output.reasons!.data as Float32Array;
    const columns = output.reasons!.shape[2]!;
    places.forEach((place, b) => {
      for (let head = 0; head < heads; head++) {
        const [from, to] = [b * heads + head, place * heads + head];
        answers.logits[to] = Number(output.logits!.data[from]);
        const own = effects.subarray(from * columns, from * columns + names.length);
        answers.effects.set(own, to * names.length);
      }
    });
  });
  const interval = files['interval.onnx'];
  const bounds = new Float32Array(interval ? 2 * order.length : 0);
  if (interval) {
    await runModel(interval, rows, threads, (places, output) => {
      places.forEach((place, b) => {
        bounds.set((output.bounds!.data as Float32Array).subarray(2 * b, 2 * b + 2), 2 * place);
      });
    });
  }
  return scoresOf(task, manifest.told, { ...answers, bounds });
}

type Output = Awaited<ReturnType<Awaited<ReturnType<typeof openSession>>['run']>>;

/** @param take gets the places of a batch's rows in their order */
async function runModel(
  model: Uint8Array,
  rows: RowsToRead,
  threads: number,
  take: (places: Int32Array, output: Output) => void,
): Promise<void> {
  if (rows.order.length === 0) return;
  const session = await openSession(model, { threads });
  try {
    for (const { places, feeds } of tableBatches(rows)) take(places, await session.run(feeds));
  } finally {
    await session.close();
  }
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
