import { stableUnit } from '../../data/index.ts';
import { auroc } from '../../engine/metrics/index.ts';
import { encodeModel, importModel, quantise } from '../../engine/onnx/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { ScoreContext, ShardScores } from '../family.ts';
import { type Progress, parseManifest } from '../shared/index.ts';
import { type LabelledTable, readLabelled } from './labelled.ts';
import { tableManifest } from './manifest.ts';
import { answersTo } from './score.ts';

/** Rows that both models are asked, and the fewest that say anything. */
const ASKED = 512;
const FEWEST = 50;

/** What weights of 8 bits may cost: of accuracy or AUROC, and the mean difference of a probability. */
const MOST = { quality: 0.005, moved: 0.01 };

/**
 * The files that a night scores with: with `text.night: 'int8'` a model that reads texts has its matrix products in 8 bits (see
 * `quantise`), unless that costs more than a bound. It is measured on training rows, those of split 'valid' where there are any: test
 * rows decide nothing. It follows from the model and the rows alone, so each job comes to the same.
 */
export async function servedTable(
  files: ModelFiles,
  context: ScoreContext,
  progress: Progress,
): Promise<ModelFiles> {
  const { store, manifest: run, group } = context;
  if (run.config.text?.night !== 'int8' || !parseManifest(tableManifest, files).texts) return files;
  const task = group.tasks[0]!;
  const full = files['model.onnx']!;
  const model = encodeModel(quantise(importModel(full)), { parametersAs: 'initializers' });
  const labelled = await readLabelled(store, run, task);
  const rows = askedRows(labelled);
  const small = { ...files, 'model.onnx': model };
  const keep = (why: string): ModelFiles => {
    progress(`${task}: the model keeps weights of 32 bits: ${why}`);
    return files;
  };
  if (model.length >= full.length) return keep('none of its matrix products can have 8');
  if (rows.length < FEWEST) return keep(`${rows.length} rows are too few to measure what 8 would cost`);
  const { quality, moved } = costOf(
    labelled,
    rows,
    await answersTo(files, context, labelled.table, rows),
    await answersTo(small, context, labelled.table, rows),
    task,
  );
  const told = `${rows.length} rows lose ${quality.toFixed(4)} of ${labelled.answers === 'yes-no' ? 'AUROC' : 'accuracy'}, and probabilities move by ${moved.toFixed(4)} on average`;
  if (quality > MOST.quality || moved > MOST.moved) return keep(told);
  progress(
    `${task}: weights of 8 bits, ${Math.round((100 * model.length) / full.length)} % of the bytes: ${told}`,
  );
  return small;
}

/** Training rows, those of split 'valid' where there are any, drawn by their number. */
function askedRows({ train, table, rowIds }: LabelledTable): number[] {
  const valid = train.filter((row) => table.splits[row] === 'valid');
  const unit = (row: number) => stableUnit('served', String(rowIds[row]));
  return [...(valid.length > 0 ? valid : train)].sort((a, b) => unit(a) - unit(b) || a - b).slice(0, ASKED);
}

type Told = Pick<ShardScores, 'tasks' | 'classes'>;

/** What is lost between two models' answers to some rows; texts are read for yes or no and for one of several classes alone. */
function costOf(
  { heads, labels, table }: LabelledTable,
  rows: readonly number[],
  before: Told,
  after: Told,
  task: string,
): { quality: number; moved: number } {
  const chances = ({ tasks, classes }: Told) => classes?.[task]?.probabilities ?? tasks[task]!.probability;
  const [a, b] = [chances(before), chances(after)];
  const moved = a.reduce((sum, chance, i) => sum + Math.abs(chance - b[i]!), 0) / a.length;
  const classes = before.classes?.[task]?.classes;
  if (!classes) {
    const truth = rows.map((row) => labels[row * heads.length]!);
    if (new Set(truth).size < 2) return { quality: 0, moved };
    return { quality: auroc(truth, [...a]) - auroc(truth, [...b]), moved };
  }
  const right = (of: Float64Array) =>
    rows.filter((row, i) => {
      const own = of.subarray(i * classes.length, (i + 1) * classes.length);
      return classes[own.indexOf(Math.max(...own))] === table.labels[row];
    }).length / rows.length;
  return { quality: right(a) - right(b), moved };
}
