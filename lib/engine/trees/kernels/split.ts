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
} from './assembler.ts';

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

/**
 * scan(column, first, last, monotone, question, answer): the best split of a leaf by a column's histogram (Chen & Guestrin
 * 2016, algorithm 3): "bin <= b goes left" for each b from first to last, with the missing rows right, and left where
 * there are any. Both sides' weights are w = -G / (H + l2) within [low, high]; the gain is -Σ (2 G w + (H + l2) w²), which
 * for weights within the bounds is Σ G² / (H + l2). Of equal gains the first is kept. Gains are compared with `toBeat`.
 */
export function scan(): Kernel {
  const [column, first, last, monotone, question, answer] = [0, 1, 2, 3, 4, 5];
  const [bin, missingLeft, minRows] = [6, 7, 8];
  const [sums, second, shift, rows, total, leftRows, fewest] = [9, 10, 11, 12, 13, 14, 15];
  const [best, gradientUnit, hessianUnit, minWeight, allGradient, allHessian] = [16, 17, 18, 19, 20, 21];
  const [gradient, hessian, gain] = [22, 23, 24];
  const [l2, low, high, g, h, w, entry] = [25, 26, 27, 28, 29, 30, 31];
  const asked = (offset: number): Code => f64.load(get(question), offset);
  const hessianOf = (packed: Code): Code =>
    f64.mul(
      f64.fromI64(i64.and(packed, i64.sub(i64.shl(i64.of(1), get(shift)), i64.of(1)))),
      get(hessianUnit),
    );
  const lanes = (a: Code, b: Code): Code => f64x2.withLane(1, f64x2.splat(a), b);
  const consider: Code = [
    set(entry, v128.load(i32.add(get(column), i32.shl(get(bin), i32.of(4))))),
    set(sums, i64x2.add(get(sums), get(entry))),
    leaveIf(0, i32.ltUnsigned(get(bin), get(first))),
    // an empty bin splits as the one before it did
    leaveIf(0, i32.and(i64.eqz(i64x2.lane(1, get(entry))), i32.ne(get(bin), get(first)))),
    set(second, i64x2.lane(1, get(sums))),
    set(leftRows, i64.shrUnsigned(get(second), get(shift))),
    leaveIf(0, i64.ltUnsigned(get(leftRows), get(fewest))),
    leaveIf(2, i64.ltUnsigned(i64.sub(get(rows), get(leftRows)), get(fewest))),
    set(hessian, hessianOf(get(second))),
    leaveIf(0, f64.lt(get(hessian), get(minWeight))),
    leaveIf(2, f64.lt(f64.sub(get(allHessian), get(hessian)), get(minWeight))),
    set(gradient, f64.mul(f64.fromI64(i64x2.lane(0, get(sums))), get(gradientUnit))),
    set(g, lanes(get(gradient), f64.sub(get(allGradient), get(gradient)))),
    set(h, f64x2.add(lanes(get(hessian), f64.sub(get(allHessian), get(hessian))), get(l2))),
    set(w, f64x2.min(f64x2.max(f64x2.div(f64x2.neg(get(g)), get(h)), get(low)), get(high))),
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
    set(best, get(gain)),
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
      ...(['i32', 'i32', 'i32'] as const),
      ...(['v128', 'i64', 'i64', 'i64', 'i64', 'i64', 'i64'] as const),
      ...(new Array(9).fill('f64') as 'f64'[]),
      ...(new Array(7).fill('v128') as 'v128'[]),
    ],
    body: [
      i32.store(get(answer), i32.of(0), ANSWER.bin),
      set(shift, i64.fromI32(i32.load(get(question), QUESTION.countShift))),
      set(minRows, i32.load(get(question), QUESTION.minRows)),
      set(fewest, i64.fromI32(get(minRows))),
      set(gradientUnit, asked(QUESTION.gradientUnit)),
      set(hessianUnit, asked(QUESTION.hessianUnit)),
      set(minWeight, asked(QUESTION.minWeight)),
      set(best, asked(QUESTION.toBeat)),
      set(l2, f64x2.splat(asked(QUESTION.l2))),
      set(low, f64x2.splat(asked(QUESTION.low))),
      set(high, f64x2.splat(asked(QUESTION.high))),
      set(total, i64.load(get(question), QUESTION.hessian)),
      set(rows, i64.shrUnsigned(get(total), get(shift))),
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
