import type { Config, LabelTask } from '../../config/index.ts';
import { canonicalJson, DataError, stableUnit } from '../../data/index.ts';
import { createRng } from '../../engine/host/index.ts';
import { assessBinary, type BinaryAssessment, logLoss, type Validation } from '../../engine/metrics/index.ts';
import { encodeModel } from '../../engine/onnx/index.ts';
import type { CurvePoint, FitStore } from '../../engine/train/index.ts';
import {
  type AttributeEncoder,
  type AttributeTable,
  attributeNames,
  attributeWriter,
  fitAttributes,
  readAttributes,
} from '../../features/index.ts';
import { fitColumns, fitInputs, fitPiecewise, writeInputs } from '../candidates/inputs.ts';
import { fitPropensity, type Parameters, predictPropensity, type RawRows, withValues } from '../candidates/network/fit.ts';
import { type PropensityShape, scoringModel } from '../candidates/network/graph.ts';
import type { ModelFiles } from '../../registry/index.ts';
import type { RunManifest, TaskGroup } from '../../run/index.ts';
import type { ObjectStore } from '../../runtime/index.ts';
import { groupMatrix } from '../candidates/group-matrix.ts';
import type { Progress } from '../users/material.ts';
import { featureStrengths } from '../candidates/strength.ts';

/** What `manifest.json` of a labelled table's model says. */
export interface TableModelManifest {
  readonly kind: 'label';
  readonly task: string;
  readonly encoder: AttributeEncoder;
  readonly groups: readonly string[];
  readonly rows: number;
  readonly curve: CurvePoint[];
  readonly selection: string[];
  readonly candidates: { readonly name: string; readonly loss: number }[];
  /** What the chosen form did on the training rows that it was chosen by; models of earlier versions have none. */
  readonly validation?: Readonly<Record<string, Validation<BinaryAssessment>>>;
  /** What moves the scores; one entry, as there is one head. */
  readonly strengths: Awaited<ReturnType<typeof featureStrengths>>;
}

/** A labelled table as numbers, with the parts that its split names. */
export interface LabelledTable {
  /** Row numbers as the shop counts them, over all files in the order of their keys. */
  readonly rowIds: Int32Array;
  readonly train: Int32Array;
  readonly test: Int32Array;
  /** 1 for the positive label. */
  readonly labels: Float32Array;
  readonly table: AttributeTable;
}

/** Rows held out to choose by, where the split names no 'valid' part. */
const HELD_OUT = 0.15;

export function labelTask(config: Config, name: string): LabelTask {
  const task = config.tasks[name];
  if (task?.kind !== 'label') throw new DataError(`${name} is no task over a labelled table`);
  return task;
}

/**
 * Reads the table of a label task. Rows of split 'test' are for testing, all others for training; without any split a
 * fifth of the rows, by a hash of the row number, is for testing.
 * @throws DataError when there are no rows to train on, or one label only
 */
export async function readLabelled(
  store: ObjectStore,
  manifest: RunManifest,
  name: string,
): Promise<LabelledTable> {
  const task = labelTask(manifest.config, name);
  const inputs = manifest.inputs.labels.filter(({ source }) => source === task.source);
  if (inputs.length === 0) {
    throw new DataError(`task ${name} has no rows: drop a file of source ${task.source} first`);
  }
  const parts = await Promise.all(inputs.map(({ clean }) => readAttributes(store, [clean])));
  const offsets: number[] = [];
  let next = 0;
  parts.forEach((part, i) => {
    next += inputs[i]!.rowsBefore ?? 0;
    offsets.push(next);
    next += inputs[i]!.rows ?? part.rows;
  });
  const whole =
    parts.length === 1
      ? parts[0]!
      : await readAttributes(
          store,
          inputs.map(({ clean }) => clean),
        );
  const rowIds = Int32Array.from(
    parts.flatMap((part, i) => Array.from(part.rowIds, (id) => id + offsets[i]!)),
  );
  const table = {
    ...whole,
    columns: whole.columns.filter(({ name: column }) => !task.exclude.includes(column)),
  };
  const named = table.splits.some((split) => split !== '');
  const isTest = (row: number) =>
    named ? table.splits[row] === 'test' : stableUnit('split', String(rowIds[row])) < 0.2;
  const rows = Int32Array.from({ length: table.rows }, (_, i) => i).sort((a, b) => rowIds[a]! - rowIds[b]!);
  const train = rows.filter((row) => !isTest(row));
  const labels = Float32Array.from(table.labels, (label) =>
    Number(label.toLowerCase() === task.positive.toLowerCase()),
  );
  const positives = train.reduce((sum, row) => sum + labels[row]!, 0);
  if (positives === 0 || positives === train.length) {
    const seen = [...new Set(table.labels)].slice(0, 5).map((label) => `"${label}"`);
    throw new DataError(
      `task ${name}: ${positives} of ${train.length} training rows have the label "${task.positive}"; the table's ` +
        `labels are ${seen.join(', ')}: set tasks.${name}.positive to one of them`,
    );
  }
  return { rowIds, train, test: rows.filter(isTest), labels, table };
}

/**
 * Encodes the rows of a table. @returns (rows, width)
 * @throws DataError that names row and column where a value is too large to learn from
 */
