import type { Numbers } from './histories.ts';

/** The different frequencies among customers: terms that depend on nothing else are computed once for each. */
export interface Frequencies {
  /** Ascending. */
  readonly counts: Int32Array;
  /** Per customer, the place of its frequency among them. */
  readonly kind: Int32Array;
}

export function frequenciesOf(frequency: Numbers): Frequencies {
  const counts = Int32Array.from(new Set(Array.from(frequency))).sort();
  const places = new Map(Array.from(counts, (x, place) => [x, place]));
  const kind = Int32Array.from({ length: frequency.length }, (_, i) => places.get(frequency[i]!)!);
  return { counts, kind };
}

/** Customers, and the mean time between their transactions: the unit that a search for parameters starts from. */
export function pace(
  frequency: Numbers,
  age: Numbers,
  weights: Numbers | undefined,
): { customers: number; interval: number } {
  let [customers, repeats, time] = [0, 0, 0];
  for (let i = 0; i < age.length; i++) {
    const weight = weights ? weights[i]! : 1;
    customers += weight;
    repeats += weight * frequency[i]!;
    time += weight * age[i]!;
  }
  return { customers, interval: time / repeats };
}
