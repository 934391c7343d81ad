import { encodeModel } from '../../engine/onnx/index.ts';
import {
  fitColumns,
  fitInputs,
  type InputTransform,
  runRows,
  summarise,
  writeInputs,
} from '../candidates/index.ts';
import type { TaskStrengths } from '../shared/index.ts';
import { upliftGraph } from './graph.ts';
import type { LearntUplift } from './learn.ts';
import type { UpliftTable } from './rows.ts';

/** Rows that are compared, as a learner gets them, and how they came about. */
export interface UpliftMaterial {
  readonly table: UpliftTable;
  /** (all rows, width), raw. */
  readonly features: Float32Array;
  readonly width: number;
  /** Name and group of each raw column. */
  readonly names: readonly { readonly name: string; readonly group: string }[];
  readonly transform: InputTransform;
  /** Rows of `features` behind those of `table`. */
  readonly used: Int32Array;
}

/** What is known of all rows, by place. */
interface Known {
  readonly features: Float32Array;
  readonly names: UpliftMaterial['names'];
  readonly treated: Float32Array;
  readonly outcomes: Float32Array;
  readonly unit: Float32Array;
  /** Chance to be treated, by place; default: the share of the treated. */
  readonly propensity?: Float32Array;
  /** Are outcomes 0 or 1? */
  readonly binary: boolean;
  /** Columns have been through the logarithm where they need it. */
  readonly logarithms: boolean;
}

/**
 * Standardises the rows that are compared, by these rows alone.
 * @throws DataError where no column varies
 */
export function upliftMaterial(known: Known, used: Int32Array): UpliftMaterial {
  const { features, names, treated, outcomes, unit, binary, logarithms } = known;
  const width = names.length;
  const columns = fitColumns(features, width, used, { logarithms });
  const transform = fitInputs(features, width, used, columns);
  const kept = transform.kept.length;
  const values = new Float32Array(used.length * kept);
  used.forEach((row, i) => {
    writeInputs(features, row * width, transform, values, i * kept);
  });
  const own = (of: Float32Array) => Float32Array.from(used, (row) => of[row]!);
  const arms = own(treated);
  const share = arms.reduce((sum, arm) => sum + arm, 0) / arms.length;
  return {
    table: {
      rows: used.length,
      columns: kept,
      values,
      treated: arms,
      outcomes: own(outcomes),
      // Chance decided, so that nothing known of a row did.
      propensity: known.propensity ? own(known.propensity) : new Float32Array(used.length).fill(share),
      unit: own(unit),
      binary,
    },
    ...{ features, width, names, transform, used },
  };
}

/** Rows that the strengths of features are measured on. */
const MEASURED = 1024;

/** The file of a model, what the columns of its reasons stand for, and what moves its scores. */
export async function exportUplift(
  learnt: LearntUplift,
  { table, features, width, names, transform, used }: UpliftMaterial,
): Promise<{ model: Uint8Array; groups: string[]; strengths: TaskStrengths[] }> {
  const { binary } = table;
  const kept = transform.kept.map((j) => names[j]!);
  const groups = [...new Set(kept.map(({ group }) => group))].sort();
  const groupOf = kept.map(({ group }) => groups.indexOf(group));
  const shape = { width, transform, binary };
  const graph = upliftGraph(learnt, shape, { groupOf, groups: groups.length });
  const each = { groupOf: kept.map((_, column) => column), groups: kept.length };
  let effects = new Float32Array(0);
  await runRows(
    upliftGraph(learnt, shape, each),
    { features, width },
    used.subarray(0, MEASURED),
    1,
    (_, output) => {
      effects = Float32Array.from(output.reasons!);
    },
  );
  return {
    model: encodeModel(graph, { parametersAs: 'initializers' }),
    groups,
    strengths: [summarise(effects, 1, 0, kept)],
  };
}
