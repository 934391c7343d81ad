import { crc32 } from 'node:zlib';
import {
  BIGINT,
  BOOLEAN,
  DuckDBBigIntVector,
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBScalarFunction,
  type DuckDBType,
  INTEGER,
  UINTEGER,
  VARCHAR,
} from '@duckdb/node-api';
import { isZoneName, localTransitions, parseInstant, type TimeReading, zoneRules } from '../../data/index.ts';

/**
 * Functions of our own in SQL. `crc32(text)`, `param(params, name)` and `entities(contexts, schema)` are for mappings. The
 * others read times by the zones that Node knows, row by
 * row: DuckDB's own cast of text to TIMESTAMPTZ carries a zone's name over to the rows behind it, and takes 'BST' for
 * Bangladesh.
 */
export async function addFunctions(connection: DuckDBConnection): Promise<void> {
  connection.registerScalarFunction(
    rowFunction('crc32', UINTEGER, [VARCHAR], ([text]) => (typeof text === 'string' ? crc32(text) : null)),
  );
  connection.registerScalarFunction(
    rowFunction('nj_instant', BIGINT, [VARCHAR, VARCHAR], ([text, reading]) => {
      const instant = parseInstant(String(text), readingOf(String(reading)));
      return instant === undefined ? null : BigInt(instant);
    }),
  );
  connection.registerScalarFunction(
    rowFunction('nj_offset', BIGINT, [VARCHAR, BIGINT, BOOLEAN], ([zone, ms, local]) => {
      if (!isZoneName(String(zone))) return null;
      return zones[zoneNumber(String(zone))]![local ? 'local' : 'instant'](Number(ms));
    }),
  );
  for (const kind of ['instant', 'local'] as const) connection.registerScalarFunction(offsetFunction(kind));
  for (const macro of MACROS) await connection.run(`CREATE MACRO ${macro}`);
}

interface ZoneOffsets {
  /** Offset (ms) at an instant (ms). */
  readonly instant: (ms: number) => bigint;
  /** Offset (ms) by which the instant of a local time (ms, as if it were UTC) is found. */
  readonly local: (ms: number) => bigint;
}

/** Zones that were asked for, by number: a number is read from a chunk of rows in a tenth of the time of a text. */
const zones: ZoneOffsets[] = [];
const zoneNumbers = new Map<string, number>();

function zoneNumber(zone: string): number {
  let number = zoneNumbers.get(zone);
  if (number === undefined) {
    const rules = zoneRules(zone);
    number =
      zones.push({
        instant: offsetFinder(rules.transitions, rules.offsets),
        local: offsetFinder(localTransitions(rules), rules.offsets),
      }) - 1;
    zoneNumbers.set(zone, number);
  }
  return number;
}

/** Rows of a file lie close in time: the span of the last answer mostly holds the next. */
function offsetFinder(borders: readonly number[], offsets: readonly number[]): (ms: number) => bigint {
  const answers = offsets.map(BigInt);
  let span = 0;
  return (ms) => {
    while (span > 0 && ms < borders[span - 1]!) span--;
    while (span < borders.length && ms >= borders[span]!) span++;
    return answers[span]!;
  };
}

/** SQL: the instant (ms) of a local time (ms, as if it were UTC). See `instantOfLocal`. */
export function fromLocal(zone: string, local: string): string {
  return `${local} - nj_offset_of_local(${zoneNumber(zone)}, ${local})`;
}

/** SQL: the local time (ms, as if it were UTC) of an instant (ms). */
export function toLocal(zone: string, ms: string): string {
  return `${ms} + nj_offset_of_instant(${zoneNumber(zone)}, ${ms})`;
}

/** The second argument of `nj_instant` and of the casts below. */
export function timeReadingText(reading: TimeReading): string {
  return JSON.stringify(reading);
}

const readings = new Map<string, TimeReading>();

function readingOf(text: string): TimeReading {
  let reading = readings.get(text);
  if (!reading) readings.set(text, (reading = JSON.parse(text)));
  return reading!;
}

/**
 * A value for the instant of a text `x`. Where there is none a cast fails, as casts do, or gives NULL where it is not
 * `strict`, as TRY_CAST does.
 */
function cast(x: string, type: string, value: (instant: string) => string): string {
  const instant = `nj_instant(${x}, reading)`;
  return `CASE WHEN ${x} IS NULL THEN NULL::${type} WHEN ${instant} IS NOT NULL THEN ${value(instant)}
    WHEN strict THEN CAST(${x} || ' is no timestamp' AS TIMESTAMP)::${type} END`;
}

