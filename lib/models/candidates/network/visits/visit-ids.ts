import { EVENT_TYPES } from '../../../../data/index.ts';
import type { VisitList } from '../../../../features/index.ts';
import type { VisitVocabulary } from '../../material.ts';

const ITEM_SLOTS = 4;
/** Days in powers of two up to "64 and more": longer spans would be new to a model of a young log. */
const LOG_BUCKETS = 8;
const LINE_BUCKETS = 8;
const SPEND_BUCKETS = 16;
const DAY_PARTS = 8;
/** Items beyond the most frequent share one id. */
const MAX_ITEMS = 1000;
/** Classes of items by rank: the most popular one, the next two, the next four, … up to `MAX_ITEMS`. */
const ITEM_CLASSES = classOf(MAX_ITEMS - 1) + 1;
/** Raise it when a visit's ids come to mean something else: encoders that were pretrained before do not fit then. */
export const VISITS_VERSION = 1;

/** Fields in the order of their ids: each has `size` values and, where it can be masked, one more that hides it. */
const FIELDS = [
  { name: 'type', size: EVENT_TYPES.length, masked: true },
  { name: 'gap', size: LOG_BUCKETS, masked: true },
  { name: 'spend', size: SPEND_BUCKETS, masked: true },
  { name: 'lines', size: LINE_BUCKETS, masked: true },
  { name: 'age', size: LOG_BUCKETS, masked: false },
  { name: 'hour', size: DAY_PARTS, masked: false },
  { name: 'weekday', size: 7, masked: false },
] as const;

type FieldName = (typeof FIELDS)[number]['name'];

/** Ids that a visit has. */
export const VISIT_FIELDS = FIELDS.length + ITEM_SLOTS;

/** First id of each field, then of the items (other, then the vocabulary, then the mask), then the table's size. */
const OFFSETS: Record<FieldName, number> & { items: number } = (() => {
  const offsets: Record<string, number> = {};
  let next = 1;
  for (const { name, size, masked } of FIELDS) {
    offsets[name] = next;
    next += size + (masked ? 1 : 0);
  }
  return { ...(offsets as Record<FieldName, number>), items: next };
})();

/** Ids that items have. */
const itemIds = ({ items, classes }: VisitVocabulary): number => classes ?? items.length;

/** Rows of the embedding table. */
export const visitTableSize = (vocabulary: VisitVocabulary): number =>
  OFFSETS.items + itemIds(vocabulary) + 2;

/** An item's class by its rank, from 0 on. */
function classOf(rank: number): number {
  return Math.floor(Math.log2(rank + 1));
}

/**
 * The vocabulary whose ids mean the same in every shop: an item is told by how popular it is in its own shop, in classes that
 * double; spend is told by that shop's quantiles already.
 */
export const sharedVocabulary = ({ items, spendEdges }: VisitVocabulary): VisitVocabulary => ({
  items,
  spendEdges,
  classes: ITEM_CLASSES,
});

/** Ids by a shop's own vocabulary as they are by the shared one. @param ids (…, VISIT_FIELDS) */
export function sharedIds(ids: Int32Array): Int32Array {
  const shared = Int32Array.from(ids);
  for (let at = 0; at < shared.length; at += VISIT_FIELDS) {
    for (let slot = at + FIELDS.length; slot < at + VISIT_FIELDS; slot++) {
      const rank = shared[slot]! - OFFSETS.items - 1;
      if (rank >= 0) shared[slot] = OFFSETS.items + 1 + classOf(rank);
    }
  }
  return shared;
}

/** What pretraining predicts of a hidden visit: the ids [first, first + size) of each field. */
export function predictedFields(
  vocabulary: VisitVocabulary,
): { name: string; slot: number; first: number; size: number }[] {
  const plain = FIELDS.flatMap(({ name, size, masked }, slot) =>
    masked && name !== 'lines' ? [{ name, slot, first: OFFSETS[name], size }] : [],
  );
  return [
    ...plain,
    { name: 'item', slot: FIELDS.length, first: OFFSETS.items, size: itemIds(vocabulary) + 1 },
  ];
}

/** Replaces a visit's ids by those that hide it; age, hour and weekday stay: when it is asked for is known. */
export function hideVisit(ids: Int32Array, at: number, vocabulary: VisitVocabulary): void {
  FIELDS.forEach(({ name, size, masked }, slot) => {
    if (masked) ids[at + slot] = OFFSETS[name] + size;
  });
  ids[at + FIELDS.length] = OFFSETS.items + itemIds(vocabulary) + 1;
  for (let slot = 1; slot < ITEM_SLOTS; slot++) ids[at + FIELDS.length + slot] = 0;
}

