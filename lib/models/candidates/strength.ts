import { createRng, float32, int32 } from '../../engine/host/index.ts';
import { encodeModel } from '../../engine/onnx/index.ts';
import { openSession } from '../../engine/train/index.ts';
import { batchTexts, type Parameters, type RawRows, withValues } from './network/fit.ts';
import { type PropensityShape, scoringModel } from './network/graph.ts';
import { TOKEN_FIELDS } from './network/visits/visit-ids.ts';

/** How strongly a feature moves the scores of one task: the mean of |gradient x input| over rows. */
export interface FeatureStrength {
  readonly name: string;
  readonly group: string;
  readonly strength: number;
}

/** Rows that the strengths are measured on. */
const ROWS = 1024;
/** Features that are kept for each task. */
const KEPT = 30;
/** What the parts of visits and texts in a score are called. */
const SEQUENCE_GROUP = 'visits';
const TEXT_GROUP = 'texts';

/** Names of the columns of `reasons` behind those of the feature groups, in their order. */
export const branchGroups = (text: boolean): string[] => [SEQUENCE_GROUP, ...(text ? [TEXT_GROUP] : [])];

/**
 * Measures which features move a model's scores.
 * @param names name and group of every raw feature
 * @param rows row numbers to measure on; the first `ROWS` of them are used
 * @returns per task the strongest features, strongest first, and the share of every group in the whole strength
 */
export async function featureStrengths(
  shape: PropensityShape,
  parameters: Parameters,
  data: RawRows,
  rows: Int32Array,
  names: readonly { readonly name: string; readonly group: string }[],
): Promise<{ features: FeatureStrength[]; groups: { group: string; share: number }[] }[]> {
  const kept = shape.transform.kept;
  const identity = Float32Array.from({ length: kept.length ** 2 }, (_, i) =>
    i % (kept.length + 1) === 0 ? 1 : 0,
  );
  const graph = withValues(
    scoringModel(shape, createRng(0), { count: kept.length, matrix: identity }),
    parameters,
  );
  const session = await openSession(encodeModel(graph, { parametersAs: 'initializers' }), { threads: 1 });
  try {
    const part = rows.subarray(0, ROWS);
    const features = new Float32Array(part.length * data.width);
    const length = shape.sequence && shape.sequence.length !== 'length' ? shape.sequence.length : 0;
    const stride = length * TOKEN_FIELDS;
    const tokens = new Int32Array(part.length * stride);
    part.forEach((row, i) => {
      features.set(data.features.subarray(row * data.width, (row + 1) * data.width), i * data.width);
      if (stride > 0) tokens.set(data.tokens!.subarray(row * stride, (row + 1) * stride), i * stride);
    });
    const { reasons } = await session.run({
      features: float32(features, [part.length, data.width]),
      ...(shape.sequence ? { tokens: int32(tokens, [part.length, length, TOKEN_FIELDS]) } : {}),
      ...batchTexts(shape, data.text, part),
    });
    const branches = branchGroups(Boolean(shape.text));
    const columns = [...kept.map((j) => names[j]!), ...branches.map((name) => ({ name, group: name }))];
    return shape.heads.map((_, t) =>
      summarise(reasons!.data as Float32Array, part.length, shape.heads.length, t, columns),
    );
  } finally {
    await session.close();
  }
}

function summarise(
  effects: Float32Array,
  rows: number,
  tasks: number,
  task: number,
  columns: readonly { readonly name: string; readonly group: string }[],
) {
  const all = columns.map(({ name, group }, j) => {
    let sum = 0;
    for (let i = 0; i < rows; i++) sum += Math.abs(effects[(i * tasks + task) * columns.length + j]!);
    return { name, group, strength: sum / Math.max(1, rows) };
  });
  const total = all.reduce((sum, { strength }) => sum + strength, 0) || 1;
  const byGroup = new Map<string, number>();
  for (const { group, strength } of all) byGroup.set(group, (byGroup.get(group) ?? 0) + strength);
  return {
    features: all
      .filter(({ strength }) => strength > 0)
      .sort((a, b) => b.strength - a.strength)
      .slice(0, KEPT),
    groups: [...byGroup]
      .filter(([, strength]) => strength > 0)
      .map(([group, strength]) => ({ group, share: strength / total }))
      .sort((a, b) => b.share - a.share),
  };
}
