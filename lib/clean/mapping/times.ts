import { DAY_MS, EPOCH_UNITS, type EpochUnit } from '../../data/index.ts';
import { fromLocal, quoteText, timeReadingText } from '../duckdb/index.ts';
import { Refusal } from '../errors.ts';
import { type Field, isDecimal, isFloat, isGiven, isInteger, isText } from './fields.ts';
import type { Reading } from './reading.ts';
import { rawText, trimmed, unlessMissing } from './texts.ts';

/** A point in time as SQL sees it: ms since 1970 UTC. */
export interface TimeSql {
  /** The stages behind the evaluating one. */
  readonly stages: readonly (readonly string[])[];
  /** BIGINT, NULL where there is no time. */
  readonly ms: string;
  /** Condition: something stood there. */
  readonly given: string;
  /** SQL text: the abbreviation of a zone at the end of the text, '' where there is none. */
  readonly abbreviation: string;
}

const CLOCK = String.raw`[T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?`;
/** Where a zone follows, DuckDB's casts want the seconds. */
const WITH_SECONDS = String.raw`[T ]\d{1,2}:\d{2}:\d{2}(\.\d+)?`;
const DAY = String.raw`\d{4}-\d{1,2}-\d{1,2}`;
/** A clock, a blank and three to five capitals: 10:00:00 BST. */
const ABBREVIATION = String.raw`\d ?([A-Z]{3,5})$`;

/**
 * Reads a field as a time. Text in the usual forms of ISO 8601 is read by DuckDB's own cast of what carries no zone, and the
 * offset added here; every other text goes row by row through `parseInstant`, which reads the usual forms in the same way.
 * TIMESTAMP and DATE without zone are local times in `reading.time.zone`; numbers count `reading.time.epoch` units, milliseconds
 * where it is not stated.
 * @param name of the column in the stages behind
 * @returns undefined for a type that is no time
 */
export function timeOf(field: Field, name: string, reading: Reading): TimeSql | undefined {
  const { type, text } = field;
  if (isText(type)) {
    return {
      stages: [
        [`${trimmed(rawText(field))} AS ${text}_raw`],
        [`${unlessMissing(`${text}_raw`, reading.missing)} AS ${text}`],
        [`epoch_ms(TRY_CAST(${text} AS TIMESTAMP)) AS ${name}_wall`],
        [`${instantOfText(text, `${name}_wall`, reading)} AS ${name}`],
      ],
      ms: name,
      given: `${text} IS NOT NULL`,
      abbreviation: `regexp_extract(${text}, '${ABBREVIATION}', 1)`,
    };
  }
  const stages = stagesOfType(field, name, reading);
  return stages && { stages, ms: name, given: isGiven(field), abbreviation: `''` };
}

/**
 * `timeOf` where nothing but a time will do.
 * @throws Refusal for a type that is no time
 */
export function needTime(field: Field, name: string, reading: Reading): TimeSql {
  const time = timeOf(field, name, reading);
  if (time) return time;
  throw new Refusal(
    `${field.path} gives ${field.type}, which is no time: ${field.expression}`,
    'give text, TIMESTAMP, TIMESTAMPTZ, DATE or a whole number of milliseconds since 1970',
  );
}

function stagesOfType({ type, value }: Field, name: string, { time, many }: Reading): string[][] | undefined {
  if (type === 'TIMESTAMP WITH TIME ZONE') {
    return [[`CASE WHEN isfinite(${value}) THEN epoch_ms(${value}) END AS ${name}`]];
  }
  if (type === 'DATE' || type.startsWith('TIMESTAMP')) {
    const naive = `TRY_CAST(${value} AS TIMESTAMP)`;
    return [
      [`CASE WHEN isfinite(${naive}) THEN epoch_ms(${naive}) END AS ${name}_local`],
      [`${fromLocal(time.zone, `${name}_local`, many)} AS ${name}`],
    ];
  }
  const unit = time.epoch ?? 'ms';
  const ms = isInteger(type)
    ? wholeMs(`${value}::HUGEINT`, unit)
    : isFloat(type) || isDecimal(type)
      ? `TRY_CAST(floor(TRY_CAST(${value} AS DOUBLE) * ${EPOCH_UNITS[unit]}) AS BIGINT)`
      : undefined;
  return ms === undefined ? undefined : [[`${ms} AS ${name}_ms`], [`${bounded(`${name}_ms`)} AS ${name}`]];
}

/** SQL: ms of a whole number of epoch units. */
function wholeMs(number: string, unit: EpochUnit): string {
  const factor = EPOCH_UNITS[unit];
  const ms = factor >= 1 ? `${number} * ${factor}` : `${number} // ${Math.round(1 / factor)}`;
  return `TRY_CAST(${ms} AS BIGINT)`;
}

/** The last millisecond of a calendar that JavaScript knows, 275760-09-13: what lies beyond is no time. */
const LAST_MS = 8_640_000_000_000_000;
const bounded = (ms: string) => `CASE WHEN ${ms} BETWEEN -${LAST_MS} AND ${LAST_MS} THEN ${ms} END`;

/**
 * SQL: ms of a text. DuckDB's TIMESTAMP cast reads the clock and drops what follows it; its TIMESTAMPTZ cast is sound where
 * an offset follows, and only asked then: names of zones are what it carries over to other rows.
 * @param wall column of the clock's ms
 */
function instantOfText(text: string, wall: string, { time, many }: Reading): string {
  const shaped = (zone: string) => `regexp_full_match(${text}, ${quoteText(`${DAY}${WITH_SECONDS}${zone}`)})`;
  const naive = `regexp_full_match(${text}, ${quoteText(`${DAY}(${CLOCK})?`)})`;
  const offset = String.raw` ?[+-](0\d|1[0-5]):?[0-5]\d`;
  const closed = String.raw`regexp_replace(${text}, ' ?([+-]\d{2}):?(\d{2})$', '\1:\2')`;
  const number = `TRY_CAST(${text} AS HUGEINT)`;
  const epoch = time.epoch
    ? `WHEN regexp_full_match(${text}, '[+-]?[0-9]+') THEN ${bounded(wholeMs(number, time.epoch))}`
    : '';
  return `CASE ${epoch}
    WHEN ends_with(${text}, 'Z') AND ${shaped('Z')} THEN ${wall}
    WHEN ${naive} THEN ${fromLocal(time.zone, wall, many)}
    WHEN ${shaped(' ?UTC')} THEN ${wall}
    WHEN ${shaped(offset)} THEN epoch_ms(TRY_CAST(${closed} AS TIMESTAMPTZ))
    ELSE nj_instant(${text}, ${quoteText(timeReadingText(time))}) END`;
}

/** SQL: shop day and hour of a local time (ms). Division rounds towards zero, and days before 1970 have no sales. */
export const dayOfLocal = (local: string): string => `(floor(${local} / ${DAY_MS}.0))::INTEGER`;
export const hourOfLocal = (local: string): string => `(floor(${local} / 3600000.0)::BIGINT % 24)::INTEGER`;
