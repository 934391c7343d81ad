import { kMeans, matchCentres, nearestCentre, silhouette } from '../../engine/cluster/index.ts';
import { createRng } from '../../engine/host/index.ts';

/** Groups that are tried. */
const FEWEST_SEGMENTS = 3;
const MOST_SEGMENTS = 8;
/** Fewer buyers are not cut into segments. */
const FEWEST_BUYERS = 50;
/** Buyers that segments are fitted on, and those of them whose silhouettes are taken, about and at most. */
export const SAMPLE = 10_000;
const SILHOUETTES = 2000;
const STARTS = 5;
/** Last night's number of segments is kept unless another one's silhouette is larger by this much, … */
const BETTER_SILHOUETTE = 0.02;
/** … and its centres are moved on from unless other ones leave this share less of inertia. */
const BETTER_INERTIA = 0.02;
/** A centre has the number of last night's if it is no further from it, in standard deviations of tonight's buyers. */
const SAME_SEGMENT = 1;

/** Dimensions of the space of segments: logarithms of these, standardised. */
export const DIMENSIONS = ['recency', 'purchaseDays', 'money'] as const;
const WIDTH = DIMENSIONS.length;

/** Where users stand as buyers: days since the last purchase, days with one, money of all. */
export type Standing = Readonly<Record<(typeof DIMENSIONS)[number], number>>;

/** Segments of a night: plain data, as another process and the next night read it. */
export interface SegmentModel {
  /** Of the logarithms, over the sample. */
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
  /** Standardised centres with their numbers, ascending. */
  readonly segments: readonly { readonly segment: number; readonly centre: readonly number[] }[];
  /** No segment had this number yet. */
  readonly next: number;
  /** Mean silhouette of each number of segments that was tried. */
  readonly silhouettes: readonly { readonly segments: number; readonly silhouette: number }[];
}

