import { Refusal } from '../errors.ts';
import { check } from './checks.ts';
import { type Field, isDecimal, isFloat, isGiven, isInteger, isText } from './fields.ts';
import { numberOf } from './numbers.ts';
import type { Reading } from './reading.ts';
import { type Check, type Output, type TablePlan, VALUE } from './table.ts';
import { timeOf } from './times.ts';

/** What says which of an event's versions is the newest, as part of a plan; nothing where the source does not say. */
export interface VersionColumns {
  readonly stages: readonly (readonly string[])[];
  readonly checks: readonly Check[];
  readonly outputs: readonly Output[];
}

/**
 * The expression of `newestBy` as the column `version`: a number as it is, a time as ms since 1970. Text is a number where
 * it reads as one, else a time.
 * @throws Refusal for a type that is neither
 */
export function versionColumns(field: Field | undefined, reading: Reading): VersionColumns {
  if (!field) return { stages: [], checks: [], outputs: [] };
  const { type, value, text } = field;
  const isNumber = isInteger(type) || isFloat(type) || isDecimal(type);
  const instant = isNumber ? undefined : timeOf(field, 'version_time', reading);
  if (!isNumber && !instant) {
    throw new Refusal(
      `newestBy gives ${type}, which cannot be ordered: ${field.expression}`,
      'give a number, or a time as text, TIMESTAMP, TIMESTAMPTZ or DATE',
    );
  }
  const number = isText(type)
    ? numberOf(field, reading.number)
    : isNumber
      ? `CASE WHEN ${isGiven(field)} THEN (${value})::DOUBLE END`
      : 'NULL::DOUBLE';
  // Milliseconds and what is beyond them: versions of one millisecond are told apart.
  const micros = isText(type)
    ? `TRY_CAST(rpad(regexp_extract(${text}, ':[0-9]{2}[.,][0-9]{3}([0-9]{1,3})', 1), 3, '0') AS BIGINT)`
    : `TRY(epoch_us(${value})) % 1000`;
  const version = instant ? `coalesce(${number}, ${instant.ms} + coalesce(${micros}, 0) / 1000.0)` : number;
  const given = instant?.given ?? isGiven(field);
  return {
    stages: [...(instant?.stages ?? []), [`${version} AS v_version`]],
    checks: [
      check(
        'newestBy',
        'newestBy: no number and no time',
        `(${given}) AND (v_version IS NULL OR NOT isfinite(v_version))`,
        `newestBy: ${VALUE} is no number and no time`,
        value,
      ),
      check(
        'newestBy',
        'newestBy: lost digits',
        `abs(v_version) >= ${2 ** 53}`,
        `newestBy: ${VALUE} has more digits than the 15 that are compared: give a shorter number or a time`,
        value,
      ),
    ],
    outputs: [{ name: 'version', sql: 'v_version', type: 'double', nullable: true }],
  };
}

/** Terms that put the newest of equal rows of one drop first; none where nothing but the drop says so. */
export function newestFirst({ outputs }: TablePlan): string {
  return outputs.some(({ name }) => name === 'version') ? 'o_version DESC NULLS LAST, ' : '';
}
