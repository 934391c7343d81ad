import { DataError, parseDay } from '../../data/index.ts';
import { encodeModel } from '../../engine/onnx/index.ts';
import type { ModelFiles } from '../../registry/index.ts';
import { runRows, summarise } from '../candidates/index.ts';
import type { TrainContext } from '../family.ts';
import { cutoffGrid, historyStart, manifestFile, type TaskStrengths } from '../shared/index.ts';
import { type FittedValue, fitValue } from './fit.ts';
import { valueGraph } from './graph.ts';
import type { ValueModelManifest } from './manifest.ts';
import { buildValueRows, readNames, type ValueRows, valueColumns } from './rows.ts';
import { chooseValue } from './select.ts';
import { valueTask } from './value-task.ts';

/** Rows that the strengths of features are measured on. */
const MEASURED = 1024;

/**
 * Trains the model of a value task from what was known before the as-of day: a model of the customer base by maximum likelihood,
 * and trees of two kinds, weighed on past days whose windows are over.
 * @throws DataError when there is no history to learn from
 */
export async function trainValue(context: TrainContext): Promise<ModelFiles> {
  const { manifest, group, progress } = context;
  const { config } = manifest;
  const name = group.tasks[0]!;
  const { horizonDays } = valueTask(manifest, name);
  const asOf = parseDay(manifest.asOf!);
  progress('reading users');
  const first = await historyStart(await context.users(), asOf);
  if (first === undefined) {
    throw new DataError(
      `there are no events before the as-of day ${manifest.asOf}: choose a later day, or drop earlier ones`,
    );
  }
  const run = { seed: config.model.seed, threads: config.training.threads, progress };
  const choice = await chooseValue(context, { first, asOf, run });
  const cutoffs = [...cutoffGrid(config, first, asOf), asOf];
  const value = await buildValueRows(context, await valueColumns(context, first, asOf), cutoffs);
  const fitted = await fitValue(value, { day: asOf, horizonDays }, run);
  const { base, trees, typical } = fitted;
  const { interval } = choice;
  // What did best on past days may not be there today: then the other part answers.
  const weights = trees ? choice.weights : [1, 0, 0];
  if (!base && weights[0]! > 0) {
    throw new DataError(
      `the value of ${name} cannot be told: nobody whom it asks came back before ${manifest.asOf}, and too few windows came to anything`,
    );
  }
  const groupOf = readNames(config, value).map((one) => one.group);
  const groups = trees ? [...new Set(groupOf)].sort() : [];
  const by = weights[2]! > weights[1]! ? 'total' : 'parts';
  const reasons = { groupOf: groupOf.map((one) => groups.indexOf(one)), groups: groups.length, by } as const;
  const graph = valueGraph(trees, value.reads, trees && reasons);
  const manifestOf: ValueModelManifest = {
    kind: 'value',
    task: name,
    trainedBefore: manifest.asOf!,
    columns: value.columns,
    profile: value.profile,
    ...(base ? { base } : {}),
    typical,
    weights,
    spread: trees?.spread ?? 0,
    ...(trees && interval ? { interval } : {}),
    groups,
    rows: learntFrom(value, asOf, horizonDays),
    losses: choice.losses,
    selection: choice.notes,
    ...(choice.validation ? { validation: { [name]: choice.validation } } : {}),
    strengths: await strengthsOf(fitted, value, context, by),
  };
  return { 'model.onnx': encodeModel(graph, { parametersAs: 'initializers' }), ...manifestFile(manifestOf) };
}

const learntFrom = ({ rows }: ValueRows, asOf: number, horizonDays: number): number =>
  rows.cutoff.reduce((n, cutoff) => n + Number(cutoff + horizonDays <= asOf), 0);

/** What moves the scores of users as of the day. */
async function strengthsOf(
  { trees }: FittedValue,
  value: ValueRows,
  { manifest }: TrainContext,
  by: 'parts' | 'total',
): Promise<TaskStrengths[]> {
  if (!trees) return [];
  const { rows, reads } = value;
  const asOf = parseDay(manifest.asOf!);
  const names = readNames(manifest.config, value);
  const each = names.map((_, column) => column);
  const at = Int32Array.from({ length: rows.count }, (_, row) => row)
    .filter((row) => rows.cutoff[row] === asOf)
    .subarray(0, MEASURED);
  const features = new Float32Array(at.length * reads);
  at.forEach((row, i) => {
    features.set(rows.features.subarray(row * rows.width, row * rows.width + reads), i * reads);
  });
  const graph = valueGraph(trees, reads, { groupOf: each, groups: reads, by });
  let effects = new Float32Array(0);
  const all = Int32Array.from(at, (_, i) => i);
  await runRows(graph, { features, width: reads }, all, 1, (_, output) => {
    effects = Float32Array.from(output.reasons!);
  });
  return [summarise(effects, 1, 0, names)];
}
