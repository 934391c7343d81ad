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
  v128,
  when,
} from '../../host/assembler.ts';

/** Where the scan finds what holds for the whole leaf: byte offsets in its question. */
export const QUESTION = {
  gradient: 0,
  hessian: 8,
  gradientUnit: 16,
  hessianUnit: 24,
  l2: 32,
  minWeight: 40,
  low: 48,
  high: 56,
  toBeat: 64,
  minRows: 72,
  countShift: 76,
  bytes: 80,
} as const;

/** What it answers for a column. A bin of 0 says that no split is allowed and worth it. */
export const ANSWER = { gain: 0, bin: 8, missingLeft: 12, gradient: 16, hessian: 24, bytes: 32 } as const;

/** Relative: the rounding of a gain that is compared without a division is far smaller. */
const MARGIN = 1e-9;

/**
 * scan(column, first, last, monotone, question, answer): the best split of a leaf by a column's histogram (Chen & Guestrin
 * 2016, algorithm 3): "bin <= b goes left" for each b from first to last, with the missing rows right, and left where
 * there are any. Both sides' weights are w = -G / (H + l2) within [low, high]; the gain is -Σ (2 G w + (H + l2) w²), which
 * for weights within the bounds is Σ G² / (H + l2). Of equal gains the first is kept. Gains are compared with `toBeat`.
 */
