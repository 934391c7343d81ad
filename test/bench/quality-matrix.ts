import { parseDay } from '../../lib/data/index.ts';
import { attributeNames, fitAttributes } from '../../lib/features/index.ts';
import { fitColumns, fitInputs, writeInputs } from '../../lib/models/candidates/index.ts';
import { cutoffGrid, historyStart } from '../../lib/models/shared/index.ts';
import { readLabelled, tableFeatures } from '../../lib/models/table/labelled.ts';
import { buildUserRows, survey, userHeads, userTask } from '../../lib/models/users/user-rows.ts';
import { openUsers, type RunManifest } from '../../lib/run/index.ts';
import type { ObjectStore } from '../../lib/runtime/index.ts';

/** The rows that our model learns from and is asked for, as any other learner can take them. */
export interface QualityMatrix {
  readonly width: number;
  /** (rows, width): training rows, then those that are asked for, in the order of the outcomes. */
  readonly inputs: Float32Array;
  /** Of the training rows. */
  readonly labels: Float32Array;
  /** Per training row the cut-off (a day), for a validation that lies later; 0 in a labelled table. */
  readonly cutoffs: Int32Array;
  /** Days from a cut-off until its label is known. */
  readonly horizon: number;
  readonly asked: number;
}

/** More rows than any of the examples has: none is sampled away. */
const LIMIT = 1_000_000;

/** Closed windows alone, each cut-off standardised by its own statistics, as our network reads them. */
export async function userMatrix(
  store: ObjectStore,
  manifest: RunManifest,
  name: string,
): Promise<QualityMatrix> {
  const { config } = manifest;
  const asOf = parseDay(manifest.asOf!);
  const users = openUsers(store, manifest);
  const first = (await historyStart(users, asOf))!;
  const horizon = userTask(config, name).horizonDays;
  const closed = cutoffGrid(config, first, asOf).filter((cutoff) => cutoff + horizon <= asOf);
  const rows = await buildUserRows({
    store,
    manifest,
    users,
    tasks: [name],
    heads: userHeads(config, [name], asOf - first),
    cutoffs: [...closed, asOf],
    survey: await survey(store, manifest, users, asOf, first),
    texts: false,
    length: 1,
    limit: LIMIT,
  });
  const at = (day: number) =>
    Int32Array.from({ length: rows.count }, (_, i) => i).filter(
      (row) => rows.cutoff[row] === day && !Number.isNaN(rows.outcomes[row]!),
    );
  const train = Int32Array.from(closed.flatMap((day) => [...at(day)]));
  const asked = at(asOf);
  const columns = fitColumns(rows.features, rows.width, train);
  const width = columns.kept.length;
  const inputs = new Float32Array((train.length + asked.length) * width);
  let next = 0;
  for (const own of [...closed.map(at), asked]) {
    if (own.length === 0) continue;
    const transform = fitInputs(rows.features, rows.width, own, columns);
    for (const row of own) writeInputs(rows.features, row * rows.width, transform, inputs, next++ * width);
  }
  return {
    width,
    inputs,
    labels: Float32Array.from(train, (row) => rows.outcomes[row]!),
    cutoffs: Int32Array.from(train, (row) => rows.cutoff[row]!),
    horizon,
    asked: asked.length,
  };
}

export async function tableMatrix(
  store: ObjectStore,
  manifest: RunManifest,
  name: string,
): Promise<QualityMatrix> {
  const { table, train, test, labels } = await readLabelled(store, manifest, name);
  const encoder = fitAttributes(table, [...train]);
  const features = tableFeatures(table, encoder);
  const width = attributeNames(encoder).length;
  const inputs = new Float32Array((train.length + test.length) * width);
  [...train, ...test].forEach((row, i) => {
    inputs.set(features.subarray(row * width, (row + 1) * width), i * width);
  });
  return {
    width,
    inputs,
    labels: Float32Array.from(train, (row) => labels[row]!),
    cutoffs: new Int32Array(train.length),
    horizon: 0,
    asked: test.length,
  };
}