/** A user's hash, shuffled: shards are ranges of hashes, and those of one are spread over all that come out. 32 bits. */
export function mixedHash(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** Is a user in a sample of this share? It depends on the user's hash alone, so on neither shards nor days. */
export const isSampled = (hash: number, share: number): boolean => mixedHash(hash) < share * 2 ** 32;

/**
 * Groups buyers by k-means in the space of `DIMENSIONS`; how many groups, their silhouettes decide. Numbers go on from
 * last night's: centres are matched so that the sum of their distances is least, and what is near none is new. A number is
 * never given to another segment. Without a last night, 1 is the segment of those who buy most and latest.
 * @param sample buyers in an order that does not depend on shards
 * @param former the segments of the last night that had some
 * @returns undefined where there are too few buyers, or they hardly differ
 */
export function fitSegments(
  sample: readonly Standing[],
  former: SegmentModel | undefined,
): SegmentModel | undefined {
  const logs = sample.flatMap(logsOf);
  const different = new Set<string>();
  for (let i = 0; i < logs.length && different.size < MOST_SEGMENTS; i += WIDTH) {
    different.add(logs.slice(i, i + WIDTH).join());
  }
  if (sample.length < FEWEST_BUYERS || different.size < FEWEST_SEGMENTS) return undefined;
  const scale = scaleOf(logs);
  const values = standardised(logs, scale);
  const known = former && { ...former, values: moved(former, scale) };
  const tried: Fit[] = [];
  for (let k = FEWEST_SEGMENTS; k <= different.size; k++) tried.push(fit(values, k, known?.values));
  return {
    ...scale,
    ...numbered(chosen(tried, former).centres, known),
    silhouettes: tried.map((one) => ({ segments: one.k, silhouette: one.silhouette })),
  };
}

/** The number of segments with the largest silhouette, or last night's if that is hardly smaller. */
function chosen(tried: readonly Fit[], former: SegmentModel | undefined): Fit {
  const best = tried.reduce((a, b) => (b.silhouette > a.silhouette ? b : a));
  const same = tried.find(({ k }) => k === former?.segments.length);
  return same && best.silhouette - same.silhouette <= BETTER_SILHOUETTE ? same : best;
}

/** The segment of a buyer: that of the nearest centre. */
export function segmentOf({ mean, deviation, segments }: SegmentModel): (standing: Standing) => number {
  const centres = { values: Float64Array.from(segments.flatMap(({ centre }) => centre)), width: WIDTH };
  return (standing) => {
    const point = standardised(logsOf(standing), { mean, deviation });
    return segments[nearestCentre(point, 0, centres)]!.segment;
  };
}

/** A centre as a user who would stand there. */
export function standingAt({ mean, deviation }: SegmentModel, centre: readonly number[]): Standing {
  const [recency, purchaseDays, money] = centre.map((value, d) =>
    Math.expm1(value * deviation[d]! + mean[d]!),
  ) as [number, number, number];
  return { recency, purchaseDays, money };
}

/** The silhouette of the segments that were chosen. */
export const silhouetteOf = ({ segments, silhouettes }: SegmentModel): number =>
  silhouettes.find((one) => one.segments === segments.length)!.silhouette;

type Scale = Pick<SegmentModel, 'mean' | 'deviation'>;

const logsOf = (standing: Standing): number[] =>
  DIMENSIONS.map((name) => Math.log1p(Math.max(0, standing[name])));

function scaleOf(logs: readonly number[]): Scale {
  const n = logs.length / WIDTH;
  const mean = new Array<number>(WIDTH).fill(0);
  const deviation = new Array<number>(WIDTH).fill(0);
  for (const [i, value] of logs.entries()) mean[i % WIDTH]! += value / n;
  for (const [i, value] of logs.entries()) deviation[i % WIDTH]! += (value - mean[i % WIDTH]!) ** 2 / n;
  // What all have in common tells nobody apart.
  return { mean, deviation: deviation.map((variance) => Math.sqrt(variance) || 1) };
}

const standardised = (logs: readonly number[], { mean, deviation }: Scale): Float64Array =>
  Float64Array.from(logs, (value, i) => (value - mean[i % WIDTH]!) / deviation[i % WIDTH]!);

/** The centres of another night by tonight's scale. */
function moved(former: SegmentModel, scale: Scale): Float64Array {
  const logs = former.segments.flatMap(({ centre }) =>
    centre.map((value, d) => value * former.deviation[d]! + former.mean[d]!),
  );
  return standardised(logs, scale);
}

interface Fit {
  readonly k: number;
  readonly centres: Float64Array;
  readonly silhouette: number;
}

function fit(values: Float64Array, k: number, standing: Float64Array | undefined): Fit {
  const points = { values, width: WIDTH };
  const fresh = kMeans(points, { k, rng: createRng('segments').fork(String(k)), starts: STARTS });
  let found = fresh;
  if (standing?.length === k * WIDTH) {
    const on = kMeans(points, { k, rng: createRng('segments'), starts: 0, initial: [standing] });
    if (on.inertia <= fresh.inertia / (1 - BETTER_INERTIA)) found = on;
  }
  return { k, centres: found.centres, silhouette: sampledSilhouette(values, found.labels) };
}

/** Of buyers at even distances: their order is that of a hash. */
function sampledSilhouette(values: Float64Array, labels: Int32Array): number {
  const n = Math.min(labels.length, SILHOUETTES);
  const rows = Array.from({ length: n }, (_, i) => Math.floor((i * labels.length) / n));
  const own = Int32Array.from(rows, (row) => labels[row]!);
  // All of one group: nothing speaks for the others.
  if (new Set(own).size < 2) return -1;
  const points = Float64Array.from(
    rows.flatMap((row) => [...values.subarray(row * WIDTH, (row + 1) * WIDTH)]),
  );
  return silhouette({ values: points, width: WIDTH }, own);
}

function numbered(
  values: Float64Array,
  known:
    | { readonly segments: SegmentModel['segments']; readonly next: number; readonly values: Float64Array }
    | undefined,
): Pick<SegmentModel, 'segments' | 'next'> {
  const centres = Array.from({ length: values.length / WIDTH }, (_, g) => [
    ...values.subarray(g * WIDTH, (g + 1) * WIDTH),
  ]);
  const pairs = known
    ? matchCentres({ values, width: WIDTH }, { values: known.values, width: WIDTH }, SAME_SEGMENT)
    : new Int32Array(centres.length).fill(-1);
  let next = known?.next ?? 1;
  // Those who buy most and latest first.
  const worth = ([recency, purchaseDays, money]: readonly number[]) => purchaseDays! + money! - recency!;
  const order = [...centres.keys()].sort((a, b) => worth(centres[b]!) - worth(centres[a]!) || a - b);
  const segments = order.map((g) => ({
    segment: pairs[g]! >= 0 ? known!.segments[pairs[g]!]!.segment : next++,
    centre: centres[g]!,
  }));
  return { segments: segments.sort((a, b) => a.segment - b.segment), next };
}
