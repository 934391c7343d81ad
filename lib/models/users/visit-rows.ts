import { VISIT_FIELDS } from '../candidates/index.ts';
import type { UserRows } from '../shared/index.ts';

/** Visits of a row that there is room for, in steps. */
const USUAL_LENGTHS = [8, 16, 32, 64, 128, 256, 512];

/** Last visits of rows as a network reads them. */
interface LastVisits {
  /** (count, length, VISIT_FIELDS), oldest first, zeros behind the last. */
  readonly ids: Int32Array;
  /** Visits of each row, at most `length`. */
  readonly counts: Int32Array;
  readonly length: number;
}

/** The visits cut to a usual length. @param longest places that the rows have */
export function cutVisits(rows: UserRows, longest: number): LastVisits {
  const length = usualLength(rows, longest);
  const counts = Int32Array.from(rows.visits, (visits) => Math.min(length, visits));
  return { ids: lastVisits(rows, longest, length), counts, length };
}

/** The smallest of the usual lengths that holds all visits of nine rows in ten: padding costs as much as visits. */
function usualLength(rows: UserRows, longest: number): number {
  const visits = Int32Array.from(rows.visits).sort();
  const most = visits[Math.floor(visits.length * 0.9)] ?? 1;
  return Math.min(longest, USUAL_LENGTHS.find((length) => length >= most) ?? longest);
}

/** Rows of visits cut to their last `length`. */
function lastVisits(rows: UserRows, from: number, length: number): Int32Array {
  if (length === from) return rows.visitIds;
  const out = new Int32Array(rows.count * length * VISIT_FIELDS);
  for (let row = 0; row < rows.count; row++) {
    const first = Math.max(0, rows.visits[row]! - length);
    const start = (row * from + first) * VISIT_FIELDS;
    const visits = Math.min(length, rows.visits[row]!);
    out.set(rows.visitIds.subarray(start, start + visits * VISIT_FIELDS), row * length * VISIT_FIELDS);
  }
  return out;
}
