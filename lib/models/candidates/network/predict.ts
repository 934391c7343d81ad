import { createRng } from '../../../engine/host/index.ts';
import type { Graph } from '../../../engine/onnx/index.ts';
import { AT_ONCE, type RawFeatures, runRows } from '../run-rows.ts';
import type { BranchRows } from './branches/index.ts';
import { type Network, type ReasonGroups, scoringModel } from './graph.ts';
import { type ParameterValues, withValues } from './parameters.ts';

/** Rows as the scoring graph reads them. */
export interface RawRows extends BranchRows, RawFeatures {}

/**
 * Logits of the tasks for some rows.
 * @returns (rows.length, tasks)
 */
export async function predictNetwork(
  network: Network,
  parameters: ParameterValues,
  data: RawRows,
  rows: Int32Array,
  threads: number,
): Promise<Float32Array> {
  const model = withValues(scoringModel(network, createRng(0)), parameters);
  const tasks = network.heads.length;
  const logits = new Float32Array(rows.length * tasks);
  await runOver(network, model, data, rows, threads, (start, output) => {
    logits.set(output.logits!, start * tasks);
  });
  return logits;
}

/**
 * Reasons of some rows, at most `AT_ONCE`, by the groups given.
 * @returns (rows.length, tasks, groups + columns of branches)
 */
export async function reasonsOf(
  network: Network,
  parameters: ParameterValues,
  data: RawRows,
  rows: Int32Array,
  groups: ReasonGroups,
): Promise<Float32Array> {
  const model = withValues(scoringModel(network, createRng(0), groups), parameters);
  let reasons = new Float32Array(0);
  await runOver(network, model, data, rows.subarray(0, AT_ONCE), 1, (_, output) => {
    reasons = Float32Array.from(output.reasons!);
  });
  return reasons;
}

const runOver = (
  network: Network,
  model: Graph,
  data: RawRows,
  rows: Int32Array,
  threads: number,
  take: (start: number, output: Readonly<Record<string, Float32Array>>) => void,
): Promise<void> =>
  runRows(model, data, rows, threads, take, (part) =>
    Object.assign({}, ...network.branches.map((branch) => branch.feeds(data, part, false))),
  );