/** Counts what the vocabulary is fitted on. Feed it visits of the training part only. */
export class VocabularyCounter {
  readonly #items = new Map<string, number>();
  readonly #spends: number[] = [];

  add(visits: VisitList, itemText: (id: number) => string): void {
    for (let i = visits.start; i < visits.end; i++) {
      if (visits.money[i]! !== 0) this.#spends.push(Math.abs(visits.money[i]!));
      for (let k = 0; k < Math.min(ITEM_SLOTS, visits.itemCount[i]!); k++) {
        const item = itemText(visits.items[i * ITEM_STRIDE + k]!);
        this.#items.set(item, (this.#items.get(item) ?? 0) + 1);
      }
    }
  }

  finish(): VisitVocabulary {
    const ranked = [...this.#items]
      .filter(([, n]) => n > 1)
      .sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1));
    const spends = Float64Array.from(this.#spends).sort();
    const edges = Array.from({ length: SPEND_BUCKETS - 2 }, (_, i) =>
      spends.length === 0 ? i : spends[Math.floor(((i + 1) * spends.length) / (SPEND_BUCKETS - 1))]!,
    );
    return { items: ranked.slice(0, MAX_ITEMS).map(([item]) => item), spendEdges: edges };
  }
}

/** Places for items in a row of a VisitList. */
const ITEM_STRIDE = 8;

/** Writes a user's last visits as ids. */
export class VisitEncoder {
  readonly length: number;
  readonly #vocabulary: VisitVocabulary;
  readonly #index: Map<string, number>;
  readonly #byInterned: number[] = [];
  readonly #itemText: (id: number) => string;

  /** @param length visits that have a place; itemText resolves the interned items of the lists to come */
  constructor(vocabulary: VisitVocabulary, length: number, itemText: (id: number) => string) {
    this.length = length;
    this.#vocabulary = vocabulary;
    const id = vocabulary.classes === undefined ? (rank: number) => rank : classOf;
    this.#index = new Map(vocabulary.items.map((item, rank) => [item, id(rank)]));
    this.#itemText = itemText;
  }

  /**
   * Fills out[at …] with (length x VISIT_FIELDS) ids, oldest visit first, zeros behind the last.
   * @param day the as-of day
   * @param length places, at most the encoder's
   * @returns how many visits there are
   */
  encode(visits: VisitList, day: number, out: Int32Array, at: number, length = this.length): number {
    const from = Math.max(visits.start, visits.end - length);
    out.fill(0, at, at + length * VISIT_FIELDS);
    for (let i = from; i < visits.end; i++) {
      const place = at + (i - from) * VISIT_FIELDS;
      const gap = i > visits.start ? visits.day[i]! - visits.day[i - 1]! : 0;
      const weekday = (((visits.day[i]! + 3) % 7) + 7) % 7; // 1970-01-01 was a Thursday
      // In the order of FIELDS; written out, as this runs once a visit of every user.
      out[place] = OFFSETS.type + visits.type[i]!;
      out[place + 1] = OFFSETS.gap + logBucket(gap, LOG_BUCKETS);
      out[place + 2] = OFFSETS.spend + this.#spendBucket(visits.money[i]!);
      out[place + 3] = OFFSETS.lines + logBucket(visits.lines[i]!, LINE_BUCKETS);
      out[place + 4] = OFFSETS.age + logBucket(day - visits.day[i]!, LOG_BUCKETS);
      out[place + 5] = OFFSETS.hour + Math.floor((visits.hour[i]! * DAY_PARTS) / 24);
      out[place + 6] = OFFSETS.weekday + weekday;
      const items = Math.min(ITEM_SLOTS, visits.itemCount[i]!);
      for (let k = 0; k < items; k++) {
        out[place + FIELDS.length + k] = OFFSETS.items + this.#item(visits.items[i * ITEM_STRIDE + k]!);
      }
    }
    return visits.end - from;
  }

  #item(interned: number): number {
    const known = this.#byInterned[interned];
    if (known !== undefined) return known;
    const index = (this.#index.get(this.#itemText(interned)) ?? -1) + 1;
    this.#byInterned[interned] = index;
    return index;
  }

  #spendBucket(money: number): number {
    if (money === 0) return 0;
    const spend = Math.abs(money);
    const { spendEdges } = this.#vocabulary;
    let above = 0;
    while (above < spendEdges.length && spend > spendEdges[above]!) above++;
    return 1 + above;
  }
}

/** 0, 1, 2–3, 4–7, … */
function logBucket(value: number, buckets: number): number {
  return value < 1 ? 0 : Math.min(buckets - 1, 1 + Math.floor(Math.log2(value)));
}