export function scan(): Kernel {
  const [column, first, last, monotone, question, answer] = [0, 1, 2, 3, 4, 5];
  const [bin, missingLeft] = [6, 7];
  const [packed, shift, total, fewest, tooMany, mask] = [8, 9, 10, 11, 12, 13];
  const [best, bar, gradientUnit, hessianUnit, minWeight, allGradient, allHessian] = [
    14, 15, 16, 17, 18, 19, 20,
  ];
  const [l2, leftG, rightG, leftH, rightH, gain] = [21, 22, 23, 24, 25, 26];
  const [sums, low, high, g, h, w, entry] = [27, 28, 29, 30, 31, 32, 33];
  const asked = (offset: number): Code => f64.load(get(question), offset);
  const hessianOf = (sum: Code): Code => f64.mul(f64.fromI64(i64.and(sum, get(mask))), get(hessianUnit));
  const setBest = (value: Code): Code => [
    set(best, value),
    set(bar, f64.sub(get(best), f64.mul(f64.abs(get(best)), f64.of(MARGIN)))),
  ];
  const lanes = (a: Code, b: Code): Code => f64x2.withLane(1, f64x2.splat(a), b);
  const consider: Code = [
    set(entry, v128.load(i32.add(get(column), i32.shl(get(bin), i32.of(4))))),
    set(sums, i64x2.add(get(sums), get(entry))),
    leaveIf(0, i32.ltUnsigned(get(bin), get(first))),
    // an empty bin splits as the one before it did
    leaveIf(0, i32.and(i64.eqz(i64x2.lane(1, get(entry))), i32.ne(get(bin), get(first)))),
    // numbers of rows are compared where they are, above the sum of hessians
    set(packed, i64x2.lane(1, get(sums))),
    leaveIf(0, i64.ltUnsigned(get(packed), get(fewest))),
    leaveIf(2, i32.eqz(i64.ltUnsigned(get(packed), get(tooMany)))),
    set(leftH, hessianOf(get(packed))),
    leaveIf(0, f64.lt(get(leftH), get(minWeight))),
    set(rightH, f64.sub(get(allHessian), get(leftH))),
    leaveIf(2, f64.lt(get(rightH), get(minWeight))),
    set(leftG, f64.mul(f64.fromI64(i64x2.lane(0, get(sums))), get(gradientUnit))),
    set(rightG, f64.sub(get(allGradient), get(leftG))),
    set(leftH, f64.add(get(leftH), get(l2))),
    set(rightH, f64.add(get(rightH), get(l2))),
    // most bins gain less than the best so far, which needs no division to see; bounds can only lower a gain
    leaveIf(
      0,
      f64.le(
        f64.add(
          f64.mul(f64.mul(get(leftG), get(leftG)), get(rightH)),
          f64.mul(f64.mul(get(rightG), get(rightG)), get(leftH)),
        ),
        f64.mul(get(bar), f64.mul(get(leftH), get(rightH))),
      ),
    ),
    set(g, lanes(get(leftG), get(rightG))),
    set(h, lanes(get(leftH), get(rightH))),
    set(w, f64x2.least(f64x2.most(f64x2.div(f64x2.neg(get(g)), get(h)), get(low)), get(high))),
    // from here on g holds both sides' losses
    set(g, f64x2.mul(get(w), f64x2.add(f64x2.add(get(g), get(g)), f64x2.mul(get(h), get(w))))),
    set(gain, f64.neg(f64.add(f64x2.lane(0, get(g)), f64x2.lane(1, get(g))))),
    leaveIf(0, i32.eqz(f64.gt(get(gain), get(best)))),
    leaveIf(
      0,
      f64.lt(
        f64.mul(f64.fromI32(get(monotone)), f64.sub(f64x2.lane(1, get(w)), f64x2.lane(0, get(w)))),
        f64.zero,
      ),
    ),
    setBest(get(gain)),
    f64.store(get(answer), get(gain), ANSWER.gain),
    i32.store(get(answer), get(bin), ANSWER.bin),
    i32.store(get(answer), get(missingLeft), ANSWER.missingLeft),
    v128.store(get(answer), get(sums), ANSWER.gradient),
  ];
  const pass: Code = [
    set(bin, i32.of(1)),
    block(
      loop([
        leaveIf(1, i32.gtUnsigned(get(bin), get(last))),
        block(consider),
        set(bin, i32.add(get(bin), i32.of(1))),
        leave(0),
      ]),
    ),
  ];
  return {
    name: 'scan',
    parameters: new Array(6).fill('i32'),
    locals: [
      ...(['i32', 'i32'] as const),
      ...(new Array(6).fill('i64') as 'i64'[]),
      ...(new Array(13).fill('f64') as 'f64'[]),
      ...(new Array(7).fill('v128') as 'v128'[]),
    ],
    body: [
      i32.store(get(answer), i32.of(0), ANSWER.bin),
      set(shift, i64.fromI32(i32.load(get(question), QUESTION.countShift))),
      set(mask, i64.sub(i64.shl(i64.of(1), get(shift)), i64.of(1))),
      set(gradientUnit, asked(QUESTION.gradientUnit)),
      set(hessianUnit, asked(QUESTION.hessianUnit)),
      set(minWeight, asked(QUESTION.minWeight)),
      setBest(asked(QUESTION.toBeat)),
      set(l2, asked(QUESTION.l2)),
      set(low, f64x2.splat(asked(QUESTION.low))),
      set(high, f64x2.splat(asked(QUESTION.high))),
      set(total, i64.load(get(question), QUESTION.hessian)),
      set(fewest, i64.shl(i64.fromI32(i32.load(get(question), QUESTION.minRows)), get(shift))),
      // from this on fewer than the least rows are left over
      set(
        tooMany,
        i64.add(
          i64.sub(i64.and(get(total), i64.xor(get(mask), i64.of(-1))), get(fewest)),
          i64.shl(i64.of(1), get(shift)),
        ),
      ),
      set(allHessian, hessianOf(get(total))),
      set(allGradient, f64.mul(f64.fromI64(i64.load(get(question), QUESTION.gradient)), get(gradientUnit))),
      set(sums, i64x2.splat(i64.of(0))),
      set(missingLeft, i32.of(0)),
      pass,
      when(i32.eqz(i64.eqz(i64.load(get(column), 8))), [
        set(sums, v128.load(get(column))),
        set(missingLeft, i32.of(1)),
        pass,
      ]),
    ],
  };
}
