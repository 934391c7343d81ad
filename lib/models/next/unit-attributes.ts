import type { AttributeColumn } from '../../features/index.ts';

/** A trait is told by so many units at least: what one alone has makes nothing alike. */
const FEWEST = 2;
/** Of a unit the rarest traits count, up to so many. */
const MOST_TRAITS = 40;
/** A number is in one of so many bands of equal mass, and in one of as many that lie half a band higher. */
const BANDS = 5;
/** Letters of a word of a title at least. */
const SHORTEST_WORD = 3;

/** What is said of units as of a day: vectors over traits, each of length 1, so that products are cosines. */
export interface UnitAttributes {
  /** How many traits there are: values of categories, words of texts, bands of numbers. */
  readonly traits: number;
  /** Unit i has the traits in [start[i], start[i + 1]), in ascending order. */
  readonly start: Int32Array;
  readonly trait: Int32Array;
  readonly weight: Float64Array;
  /** What a person calls a trait, such as `category Tea`; undefined for bands of numbers. */
  readonly words: readonly (string | undefined)[];
  /** Days since the unit is known, by its rows; NaN where no row says since when. */
  readonly since: Float64Array;
}

/**
 * Traits are weighted by how rare they are, log(1 + units / units with it) (inverse document frequency: Spärck Jones 1972).
 * @param rows of the columns, by unit; -1 where nothing is said of the unit
 */
export function describeUnits(
  columns: readonly AttributeColumn[],
  rows: readonly number[],
  since: Float64Array,
): UnitAttributes {
  const known = rows.filter((row) => row >= 0);
  const readers = columns.map((column) => traitsOf(column, known));
  const counts = new Map<string, number>();
  const told = rows.map((row) => {
    if (row < 0) return [];
    const own = [...new Set(readers.flatMap((read) => read(row)))];
    for (const one of own) counts.set(one, (counts.get(one) ?? 0) + 1);
    return own;
  });
  const names = [...counts.keys()].filter((name) => counts.get(name)! >= FEWEST).sort();
  const numbers = new Map(names.map((name, i) => [name, i]));
  const rarity = Float64Array.from(names, (name) => Math.log1p(known.length / counts.get(name)!));
  const start = new Int32Array(rows.length + 1);
  const trait: number[] = [];
  const weight: number[] = [];
  told.forEach((own, unit) => {
    const kept = own
      .flatMap((name) => numbers.get(name) ?? [])
      .sort((a, b) => rarity[b]! - rarity[a]! || a - b)
      .slice(0, MOST_TRAITS)
      .sort((a, b) => a - b);
    const length = Math.sqrt(kept.reduce((sum, t) => sum + rarity[t]! ** 2, 0));
    for (const t of kept) {
      trait.push(t);
      weight.push(rarity[t]! / length);
    }
    start[unit + 1] = trait.length;
  });
  return {
    traits: names.length,
    start,
    trait: Int32Array.from(trait),
    weight: Float64Array.from(weight),
    words: names.map(wordsOf),
    since,
  };
}

/** Between the parts of a trait's name: kind, attribute, value. */
const SEPARATOR = '\u0000';

/** Names of the traits that a row has by a column. */
function traitsOf(column: AttributeColumn, known: readonly number[]): (row: number) => string[] {
  const named = (kind: string, value: string) => [kind, column.name, value].join(SEPARATOR);
  if (column.kind === 'number') {
    const { values } = column;
    const sorted = Float64Array.from(known, (row) => values[row]!)
      .filter(Number.isFinite)
      .sort();
    return (row) => {
      const value = values[row]!;
      if (!Number.isFinite(value) || sorted.length === 0) return [];
      const place = (BANDS * shareBelow(sorted, value)) | 0;
      const shifted = Math.floor(BANDS * shareBelow(sorted, value) + 0.5);
      return [named('number', `${place}`), named('number', `${shifted} and a half`)];
    };
  }
  const { values, kind } = column;
  return (row) => {
    const value = values[row];
    if (value === undefined || value === '') return [];
    return kind === 'text' ? wordsIn(value).map((word) => named('text', word)) : [named('category', value)];
  };
}

/** Share of sorted numbers that are below a value. */
function shareBelow(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low / sorted.length;
}

const wordsIn = (text: string): string[] =>
  (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => word.length >= SHORTEST_WORD);

function wordsOf(name: string): string | undefined {
  const [kind, attribute, value] = name.split(SEPARATOR);
  return kind === 'number' ? undefined : `${attribute} ${value}`;
}
