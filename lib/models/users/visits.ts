import { pretrainEncoder } from '../candidates/network/visits/pretrain.ts';
import { type SequenceShape } from '../candidates/network/visits/sequence.ts';
import { TOKEN_FIELDS, tokenIds } from '../candidates/network/visits/visit-ids.ts';
import type { Material, Pretrained } from './material.ts';
import type { UserRows } from './row-table.ts';

/** Rows of a batch that has visits: each costs as much as its visits. */
export const SEQUENCE_BATCH = 128;

/**
 * The sequence branch with its pretrained encoder.
 * @param known the encoder, where it was pretrained on the same rows before
 * @param test rows that it may be pretrained on
 */
export async function sequencePart(
  material: Material,
  known: Pretrained | undefined,
  test: (row: number) => boolean,
) {
  const { config, rows, length } = material;
  const tokens = lastVisits(rows, config.features.tokens, length);
  const { width, layers, heads } = config.model;
  const sequence = { ids: tokenIds(material.survey.vocabulary), width, layers, heads, length };
  return { sequence, tokens, pretrained: known ?? (await pretrain(material, tokens, sequence, test)) };
}

async function pretrain(
  { config, rows, survey, length, progress, fits }: Material,
  tokens: Int32Array,
  shape: SequenceShape,
  test: (row: number) => boolean,
) {
  const { model, training } = config;
  const before = Int32Array.from({ length: rows.count }, (_, i) => i).filter(test);
  const stride = length * TOKEN_FIELDS;
  const sequences = new Int32Array(before.length * stride);
  before.forEach((row, i) => {
    sequences.set(tokens.subarray(row * stride, (row + 1) * stride), i * stride);
  });
  const visits = Int32Array.from(before, (row) => Math.min(length, rows.visits[row]!));
  return pretrainEncoder(sequences, visits, length, survey.vocabulary, shape, {
    steps: training.pretrainSteps,
    batchSize: Math.min(SEQUENCE_BATCH, training.batchSize),
    learningRate: training.learningRate,
    threads: training.threads,
    seed: model.seed,
    onProgress: (step, of, loss) => progress(`pretraining: step ${step} of ${of}, loss ${loss.toFixed(3)}`),
    fits,
  });
}

/** The smallest of the usual lengths that holds all visits of nine rows in ten: padding costs as much as visits. */
export function usualLength(rows: UserRows, longest: number): number {
  const visits = Int32Array.from(rows.visits).sort();
  const most = visits[Math.floor(visits.length * 0.9)] ?? 1;
  return Math.min(longest, [8, 16, 32, 64, 128, 256, 512].find((length) => length >= most) ?? longest);
}

/** Token rows cut to their last `length` visits. */
function lastVisits(rows: UserRows, from: number, length: number): Int32Array {
  if (length === from) return rows.tokens;
  const out = new Int32Array(rows.count * length * TOKEN_FIELDS);
  for (let row = 0; row < rows.count; row++) {
    const first = Math.max(0, rows.visits[row]! - length);
    const start = (row * from + first) * TOKEN_FIELDS;
    const visits = Math.min(length, rows.visits[row]!);
    out.set(rows.tokens.subarray(start, start + visits * TOKEN_FIELDS), row * length * TOKEN_FIELDS);
  }
  return out;
}
