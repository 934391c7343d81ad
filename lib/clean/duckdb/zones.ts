import {
  BIGINT,
  DuckDBBigIntVector,
  type DuckDBDataChunk,
  DuckDBScalarFunction,
  INTEGER,
} from '@duckdb/node-api';
import { localTransitions, zoneRules } from '../../data/index.ts';

/** What is known of a time whose offset is asked for: the instant, or the local time as if it were UTC. */
type Given = 'instant' | 'local';

/** Offsets (ms) and the times (ms) that part them: `offsets[i]` holds below `borders[i]`. */
interface Spans {
  readonly borders: readonly number[];
  readonly offsets: readonly number[];
  /** Index of the last answer: rows of a file lie close in time, so it mostly holds the next. */
  last: number;
}

/** Zones that were asked for, by number: a number is read from a chunk of rows in a tenth of the time of a text. */
const zones: Record<Given, Spans>[] = [];
const zoneNumbers = new Map<string, number>();

function zoneNumber(zone: string): number {
  let number = zoneNumbers.get(zone);
  if (number === undefined) {
    const rules = zoneRules(zone);
    const { transitions, offsets } = rules;
    number =
      zones.push({
        instant: { borders: transitions, offsets, last: 0 },
        local: { borders: localTransitions(rules), offsets, last: 0 },
      }) - 1;
    zoneNumbers.set(zone, number);
  }
  return number;
}

function find(spans: Spans, ms: number): number {
  const { borders, offsets } = spans;
  let { last } = spans;
  while (last > 0 && ms < borders[last - 1]!) last--;
  while (last < borders.length && ms >= borders[last]!) last++;
  spans.last = last;
  return offsets[last]!;
}

/** A zone's offset from UTC (ms) at a time (ms). */
export function offsetIn(zone: string, given: Given, ms: number): number {
  return find(zones[zoneNumber(zone)]![given], ms);
}

/** SQL: the instant (ms) of a local time (ms, as if it were UTC), a column. See `instantOfLocal`. @param many see `offsetOf` */
export function fromLocal(zone: string, local: string, many: boolean): string {
  return `${local} - ${offsetOf(zone, 'local', local, many)}`;
}

/** SQL: the local time (ms, as if it were UTC) of an instant (ms), a column. @param many see `offsetOf` */
export function toLocal(zone: string, ms: string, many: boolean): string {
  return `${ms} + ${offsetOf(zone, 'instant', ms, many)}`;
}

/**
 * SQL: a zone's offset. DuckDB finds it by itself in a tree of comparisons, or asks a function of ours.
 * @param many whether so many rows are asked for that it pays to plan a tree of 60 years of clock changes: a call of the
 *   function costs a microsecond for each row, the tree some milliseconds in all
 */
function offsetOf(zone: string, given: Given, ms: string, many: boolean): string {
  const number = zoneNumber(zone);
  const spans = zones[number]![given];
  return many || spans.borders.length < 2
    ? tree(spans, ms, 0, spans.borders.length)
    : `nj_offset_of_${given}(${number}, ${ms})`;
}

/** Halves the spans from `low` to `high` until one is left. */
function tree(spans: Spans, ms: string, low: number, high: number): string {
  if (low === high) return `${spans.offsets[low]}`;
  const middle = (low + high) >> 1;
  const [below, above] = [tree(spans, ms, low, middle), tree(spans, ms, middle + 1, high)];
  return `CASE WHEN ${ms} < ${spans.borders[middle]} THEN ${below} ELSE ${above} END`;
}

/** `nj_offset_of_instant` and `nj_offset_of_local`: run over every row, so that they look at the columns' memory alone. */
export function offsetFunction(given: Given): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name: `nj_offset_of_${given}`,
    returnType: BIGINT,
    parameterTypes: [INTEGER, BIGINT],
    mainFunction: (_info, input: DuckDBDataChunk, output) => {
      if (input.rowCount === 0) return;
      const times = input.getColumnVector(1);
      const zone = zones[Number(input.getColumnVector(0).getItem(0))];
      if (!zone || !(times instanceof DuckDBBigIntVector) || !(output instanceof DuckDBBigIntVector)) {
        throw new TypeError(
          `nj_offset_of_${given} was called with a zone that is not known, or with no time`,
        );
      }
      for (let row = 0; row < input.rowCount; row++) {
        const ms = times.getItem(row);
        output.setItem(row, ms === null ? null : BigInt(find(zone[given], Number(ms))));
      }
      output.flush();
    },
  });
}
