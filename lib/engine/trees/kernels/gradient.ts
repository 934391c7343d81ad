import {
  block,
  type Code,
  f64,
  f64x2,
  get,
  i32,
  i64,
  i64x2,
  type Kernel,
  leave,
  leaveIf,
  loop,
  set,
  shuffle,
  toInt32,
  v128,
  when,
} from '../../host/assembler.ts';

/** ln 2 in two parts, the first with few enough bits that a whole multiple of it is exact (Cody & Waite 1980). */
const LN2_HIGH = 6.931_471_803_691_238e-1;
const LN2_LOW = 1.908_214_929_270_587_7e-10;
/** e^r for |r| <= ln 2 / 2: the terms up to r^12 leave an error below 2^-53. */
const TERMS = 12;
const LARGEST = 700;

const both = (value: number): Code => f64x2.splat(f64.of(value));

/** e^x of a local, for |x| <= 700; uses two further locals. */
function exp(x: number, whole: number, rest: number): Code {
  let factorial = 1;
  const inverse = Array.from({ length: TERMS + 1 }, (_, k) => 1 / (factorial *= k || 1));
  const series = inverse
    .slice(0, -1)
    .reduceRight<Code>(
      (sum, coefficient) => f64x2.add(f64x2.mul(sum, get(rest)), both(coefficient)),
      both(inverse[TERMS]!),
    );
  return [
    set(whole, f64x2.nearest(f64x2.mul(get(x), both(Math.LOG2E)))),
    set(
      rest,
      f64x2.sub(
        f64x2.sub(get(x), f64x2.mul(get(whole), both(LN2_HIGH))),
        f64x2.mul(get(whole), both(LN2_LOW)),
      ),
    ),
    // times 2^whole, whose exponent is put together as bits
    f64x2.mul(
      series,
      i64x2.shl(i64x2.add(i64x2.extend(toInt32(get(whole))), i64x2.splat(i64.of(1023))), i32.of(52)),
    ),
  ];
}

/**
 * logistic(rows, end, scores, labels, weights, pairs, units): for each row index from `rows` to `end` writes the pair
 * (weight (p - label), weight p (1 - p)) with p = 1 / (1 + e^-score), as int32 of the units: `units` holds what a gradient
 * and what a hessian is multiplied by (float64). Scores are float64, labels and weights float32. Two rows at a time.
 */
export function logistic(): Kernel {
  const [rows, end, scores, labels, weights, pairs, units] = [0, 1, 2, 3, 4, 5, 6];
  const [one, two] = [7, 8];
  const [x, whole, rest, weight, perGradient, perHessian] = [9, 10, 11, 12, 13, 14];
  const lanes = (of: (row: number) => Code): Code => f64x2.withLane(1, f64x2.splat(of(one)), of(two));
  const float = (base: number) =>
    lanes((row) => f64.loadFloat(i32.add(get(base), i32.shl(get(row), i32.of(2)))));
  const rounded = (value: Code): Code => toInt32(f64x2.nearest(value));
  const pair: Code = [
    set(x, f64x2.neg(lanes((row) => f64.load(i32.add(get(scores), i32.shl(get(row), i32.of(3))))))),
    set(x, f64x2.least(f64x2.most(get(x), both(-LARGEST)), both(LARGEST))),
    // from here on x holds the probability
    set(x, f64x2.div(both(1), f64x2.add(both(1), exp(x, whole, rest)))),
    set(weight, float(weights)),
    shuffle(
      rounded(f64x2.mul(f64x2.mul(get(weight), f64x2.sub(get(x), float(labels))), get(perGradient))),
      rounded(
        f64x2.mul(f64x2.mul(get(weight), f64x2.mul(get(x), f64x2.sub(both(1), get(x)))), get(perHessian)),
      ),
      [0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23],
    ),
  ];
  return {
    name: 'logistic',
    parameters: new Array(7).fill('i32'),
    locals: ['i32', 'i32', 'v128', 'v128', 'v128', 'v128', 'v128', 'v128'],
    body: [
      set(perGradient, f64x2.splat(f64.load(get(units)))),
      set(perHessian, f64x2.splat(f64.load(get(units), 8))),
      block(
        loop([
          leaveIf(1, i32.gtUnsigned(i32.add(get(rows), i32.of(8)), get(end))),
          set(one, i32.load(get(rows))),
          set(two, i32.load(get(rows), 4)),
          v128.store(get(pairs), pair),
          set(rows, i32.add(get(rows), i32.of(8))),
          set(pairs, i32.add(get(pairs), i32.of(16))),
          leave(0),
        ]),
      ),
      when(i32.ltUnsigned(get(rows), get(end)), [
        set(one, i32.load(get(rows))),
        set(two, get(one)),
        i64.store(get(pairs), i64x2.lane(0, pair)),
      ]),
    ],
  };
}
