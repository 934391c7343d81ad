import { DataError } from '../../data/index.ts';
import type { GraphBuilder, Value } from '../../engine/onnx/index.ts';

/** Which raw features a model reads, fitted on training rows alone: constant columns are left out. */
export interface InputColumns {
  readonly kept: readonly number[];
  /** 1 where the signed logarithm sign(x) log(1 + |x|) is taken, for heavy tails; per kept column. */
  readonly log: readonly number[];
}

/**
 * How raw features become inputs of a network. The statistics are those of the rows of one cut-off: a feature then says
 * how a user stands among all users of that time, and the age of the data, which moves totals and spans up night by
 * night, cannot move the level of the scores.
 */
export interface InputTransform extends InputColumns {
  /** Clipped to [low, high], then (x - mean) / deviation; per kept column. */
  readonly low: readonly number[];
  readonly high: readonly number[];
  readonly mean: readonly number[];
  /** 0 where all rows of the cut-off are equal: the input is 0 then. */
  readonly deviation: readonly number[];
}

/** Share of rows beyond each end that is clipped. */
const CLIPPED = 0.005;
/** A column whose largest value is this many times its quartiles has a heavy tail. */
const HEAVY = 6;
const SMALLEST_DEVIATION = 1e-4;

const signedLog = (x: number) => Math.sign(x) * Math.log1p(Math.abs(x));

/**
 * Chooses columns on the training rows.
 * @param raw (all rows, width)
 * @param rows row numbers of the training part
 * @param options without `logarithms` for columns that have been through them already
 * @throws DataError when there is no row, or no column that varies
 */
export function fitColumns(
  raw: Float32Array,
  width: number,
  rows: Int32Array,
  options: { readonly logarithms: boolean } = { logarithms: true },
): InputColumns {
  if (rows.length === 0)
    throw new DataError('there are no training rows: the as-of time is too early for any user');
  const kept: number[] = [];
  const log: number[] = [];
  for (let j = 0; j < width; j++) {
    const column = sortedColumn(raw, width, rows, j, 0);
    if (column[0] === column[column.length - 1]) continue;
    kept.push(j);
    log.push(options.logarithms && isHeavy(column) ? 1 : 0);
  }
  if (kept.length === 0)
    throw new DataError('no feature differs between rows: there is nothing to learn from');
  return { kept, log };
}

/** Statistics of the columns over some rows, those of one cut-off. */
export function fitInputs(
  raw: Float32Array,
  width: number,
  rows: Int32Array,
  columns: InputColumns,
): InputTransform {
  const { kept, log } = columns;
  const low: number[] = [];
  const high: number[] = [];
  const mean: number[] = [];
  const deviation: number[] = [];
  kept.forEach((j, k) => {
    const column = sortedColumn(raw, width, rows, j, log[k]!);
    const from = quantile(column, CLIPPED);
    const to = quantile(column, 1 - CLIPPED);
    // A flag rarer than the clipped share would be cut to a constant: keep its full range.
    const [a, b] = from < to ? [from, to] : [column[0]!, column[column.length - 1]!];
    let sum = 0;
    for (const x of column) sum += Math.min(Math.max(x, a), b);
    const m = sum / column.length;
    let squares = 0;
    for (const x of column) squares += (Math.min(Math.max(x, a), b) - m) ** 2;
    const s = Math.sqrt(squares / column.length);
    low.push(a);
    high.push(b);
    mean.push(m);
    deviation.push(s < SMALLEST_DEVIATION ? 0 : s);
  });
  return { kept, log, low, high, mean, deviation };
}

/** Writes the inputs of a raw row to out[at, at + kept): the same as transformInputs. */
export function writeInputs(
  raw: Float32Array,
  start: number,
  t: InputTransform,
  out: Float32Array,
  at: number,
): void {
  for (let k = 0; k < t.kept.length; k++) {
    const x = raw[start + t.kept[k]!]!;
    const y = t.log[k] === 1 ? signedLog(x) : x;
    const s = t.deviation[k]!;
    out[at + k] = s === 0 ? 0 : (Math.min(Math.max(y, t.low[k]!), t.high[k]!) - t.mean[k]!) / s;
  }
}

/** The transform as operations: x (batch, width) raw -> (batch, kept) inputs. */
export function transformInputs(g: GraphBuilder, x: Value, t: InputTransform): Value {
  const picked = g.gather(x, g.ints(t.kept), 1);
  const logged = g.mul(g.sign(picked), g.log(g.add(g.abs(picked), 1)));
  const mask = g.constant(t.log);
  const mixed = g.add(g.mul(logged, mask), g.mul(picked, g.sub(1, mask)));
  const clipped = g.min(g.max(mixed, g.constant(t.low)), g.constant(t.high));
  return g.mul(g.sub(clipped, g.constant(t.mean)), g.constant(t.deviation.map((s) => (s === 0 ? 0 : 1 / s))));
}

export function sortedColumn(
  raw: Float32Array,
  width: number,
  rows: Int32Array,
  j: number,
  log: number,
): Float64Array {
  const column = new Float64Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const x = raw[rows[i]! * width + j]!;
    column[i] = log === 1 ? signedLog(x) : x;
  }
  return column.sort();
}

function isHeavy(sorted: Float64Array): boolean {
  const largest = Math.max(Math.abs(sorted[0]!), Math.abs(sorted[sorted.length - 1]!));
  const typical = Math.max(Math.abs(quantile(sorted, 0.75)), Math.abs(quantile(sorted, 0.25)));
  return largest > 3 && largest > HEAVY * typical;
}

export function quantile(sorted: Float64Array, q: number): number {
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  const rest = at - below;
  return sorted[below]! * (1 - rest) + sorted[Math.min(below + 1, sorted.length - 1)]! * rest;
}
