import { LIFECYCLES, type Lifecycle } from '../../score/index.ts';
import type { ProfilesSummary, SegmentSummary } from '../manifest.ts';
import { type Bands, LEVELS } from './bands.ts';
import { describe } from './describe.ts';
import { MEASURES, type Measured, measured } from './measure.ts';
import { levelEdges } from './quantiles.ts';
import {
  fitSegments,
  isSampled,
  SAMPLE,
  type SegmentModel,
  type Standing,
  segmentOf,
  silhouetteOf,
  standingAt,
} from './segments.ts';

/** What profiles are compared with, of all users of a night together: the object `segments.json` of an export. */
export interface ProfileNight {
  readonly format: 1;
  readonly users: number;
  readonly buyers: number;
  readonly lifecycle: Readonly<Record<Lifecycle, number>>;
  readonly bands: Bands;
  /** Null where there are too few buyers. */
  readonly model: SegmentModel | null;
  /** Users of each segment, in the order of the model. */
  readonly sizes: readonly number[];
}

/**
 * Finds the bands and segments of a night from what `measureShard` has filed.
 * @param former of the last night that had some
 */
export function profileNight(
  folder: string,
  shards: readonly Measured[],
  former: SegmentModel | undefined,
): ProfileNight {
  const sum = (of: (shard: Measured) => number) => shards.reduce((total, shard) => total + of(shard), 0);
  const buyers = sum((shard) => shard.buyers);
  const priced = sum((shard) => shard.priced);
  const bands = Object.fromEntries(
    MEASURES.map((name) => {
      const pass = () => firstColumn(measured(folder, shards, [name]));
      return [name, levelEdges(pass, name === 'price' ? priced : buyers, LEVELS[name])];
    }),
  ) as unknown as Bands;
  const sample: Standing[] = [];
  const share = Math.min(1, SAMPLE / buyers);
  for (const { hash, ...standing } of buyersOf(folder, shards)) {
    if (isSampled(hash, share)) sample.push(standing);
  }
  const model = fitSegments(sample, former) ?? null;
  return {
    format: 1,
    users: sum(({ rows }) => rows),
    buyers,
    lifecycle: Object.fromEntries(
      LIFECYCLES.map((name, code) => [name, sum(({ lifecycle }) => lifecycle[code]!)]),
    ) as Record<Lifecycle, number>,
    bands,
    model,
    sizes: model ? sizesOf(model, buyersOf(folder, shards)) : [],
  };
}

/** What readers of an export are told of it. */
export function summaryOf({ users, buyers, lifecycle, bands, model, sizes }: ProfileNight): ProfilesSummary {
  if (!model) return { users, buyers, lifecycle, segments: [] };
  const segments = model.segments.map(({ segment, centre }, place): SegmentSummary => {
    const standing = standingAt(model, centre);
    return {
      segment,
      users: sizes[place]!,
      description: describe(standing, bands),
      recencyDays: standing.recency,
      purchaseDays: standing.purchaseDays,
      money: standing.money,
    };
  });
  return { users, buyers, lifecycle, silhouette: silhouetteOf(model), segments };
}

function sizesOf(model: SegmentModel, buyers: Iterable<Standing>): number[] {
  const places = new Map(model.segments.map(({ segment }, place) => [segment, place]));
  const sizes = model.segments.map(() => 0);
  const of = segmentOf(model);
  for (const buyer of buyers) sizes[places.get(of(buyer))!]! += 1;
  return sizes;
}

function* buyersOf(folder: string, shards: readonly Measured[]): Generator<Standing & { hash: number }> {
  for (const columns of measured(folder, shards, ['recent', 'purchaseDays', 'money', 'hash'])) {
    const [recent, purchaseDays, money, hash] = columns as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    for (let row = 0; row < recent.length; row++) {
      if (Number.isNaN(recent[row])) continue;
      yield {
        recency: 0 - recent[row]!,
        purchaseDays: purchaseDays[row]!,
        money: money[row]!,
        hash: hash[row]!,
      };
    }
  }
}

function* firstColumn(blocks: Iterable<Float64Array[]>): Generator<Float64Array> {
  for (const [column] of blocks) yield column!;
}
