import { gatherRows } from '../../../engine/host/index.ts';
import type { GraphBuilder, Value } from '../../../engine/onnx/index.ts';
import type { Material, Standardised } from '../candidate.ts';
import type { KnownRows } from './known.ts';

/** Share of the probability that is spread over all classes: a class that too few rows had is never impossible. */
const SPREAD = 1e-4;

/** Rows whose heads are answered together: the label is the number of the row's class, or the number itself. */
export function jointRows(material: Material, { inputs, transform }: Standardised): KnownRows {
  const { outcomes, heads, used, unit, answers } = material;
  const width = heads.length;
  const labelOf = (row: number) => {
    const own = outcomes.subarray(row * width, (row + 1) * width);
    return answers === 'one-of' ? own.indexOf(1) : own[0]!;
  };
  const at = used.filter((row) => answers !== 'one-of' || labelOf(row) >= 0);
  const columns = transform.kept.length;
  return {
    rows: at.length,
    columns,
    values: gatherRows(inputs, columns, at),
    labels: Float32Array.from(at, labelOf),
    unit: Float32Array.from(at, (row) => unit[row]!),
  };
}

/** Scores of classes (batch, classes) as logarithms of their chances. */
export function logChances(g: GraphBuilder, scores: Value, classes: number): Value {
  return g.log(g.add(g.mul(g.softmax(scores), 1 - SPREAD), SPREAD / classes));
}
