import { TINY } from './pair-columns.ts';

const { exp, log1p, max, min } = Math;

/** Half-life in days of what is new of a unit. */
const NEW_DAYS = 14;

/** What is known of a user and a unit by what is said of units. */
export interface AlikePair {
  /** Cosine of the unit and all that the user had, and of the unit and what the user had of late; from 0 to 1. */
  alike: number;
  recent: number;
  /** Largest values among the user's candidates. */
  largest: { alike: number; recent: number };
  /** Has nobody had the unit by the target's type? */
  cold: boolean;
  /** Days since the unit is known. */
  known: number;
  /** How well units of its kind sell: lines of 30 days of the units with its traits, over those of the mean unit. */
  kind: number;
}

const novelty = ({ known }: AlikePair): number => exp(-known / NEW_DAYS);

const COLUMNS = {
  alike: ({ alike }) => alike,
  'alike relative': ({ alike, largest }) => alike / max(largest.alike, TINY),
  'alike recent': ({ recent }) => recent,
  'alike recent relative': ({ recent, largest }) => recent / max(largest.recent, TINY),
  'known days': ({ known }) => log1p(min(known, 3650)),
  new: novelty,
  'new and alike': (pair) => novelty(pair) * pair.alike,
  cold: ({ cold }) => (cold ? 1 : 0),
  'cold and alike': ({ cold, alike }) => (cold ? alike : 0),
  'popularity of the kind': ({ kind }) => log1p(kind),
  'cold and popularity of the kind': ({ cold, kind }) => (cold ? log1p(kind) : 0),
} satisfies Readonly<Record<string, (pair: AlikePair) => number>>;

/** Names of the columns of attributes, in their order. */
export const ALIKE_NAMES: readonly string[] = Object.keys(COLUMNS);
const WRITERS: readonly ((pair: AlikePair) => number)[] = Object.values(COLUMNS);

/** Writes the columns of attributes of a pair to out[at, …). */
export function writeAlike(pair: AlikePair, out: Float32Array, at: number): void {
  let place = at;
  for (const column of WRITERS) out[place++] = column(pair);
}
