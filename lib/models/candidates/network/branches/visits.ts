import { int32, TrainError } from '../../../../engine/host/index.ts';
import type { Material } from '../../candidate.ts';
import type { VisitVocabulary } from '../../material.ts';
import { optimiserOf } from '../optimiser.ts';
import type { ParameterValues } from '../parameters.ts';
import { encodeVisits, poolVisits, VISIT_TABLE, type VisitShape } from '../visits/encode.ts';
import { pretrainEncoder } from '../visits/pretrain.ts';
import { sharedIds, sharedVocabulary, VISIT_FIELDS, visitTableSize } from '../visits/visit-ids.ts';
import type { Branch } from './branch.ts';
import type { BranchKind, Grown, Pretrained } from './kind.ts';

/** In the graph visits are called a sequence of tokens: names of fitted models stay. */
export const VISITS_BRANCH = 'sequence';
const INPUT = 'tokens';
/** How a network goes on when visits join it: its encoder is pretrained, so few and small steps do. */
const JOINS = { steps: 0.25, rate: 0.5 };
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

/** Reads visits by an encoder that is pretrained on the shop's own. */
export const visits: BranchKind = {
  name: VISITS_BRANCH,
  reads: 'visits',
  joins: JOINS,
  applies: ({ visits }) => visits !== undefined,
  async grow(material, earlier) {
    const { ids, vocabulary } = material.visits!;
    const { sequence: reader, width, layers, heads } = material.config.model;
    const shape = { reader, ids: visitTableSize(vocabulary), width, layers, heads };
    const { pretrainSteps } = material.config.training;
    return grown(VISITS_BRANCH, material, { ids, vocabulary, shape, steps: pretrainSteps }, earlier);
  },
};

const BROUGHT = 'brought visits';
/** Passes over the shop's own visits, at most: more would have a small shop forget what was brought. */
const OWN_PASSES = 2;

/** Reads visits by an encoder that was pretrained on another shop's; it goes on with the shop's own for some steps. */
export const broughtVisits: BranchKind = {
  name: BROUGHT,
  reads: 'visits (encoder brought)',
  joins: JOINS,
  applies: ({ visits }) => visits?.brought !== undefined,
  async grow(material, earlier) {
    const { visits, config } = material;
    const { ids, vocabulary, known, brought } = visits!;
    const { pretrainSteps, batchSize } = config.training;
    const passes = Math.ceil((OWN_PASSES * known.length) / Math.min(VISITS_BATCH, batchSize));
    const read = {
      ids: sharedIds(ids),
      vocabulary: sharedVocabulary(vocabulary),
      shape: brought!.shape,
      steps: Math.min(pretrainSteps, passes),
      initial: brought!.parameters,
    };
    return grown(BROUGHT, material, read, earlier);
  },
};

/** Visits as an encoder reads them, and how it is pretrained on them. */
interface VisitReading {
  /** (count, length, VISIT_FIELDS). */
  readonly ids: Int32Array;
  readonly vocabulary: VisitVocabulary;
  readonly shape: VisitShape;
  readonly steps: number;
  readonly initial?: ParameterValues;
}

async function grown(
  kind: string,
  { config, visits, progress, fits }: Material,
  { ids, vocabulary, shape, steps, initial }: VisitReading,
  earlier: Pretrained | undefined,
): Promise<Grown> {
  const { counts, length, known } = visits!;
  const { batchSize, learningRate, threads } = config.training;
  const pretrain = async (): Promise<Pretrained> => {
    const lengths = Int32Array.from(known, (row) => counts[row]!);
    const own = gatherInts(ids, length * VISIT_FIELDS, known);
    const { parameters, curve } = await pretrainEncoder(own, lengths, length, vocabulary, shape, {
      steps,
      batchSize: Math.min(VISITS_BATCH, batchSize),
      learningRate: initial ? learningRate * JOINS.rate : learningRate,
      optimiser: optimiserOf(config),
      threads,
      seed: config.model.seed,
      ...(initial ? { initial } : {}),
      onProgress: (step, of, loss) => progress(`pretraining: step ${step} of ${of}, loss ${loss.toFixed(3)}`),
      fits,
    });
    return { parameters: { ...initial, ...parameters }, curve };
  };
  return {
    kind,
    branch: visitsBranch({ ...shape, length }),
    rows: { visits: ids },
    pretrained: earlier ?? (await pretrain()),
    vocabulary,
  };
}

/** Rows of a matrix, one behind the other. */
function gatherInts(values: Int32Array, width: number, rows: Int32Array): Int32Array {
  const out = new Int32Array(rows.length * width);
  rows.forEach((row, i) => {
    out.set(values.subarray(row * width, (row + 1) * width), i * width);
  });
  return out;
}
