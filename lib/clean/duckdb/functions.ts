import { crc32 } from 'node:zlib';
import {
  BIGINT,
  BOOLEAN,
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBScalarFunction,
  type DuckDBType,
  UINTEGER,
  VARCHAR,
} from '@duckdb/node-api';
import { isZoneName, parseInstant, type TimeReading } from '../../data/index.ts';
import { offsetFunction, offsetIn } from './zones.ts';

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
      return BigInt(offsetIn(String(zone), local ? 'local' : 'instant', Number(ms)));
    }),
  );
  for (const kind of ['instant', 'local'] as const) connection.registerScalarFunction(offsetFunction(kind));
  for (const macro of MACROS) await connection.run(`CREATE MACRO ${macro}`);
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

/** What a text says beyond its milliseconds, in microseconds: `nj_instant` gives none. */
const beyond = (x: string) => `coalesce(epoch_us(TRY_CAST(${x} AS TIMESTAMP)) % 1000, 0)`;
const toInstant = (x: string) =>
  cast(x, 'TIMESTAMPTZ', (ms) => `make_timestamptz(${ms} * 1000 + ${beyond(x)})`);
/** Local time in the zone that naive times are read in. */
const castToLocal = cast('x', 'TIMESTAMP', (ms) => {
  const zone = `json_extract_string(reading, '$.zone')`;
  return `make_timestamp((${ms} + nj_offset(${zone}, ${ms}, false)) * 1000 + ${beyond('x')})`;
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
