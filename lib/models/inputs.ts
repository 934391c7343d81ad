import { DataError } from '../data/index.ts';
import type { GraphBuilder, Value } from '../onnx/index.ts';

/**
 * How raw features become inputs of a network, fitted on training rows alone: constant columns are left out, columns
 * with heavy tails go through sign(x) log(1 + |x|), all are clipped at quantiles and standardised.
 */
export interface InputTransform {
  /** Columns of the raw vector that are used. */
  readonly kept: readonly number[];
  /** 1 where the signed logarithm is taken, per kept column; so are the next four. */
  readonly log: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly mean: readonly number[];
  readonly deviation: readonly number[];
}

/** Share of training rows beyond each end that is clipped. */
const CLIPPED = 0.002;
/** A column whose largest value is this many times its 75th percentile has a heavy tail. */
const HEAVY = 6;

const signedLog = (x: number) => Math.sign(x) * Math.log1p(Math.abs(x));

/**
 * @param rows raw features, row by row (count x width)
 * @throws DataError when there is no row, or no column that varies
 */
export function fitInputs(rows: Float32Array, width: number): InputTransform {
  const count = rows.length / width;
  if (count === 0) throw new DataError('there are no training rows: the as-of time is too early for any user');
  const kept: number[] = [];
  const log: number[] = [];
  const low: number[] = [];
  const high: number[] = [];
  const mean: number[] = [];
  const deviation: number[] = [];
  const column = new Float64Array(count);
  for (let j = 0; j < width; j++) {
    for (let i = 0; i < count; i++) column[i] = rows[i * width + j]!;
    column.sort();
    if (column[0] === column[count - 1]) continue;
    const heavy = isHeavy(column);
    if (heavy) for (let i = 0; i < count; i++) column[i] = signedLog(column[i]!);
    const from = quantile(column, CLIPPED);
    const to = quantile(column, 1 - CLIPPED);
    // A flag rarer than the clipped share would be cut to a constant: keep its full range.
    const [a, b] = from < to ? [from, to] : [column[0]!, column[count - 1]!];
    let sum = 0;
    let squares = 0;
    for (let i = 0; i < count; i++) {
      const x = Math.min(Math.max(column[i]!, a), b);
      sum += x;
      squares += x * x;
    }
    const m = sum / count;
    const s = Math.sqrt(Math.max(squares / count - m * m, 0));
    if (!(s > 1e-9)) continue;
    kept.push(j);
    log.push(heavy ? 1 : 0);
    low.push(a);
    high.push(b);
    mean.push(m);
    deviation.push(s);
  }
  if (kept.length === 0) throw new DataError('no feature differs between users: there is nothing to learn from');
  return { kept, log, low, high, mean, deviation };
}

function isHeavy(sorted: Float64Array): boolean {
  const largest = Math.max(Math.abs(sorted[0]!), Math.abs(sorted[sorted.length - 1]!));
  const typical = Math.max(Math.abs(quantile(sorted, 0.75)), Math.abs(quantile(sorted, 0.25)));
  return largest > 3 && largest > HEAVY * typical;
}

function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const rest = at - below;
  return sorted[below]! * (1 - rest) + sorted[Math.min(below + 1, sorted.length - 1)]! * rest;
}

/** The transform as operations: x (batch, width) raw -> (batch, kept) standardised. */
export function transformInputs(g: GraphBuilder, x: Value, t: InputTransform): Value {
  const picked = g.gather(x, g.ints(t.kept), 1);
  const logged = g.mul(g.sign(picked), g.log(g.add(g.abs(picked), 1)));
  const mask = g.constant(t.log);
  const mixed = g.add(g.mul(logged, mask), g.mul(picked, g.sub(1, mask)));
  const clipped = g.min(g.max(mixed, g.constant(t.low)), g.constant(t.high));
  return g.mul(g.sub(clipped, g.constant(t.mean)), g.constant(t.deviation.map((s) => 1 / s)));
}
