import { int32, TrainError } from '../../../../engine/host/index.ts';
import { optimiserOf } from '../optimiser.ts';
import { encodeVisits, poolVisits, VISIT_TABLE, type VisitShape } from '../visits/encode.ts';
import { pretrainEncoder } from '../visits/pretrain.ts';
import { VISIT_FIELDS, visitTableSize } from '../visits/visit-ids.ts';
import type { Branch } from './branch.ts';
import type { BranchKind } from './kind.ts';

/** In the graph visits are called a sequence of tokens: names of fitted models stay. */
export const VISITS_BRANCH = 'sequence';
const INPUT = 'tokens';
/** Rows of a batch that has visits: each costs as much as its visits. */
export const VISITS_BATCH = 128;

/** `length` is the number of visits, or a name for a size that each batch brings. */
export type VisitsBranchShape = VisitShape & { readonly length: number | 'length' };

/** What is read from a row's last visits, mean and last visit. Input: `tokens` (rows, length, VISIT_FIELDS) int32. */
export function visitsBranch(shape: VisitsBranchShape): Branch {
  const { length, width } = shape;
  const branch: Branch = {
    name: VISITS_BRANCH,
    group: 'visits',
    perOutput: [`${VISITS_BRANCH}.head`],
    tables: [VISIT_TABLE],
    masks: [],
    logits({ layers, outputs, known }) {
      const { g } = layers;
      const ids = g.input(INPUT, 'int32', ['batch', length, VISIT_FIELDS]);
      const { hidden, valid } = encodeVisits(layers, ids, shape);
      const pooled = poolVisits(g, hidden, valid);
      known.push({ name: 'visits', value: pooled, width: 2 * width });
      return g.matmul(pooled, layers.zeros(`${VISITS_BRANCH}.head`, 2 * width, outputs));
    },
    sizes: () => ({}),
    feeds({ visits }, at) {
      if (length === 'length') throw new TrainError('rows that are fed need a fixed number of visits');
      if (!visits) throw new TrainError('a model that reads visits needs rows with visits');
      const stride = length * VISIT_FIELDS;
      const ids = new Int32Array(at.length * stride);
      at.forEach((row, b) => {
        ids.set(visits.subarray(row * stride, (row + 1) * stride), b * stride);
      });
      return { [INPUT]: int32(ids, [at.length, length, VISIT_FIELDS]) };
    },
    content: ({ visits }) => [visits!],
    // Users with few visits are scored in short batches.
    open: () => visitsBranch({ ...shape, length: 'length' }),
  };
  return branch;
}

export const visits: BranchKind = {
  name: VISITS_BRANCH,
  reads: 'visits',
  joins: { steps: 0.25, rate: 0.5 },
  applies: ({ visits }) => visits !== undefined,
  async grow({ config, visits, progress, fits }, earlier) {
    const { ids, counts, length, vocabulary, known } = visits!;
    const { sequence: reader, width, layers, heads, seed } = config.model;
    const { pretrainSteps, batchSize, learningRate, threads } = config.training;
    const shape = { reader, ids: visitTableSize(vocabulary), width, layers, heads, length };
    const stride = length * VISIT_FIELDS;
    const pretrain = () => {
      const own = new Int32Array(known.length * stride);
      known.forEach((row, i) => {
        own.set(ids.subarray(row * stride, (row + 1) * stride), i * stride);
      });
      const lengths = Int32Array.from(known, (row) => counts[row]!);
      return pretrainEncoder(own, lengths, length, vocabulary, shape, {
        steps: pretrainSteps,
        batchSize: Math.min(VISITS_BATCH, batchSize),
        learningRate,
        optimiser: optimiserOf(config),
        threads,
        seed,
        onProgress: (step, of, loss) =>
          progress(`pretraining: step ${step} of ${of}, loss ${loss.toFixed(3)}`),
        fits,
      });
    };
    return {
      branch: visitsBranch(shape),
      rows: { visits: ids },
      pretrained: earlier ?? (await pretrain()),
    };
  },
};
