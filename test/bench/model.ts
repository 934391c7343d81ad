import type { Config } from '../../lib/config/index.ts';
import { createRng } from '../../lib/engine/host/index.ts';
import { encodeModel } from '../../lib/engine/onnx/index.ts';
import { featureNames, featureVector, type ShardUser } from '../../lib/features/index.ts';
import type { Head } from '../../lib/models/candidates/heads.ts';
import { fitColumns, fitInputs } from '../../lib/models/candidates/inputs.ts';
import { linearBranch, mlpBranch, visitsBranch } from '../../lib/models/candidates/network/branches/index.ts';
import { type Network, scoringModel } from '../../lib/models/candidates/network/graph.ts';
import { withValues } from '../../lib/models/candidates/network/parameters.ts';
import { VocabularyCounter, visitTableSize } from '../../lib/models/candidates/network/visits/visit-ids.ts';
import type { UsersModelManifest } from '../../lib/models/index.ts';

export interface UsersModel {
  readonly manifest: UsersModelManifest;
  readonly model: Uint8Array;
}

/**
 * A users model as training leaves it, all branches kept: inputs fitted on real feature vectors, parameters drawn instead
 * of learnt, since what they are costs no time.
 * @param users each advanced to the day by this call
 */
export function drawnModel(
  config: Config,
  users: Iterable<ShardUser>,
  day: number,
  itemText: (id: number) => string,
): UsersModel {
  const names = featureNames(config);
  const counter = new VocabularyCounter();
  const vectors: Float32Array[] = [];
  for (const user of users) {
    user.advance(day);
    counter.add(user.state.visits, itemText);
    const vector = new Float32Array(names.length);
    featureVector(user.state, day, config, vector);
    vectors.push(vector);
  }
  const rows = Int32Array.from(vectors, (_, i) => i);
  const whole = joined(vectors);
  const columns = fitColumns(whole, names.length, rows).kept;
  const raw = joined(vectors.map((vector) => Float32Array.from(columns, (j) => vector[j]!)));
  const vocabulary = counter.finish();
  const { hidden, members, width, layers, heads: attention, seed } = config.model;
  const heads: Head[] = Object.entries(config.tasks)
    .filter(([, { kind }]) => kind === 'event' || kind === 'absence')
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([task, { kind }]) => ({ task, bins: 3, inverted: kind === 'absence' }));
  const shape: Network = {
    features: columns.length,
    transform: fitInputs(raw, columns.length, rows, fitColumns(raw, columns.length, rows)),
    heads,
    branches: [
      linearBranch,
      mlpBranch({ hidden, layers: 2, members }),
      visitsBranch({ ids: visitTableSize(vocabulary), width, layers, heads: attention, length: 'length' }),
    ],
  };
  const groupOf = shape.transform.kept.map((k) => names[columns[k]!]!.group);
  const groups = [...new Set(groupOf)].sort();
  const matrix = Float32Array.from({ length: groupOf.length * groups.length }, (_, at) =>
    groupOf[Math.floor(at / groups.length)] === groups[at % groups.length] ? 1 : 0,
  );
  const rng = createRng(seed);
  const graph = scoringModel(shape, rng.fork('init'), { count: groups.length, matrix });
  const drawn = Object.fromEntries(
    graph.parameters.map(({ name, data }) => {
      const values = rng.fork(name);
      return [name, data.every((v) => v === 0) ? data.map(() => 0.1 * (values.uniform() - 0.5)) : data];
    }),
  );
  return {
    model: encodeModel(withValues(graph, drawn), { parametersAs: 'initializers' }),
    manifest: {
      kind: 'users',
      heads,
      sequence: { vocabulary, length: config.features.tokens },
      columns,
      profile: null,
      groups,
      trainedBefore: '2024-01-01',
      rows: rows.length,
      curve: [],
      pretraining: [],
      selection: [],
      candidates: [],
      strengths: [],
    },
  };
}

/** Vectors of equal length, one after the other. */
function joined(vectors: readonly Float32Array[]): Float32Array {
  const width = vectors[0]?.length ?? 0;
  const all = new Float32Array(vectors.length * width);
  vectors.forEach((vector, i) => {
    all.set(vector, i * width);
  });
  return all;
}
