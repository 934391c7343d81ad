/** A value's 64 bits, the highest first, as four digits of 16 bits each. */
const DIGITS = 4;
const BINS = 1 << 16;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
/** Which of the two words holds the sign. */
const HIGH = new Uint32Array(Float64Array.of(1).buffer)[0] === 0 ? 1 : 0;

/** Puts a value's bits into `high` and `low` so that their order is that of the values; 0 and -0 are one. */
const ordered = { high: 0, low: 0 };
function order(value: number): void {
  double[0] = value + 0;
  const negative = words[HIGH]! >>> 31 === 1;
  ordered.high = (negative ? ~words[HIGH]! : words[HIGH]! | 0x80000000) >>> 0;
  ordered.low = (negative ? ~words[1 - HIGH]! : words[1 - HIGH]!) >>> 0;
}

function doubleOf(high: number, low: number): number {
  const negative = high >>> 31 === 0;
  words[HIGH] = negative ? ~high : high & 0x7fffffff;
  words[1 - HIGH] = negative ? ~low : low;
  return double[0]!;
}

/** The first digits of what `order` has put. */
const prefixOf = (digits: number): number => {
  const { high, low } = ordered;
  if (digits === 0) return 0;
  if (digits === 1) return high >>> 16;
  return digits === 2 ? high : high * BINS + (low >>> 16);
};

const digitOf = (place: number): number => {
  const word = place < 2 ? ordered.high : ordered.low;
  return place % 2 === 0 ? word >>> 16 : word & 0xffff;
};

/**
 * The values at some ranks of all values, exactly, without all of them in memory: digit by digit, each pass counts the next
 * 16 bits of the values that begin like one that is looked for. The order of the values does not matter.
 * @param pass walks through all values, block by block; called four times; NaN is no value
 * @param ranks 1 is the smallest value; up to the number of values
 */
export function valuesAtRanks(pass: () => Iterable<Float64Array>, ranks: readonly number[]): number[] {
  let wanted = ranks.map((rank) => ({ prefix: 0, rank }));
  for (let place = 0; place < DIGITS - 1; place++) wanted = narrowed(pass, wanted, place);
  // A prefix of all four digits would not fit into a number.
  const last = narrowed(pass, wanted, DIGITS - 1, true);
  return last.map(({ prefix: digit }, i) => {
    const first = wanted[i]!.prefix;
    return doubleOf(Math.floor(first / BINS), (first % BINS) * BINS + digit);
  });
}

interface Wanted {
  readonly prefix: number;
  /** Among the values of this prefix. */
  readonly rank: number;
}

function narrowed(
  pass: () => Iterable<Float64Array>,
  wanted: readonly Wanted[],
  place: number,
  digitAlone = false,
): Wanted[] {
  const counts = new Map(wanted.map(({ prefix }) => [prefix, new Float64Array(BINS)]));
  for (const block of pass()) {
    for (const value of block) {
      if (Number.isNaN(value)) continue;
      order(value);
      const own = counts.get(prefixOf(place));
      if (own) own[digitOf(place)]! += 1;
    }
  }
  return wanted.map(({ prefix, rank }) => {
    const own = counts.get(prefix)!;
    let [digit, left] = [0, rank];
    while (left > own[digit]!) left -= own[digit++]!;
    return { prefix: digitAlone ? digit : prefix * BINS + digit, rank: left };
  });
}

/**
 * Cuts values into `levels` parts of about equal size: the values up to which the lower parts reach. Equal values are in
 * one part.
 * @param count how many values there are
 * @returns no edges where there is nothing to tell apart: no value, or one value for all
 */
export function levelEdges(pass: () => Iterable<Float64Array>, count: number, levels: number): number[] {
  if (count === 0) return [];
  const ranks = Array.from({ length: levels - 1 }, (_, i) => Math.ceil(((i + 1) * count) / levels));
  const [smallest, ...rest] = valuesAtRanks(pass, [1, ...ranks, count]);
  const largest = rest.pop();
  return smallest === largest ? [] : rest;
}

/** The part of a value, from 1. */
export function levelOf(value: number, edges: readonly number[]): number {
  let level = 1;
  for (const edge of edges) if (value > edge) level += 1;
  return level;
}
