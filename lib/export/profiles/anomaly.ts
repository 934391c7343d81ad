import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createRng } from '../../engine/host/index.ts';
import { anomalyScore, fitIsolationForest, type IsolationForest } from '../../engine/trees/index.ts';
import { namedValues } from '../../models/index.ts';
import { type ProfileColumns, TRAITS } from '../../score/index.ts';
import { mixedHash } from './segments.ts';

/** Buyers that a forest is fitted on, at most; each tree draws 256 of them. */
const SAMPLE = 8192;
/** Fewer buyers say little of what is ordinary. */
const FEWEST_BUYERS = 50;
/** Reasons are told from here on: what has a score of 0.5 is as soon alone as a point usually is (Liu, Ting & Zhou 2008, section 2). */
const STANDS_OUT = 0.5;
const WIDTH = TRAITS.length;
/** A row of a sample: the user's mixed hash, then the traits. */
const ROW = 1 + WIDTH;
const DIGITS = 4;

/** What is ordinary among the buyers of a night: the object `anomaly.json` of an export. */
export interface AnomalyModel {
  readonly format: 1;
  /** Traits in the order of the forest's columns. */
  readonly traits: readonly string[];
  /** Of each trait, over the sample. */
  readonly medians: readonly number[];
  /** Null where there are too few buyers, or they do not differ. */
  readonly forest: IsolationForest | null;
}

/** Where an export keeps what its anomalies are found by. */
export const anomalyKey = (asOf: string, runId: string): string =>
  `exports/as_of=${asOf}/${runId}/anomaly.json`;

const fileOf = (folder: string, shard: number): string => join(folder, `profile-anomaly-${shard}`);

/**
 * Files the buyers of a shard who may be in the sample of the night: those with the least mixed hashes, so that the sample depends on
 * neither shards nor how many users there are.
 */
export async function fileSample(
  folder: string,
  shard: number,
  { rows, hashes, purchaseDays, traits }: ProfileColumns,
): Promise<void> {
  if (!traits) return;
  const mixed = Float64Array.from(hashes, mixedHash);
  const chosen = Array.from({ length: rows }, (_, row) => row)
    .filter((row) => purchaseDays[row]! > 0)
    // Sorting is stable: users of one hash stay in the order of their shard.
    .sort((a, b) => mixed[a]! - mixed[b]!)
    .slice(0, SAMPLE);
  const all = new Float64Array(chosen.length * ROW);
  chosen.forEach((row, i) => {
    all[i * ROW] = mixed[row]!;
    traits.forEach((values, t) => {
      all[i * ROW + 1 + t] = values[row]!;
    });
  });
  await writeFile(fileOf(folder, shard), Buffer.from(all.buffer));
}

/** Fits what is ordinary among the buyers of a night, from what `fileSample` has filed. Memory is that of the sample. */
export function fitAnomaly(folder: string, shards: number): AnomalyModel {
  let sample: Float64Array[] = [];
  for (let shard = 0; shard < shards; shard++) {
    const bytes = readFileSync(fileOf(folder, shard));
    const values = new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
    const own = Array.from({ length: values.length / ROW }, (_, i) => values.slice(i * ROW, (i + 1) * ROW));
    sample = [...sample, ...own].sort((a, b) => a[0]! - b[0]!).slice(0, SAMPLE);
  }
  const medians = TRAITS.map((_, t) => {
    const sorted = Float64Array.from(sample, (row) => row[1 + t]!).sort();
    return sorted[sorted.length >> 1] ?? 0;
  });
  const values = new Float64Array(sample.length * WIDTH);
  sample.forEach((row, i) => {
    values.set(row.subarray(1), i * WIDTH);
  });
  const differ = TRAITS.some((_, t) => sample.some((row) => row[1 + t] !== sample[0]![1 + t]));
  const forest =
    sample.length < FEWEST_BUYERS || !differ
      ? null
      : fitIsolationForest({ values, width: WIDTH }, { rng: createRng('anomaly') });
  return { format: 1, traits: TRAITS.map(({ name }) => name), medians, forest };
}

/** How a buyer stands out. */
interface Anomaly {
  /** Between 0 and 1, with four digits. */
  readonly score: number;
  /** JSON list of the traits that make it so, strongest first; null where the buyer is ordinary. */
  readonly reasons: string | null;
}

/**
 * The anomaly of buyers: the score of the isolation forest, and by how much it falls with one trait at a time at its median: a
 * trait that could be anything tells nothing.
 * @param most reasons at most
 */
export function anomalies(
  { forest, medians }: AnomalyModel,
  most: number,
): ((traits: Float64Array) => Anomaly) | undefined {
  if (!forest) return undefined;
  return (traits) => {
    const score = anomalyScore(forest, traits);
    const told = Number(score.toFixed(DIGITS));
    if (told <= STANDS_OUT) return { score: told, reasons: null };
    const usual = traits.slice();
    const effects = TRAITS.map(({ words }, t) => {
      usual[t] = medians[t]!;
      const value = score - anomalyScore(forest, usual);
      usual[t] = traits[t]!;
      return { name: words, value };
    });
    const strongest = effects.filter(({ value }) => value > 0).sort((a, b) => b.value - a.value);
    return { score: told, reasons: namedValues(strongest.slice(0, most)) };
  };
}
