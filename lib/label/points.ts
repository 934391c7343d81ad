import { charactersOf } from '../engine/text/scripts.ts';
import type { AttributeTable } from '../features/index.ts';

/** Rows as unit vectors of the terms that they hold. */
export interface Points {
  /** How many different terms there are. */
  readonly terms: number;
  readonly rows: readonly (readonly (readonly [term: number, weight: number])[])[];
}

/** Numbers are told apart by the tenth of the rows that they fall in. */
const TENTHS = 10;

/**
 * Some rows of a table as points: words and pairs of neighbours of their texts, their categories, and the tenths of their numbers. A
 * term weighs the more the fewer of these rows have it (inverse document frequency, Spärck Jones 1972).
 * @param rows places in the table
 */
export function pointsOf({ columns }: Pick<AttributeTable, 'columns'>, rows: readonly number[]): Points {
  const counts = rows.map(() => new Map<string, number>());
  for (const { name, kind, values } of columns) {
    if (kind === 'number') {
      const tenth = tenthsOf(rows.map((row) => values[row]!));
      counts.forEach((own, i) => {
        own.set(`${name}=${tenth[i]}`, 1);
      });
      continue;
    }
    rows.forEach((row, i) => {
      const text = values[row] ?? '';
      const terms =
        kind === 'category' ? [`${name}=${text}`] : termsOf(text).map((term) => `${name} ${term}`);
      for (const term of terms) counts[i]!.set(term, (counts[i]!.get(term) ?? 0) + 1);
    });
  }
  const having = new Map<string, number>();
  for (const own of counts) for (const term of own.keys()) having.set(term, (having.get(term) ?? 0) + 1);
  const place = new Map([...having.keys()].map((term, i) => [term, i]));
  return {
    terms: having.size,
    rows: counts.map((own) => {
      const weighed = [...own].map(
        ([term, count]) =>
          [place.get(term)!, count * (1 + Math.log((1 + rows.length) / (1 + having.get(term)!)))] as const,
      );
      const length = Math.sqrt(weighed.reduce((sum, [, weight]) => sum + weight ** 2, 0));
      return weighed.map(([term, weight]) => [term, weight / length] as const);
    }),
  };
}

/** Lower-case words and pairs of neighbours; of scripts without spaces characters and their pairs. */
function termsOf(text: string): string[] {
  const words =
    text
      .normalize('NFKC')
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  const each = words.flatMap((word) => {
    const runs = charactersOf(word);
    return runs.length > 0 ? runs.flat() : [word];
  });
  return [...each, ...each.slice(1).map((word, i) => `${each[i]} ${word}`)];
}

/** The tenth of the values that each falls in; missing ones are none. */
function tenthsOf(values: readonly number[]): (number | undefined)[] {
  const sorted = Float64Array.from(values.filter((value) => !Number.isNaN(value))).sort();
  const ends = Array.from(
    { length: TENTHS - 1 },
    (_, i) => sorted[Math.floor(((i + 1) * sorted.length) / TENTHS)]!,
  );
  return values.map((value) => (Number.isNaN(value) ? undefined : ends.filter((end) => value >= end).length));
}