export function tableFeatures(table: AttributeTable, encoder: AttributeEncoder): Float32Array {
  const writer = attributeWriter(encoder, table);
  const names = attributeNames(encoder);
  const features = new Float32Array(table.rows * writer.length);
  for (let row = 0; row < table.rows; row++) {
    const from = row * writer.length;
    writer.write(row, features, from);
    const k = features.subarray(from, from + writer.length).findIndex((value) => !Number.isFinite(value));
    if (k < 0) continue;
    throw new DataError(
      `row ${table.rowIds[row]} of a labelled table has a value in column ${names[k]!.group} that gives no finite ` +
        'number: correct it there, or leave such rows out by a rule with the action "quarantine"',
    );
  }
  return features;
}

/**
 * Trains the model of a labelled table: chosen on held-out training rows, then fitted on all of them.
 * @param fits keeps the fits for a training that is started again
 */
export async function trainTable(
  store: ObjectStore,
  manifest: RunManifest,
  group: TaskGroup,
  progress: Progress,
  fits?: FitStore,
): Promise<ModelFiles> {
  const task = group.tasks[0]!;
  const { config } = manifest;
  progress('reading the table');
  const { table, train, labels, rowIds } = await readLabelled(store, manifest, task);
  const valid = table.splits.includes('valid');
  const heldOut = (row: number) =>
    valid ? table.splits[row] === 'valid' : stableUnit('held out', String(rowIds[row])) < HELD_OUT;
  const validation = train.filter(heldOut);
  const candidates = [
    { name: 'linear', mlp: false },
    { name: 'linear + MLP', mlp: true },
  ];
  const fitOn = async (rows: Int32Array, mlp: boolean, name: string) => {
    const encoder = fitAttributes(table, [...rows]);
    const features = tableFeatures(table, encoder);
    const width = attributeNames(encoder).length;
    const transform = fitInputs(
      features,
      width,
      rows,
      // Attributes have been through the logarithm where they need it.
      fitColumns(features, width, rows, { logarithms: false }),
    );
    const kept = transform.kept.length;
    const inputs = new Float32Array(table.rows * kept);
    for (const row of rows) writeInputs(features, row * width, transform, inputs, row * kept);
    const shape: PropensityShape = {
      features: width,
      transform,
      heads: [{ task, bins: 1, inverted: false }],
      mlp: mlp
        ? {
            hidden: config.model.hidden,
            layers: 2,
            members: config.model.members,
            piecewise: fitPiecewise(inputs, kept, rows),
          }
        : null,
      sequence: null,
    };
    const weights = new Float32Array(rows.length).fill(1);
    const data = { features, width };
    const fitted = await fitPropensity(shape, { inputs, labels }, rows, weights, {
      ...config.training,
      priorVariance: 1 / 300,
      dropout: 0.2,
      seed: config.model.seed,
      onProgress: (step, of, loss) => progress(`${name}: step ${step} of ${of}, loss ${loss.toFixed(4)}`),
      fits,
    });
    return { encoder, shape, data, fitted };
  };
  const held = Array.from(validation, (row) => labels[row]!);
  const losses: { name: string; loss: number; probabilities: number[] }[] = [];
  for (const { name, mlp } of candidates) {
    const { shape, data, fitted } = await fitOn(
      train.filter((row) => !heldOut(row)),
      mlp,
      `choosing: ${name}`,
    );
    const { threads } = config.training;
    const probabilities = await heldOutChances(shape, fitted.parameters, data, validation, threads);
    losses.push({ name, loss: logLoss(held, probabilities), probabilities });
  }
  const best = losses.reduce((a, b) => (b.loss < a.loss ? b : a));
  const { encoder, shape, data, fitted } = await fitOn(train, best.name !== 'linear', `fitting ${best.name}`);
  const names = attributeNames(encoder);
  const groups = groupMatrix(shape.transform.kept.map((j) => names[j]!.group));
  const scoring = withValues(scoringModel(shape, createRng(config.model.seed), groups), fitted.parameters);
  const description: TableModelManifest = {
    kind: 'label',
    task,
    encoder,
    groups: groups.names,
    rows: train.length,
    curve: fitted.curve,
    selection: [
      `Chosen on ${validation.length} held-out training rows; the test rows were not looked at.`,
      `Kept: ${best.name} (held-out loss ${losses.map(({ name, loss }) => `${name} ${loss.toFixed(4)}`).join(', ')}).`,
    ],
    candidates: losses.map(({ name, loss }) => ({ name, loss })),
    validation: {
      [task]: { by: 'rows', days: null, assessment: assessBinary(held, best.probabilities) },
    },
    strengths: await featureStrengths(shape, fitted.parameters, data, train, names),
  };
  return {
    'model.onnx': encodeModel(scoring, { parametersAs: 'initializers' }),
    'manifest.json': new TextEncoder().encode(canonicalJson(description)),
  };
}

async function heldOutChances(
  shape: PropensityShape,
  parameters: Parameters,
  data: RawRows,
  rows: Int32Array,
  threads: number,
): Promise<number[]> {
  const logits = await predictPropensity(shape, parameters, data, rows, threads);
  return Array.from(logits, (z) => 1 / (1 + Math.exp(-z)));
}