const toInstant = (x: string) => cast(x, 'TIMESTAMPTZ', (ms) => `make_timestamptz(${ms} * 1000)`);
/** Local time in the zone that naive times are read in. */
const castToLocal = cast('x', 'TIMESTAMP', (ms) => {
  const zone = `json_extract_string(reading, '$.zone')`;
  return `make_timestamp((${ms} + nj_offset(${zone}, ${ms}, false)) * 1000)`;
});

/** SQL: the members of a JSON list in a text, or of a list of parquet, each as JSON; NULL where there is none. */
const members = (list: string) => `from_json(TRY_CAST(${list} AS JSON), '["JSON"]')`;

/** What an analytics export holds as a list of names and values, in lines of JSON and in parquet alike. */
const FOR_MAPPINGS: readonly string[] = [
  // GA4 writes a parameter's value under the name of its type, and leaves the others out or NULL.
  `nj_param_value(one) AS coalesce(${['string', 'int', 'double', 'float']
    .map((type) => `json_extract_string(one, '$.value.${type}_value')`)
    .join(', ')})`,
  `param(params, name) AS
     nj_param_value(list_filter(${members('params')}, lambda one: json_extract_string(one, '$.key') = name)[1])`,
  // Snowplow's contexts: {"schema": …, "data": [{"schema": "iglu:vendor/name/jsonschema/1-0-0", "data": {…}}]}
  `entities(contexts, schema) AS (list_transform(
     list_filter(
       ${members(`json_extract(TRY_CAST(contexts AS JSON), '$.data')`)},
       lambda one: starts_with(json_extract_string(one, '$.schema'), 'iglu:' || schema || '/')),
     lambda one: json_extract(one, '$.data')))::JSON[]`,
];

const MACROS: readonly string[] = [
  ...FOR_MAPPINGS,
  `nj_timestamptz(x VARCHAR, reading, strict) AS ${toInstant('x')},
   (x TIMESTAMP, reading, strict) AS ${toInstant('x::VARCHAR')},
   (x DATE, reading, strict) AS ${toInstant('x::VARCHAR')},
   (x TIMESTAMPTZ, reading, strict) AS x`,
  `nj_timestamp(x VARCHAR, reading, strict) AS ${castToLocal}`,
  `nj_date(x VARCHAR, reading, strict) AS (${castToLocal})::DATE`,
  `nj_timezone(zone VARCHAR, x TIMESTAMP) AS make_timestamptz(epoch_us(x) - nj_offset(zone, epoch_ms(x), true) * 1000),
   (zone VARCHAR, x TIMESTAMPTZ) AS make_timestamp(epoch_us(x) + nj_offset(zone, epoch_ms(x), false) * 1000)`,
];

/** `nj_offset_of_instant` and `nj_offset_of_local`: run over every row, so that they look at the columns' memory alone. */
function offsetFunction(kind: 'instant' | 'local'): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name: `nj_offset_of_${kind}`,
    returnType: BIGINT,
    parameterTypes: [INTEGER, BIGINT],
    mainFunction: (_info, input: DuckDBDataChunk, output) => {
      if (input.rowCount === 0) return;
      const times = input.getColumnVector(1);
      const zone = zones[Number(input.getColumnVector(0).getItem(0))];
      if (!zone || !(times instanceof DuckDBBigIntVector) || !(output instanceof DuckDBBigIntVector)) {
        throw new TypeError(`nj_offset_of_${kind} was called with a zone that is not known, or with no time`);
      }
      const find = zone[kind];
      for (let row = 0; row < input.rowCount; row++) {
        const ms = times.getItem(row);
        output.setItem(row, ms === null ? null : find(Number(ms)));
      }
      output.flush();
    },
  });
}

type Value = string | number | bigint | boolean | null;

/** A function of one row's values, NULL where one of them is. */
function rowFunction(
  name: string,
  returnType: DuckDBType,
  parameterTypes: readonly DuckDBType[],
  compute: (values: unknown[]) => Value,
): DuckDBScalarFunction {
  return DuckDBScalarFunction.create({
    name,
    returnType,
    parameterTypes,
    mainFunction: (_info, input: DuckDBDataChunk, output) => {
      const columns = parameterTypes.map((_, i) => input.getColumnVector(i));
      for (let row = 0; row < input.rowCount; row++) {
        const values = columns.map((column) => column.getItem(row));
        output.setItem(row, values.some((value) => value === null) ? null : compute(values));
      }
      output.flush();
    },
  });
}
