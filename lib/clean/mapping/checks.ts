import type { Source } from '../../config/index.ts';
import { Refusal } from '../errors.ts';
import { type Field, isDecimal, isFloat, isInteger, shortName } from './fields.ts';
import { noNumber } from './numbers.ts';
import { type Check, type Flag, VALUE } from './table.ts';
import type { TimeSql } from './times.ts';

/** Built-in flags have the first bits, so that rules can be added behind them. */
export const BUILT_IN_FLAGS = ['absurd-amount', 'bot-like-day'] as const;
const MAX_FLAGS = 16;
/** Before this nobody sold on line: such times are defaults of broken clocks and empty fields. */
const FIRST_TIME = Date.UTC(1990, 0, 1);

const UNIT_HINT = ' (a number counts milliseconds since 1970 unless the setting epoch says s, us or ns)';

/** Placeholder in checks for the latest possible time of a drop's rows, in ms. */
export const LATEST = '$latest';

/** @param reason with `$` in the place of the value */
export function check(column: string, kind: string, when: string, reason: string, value?: string): Check {
  return { column, kind, when, reason, ...(value !== undefined && { value }) };
}

/** Rows on which an expression itself raised an error. */
export function failures(fields: readonly Field[]): Check[] {
  return fields.flatMap((field): Check[] => {
    if (field.failed === undefined) return [];
    const name = shortName(field.path);
    const reason = `${name}: its expression fails on ${VALUE}`;
    return [{ ...check(name, `${name}: expression fails`, field.failed, reason, field.inputs), plain: true }];
  });
}

/** An id that came through a float which cannot hold its digits. */
export function lostDigits(field: Field, lost: string): Check {
  const name = shortName(field.path);
  const reason = `${name}: ${VALUE} went through a float, which holds 15 digits or 7, and may have lost its last ones: export the column as text or as a whole number`;
  return check(name, `${name}: lost digits`, lost, reason, field.value);
}

/** A number that is given and is none, and one beyond its bound. */
export function numberChecks(field: Field, most: number): Check[] {
  const name = shortName(field.path);
  const far = `${name}: ${VALUE} is out of range: more than ${most.toLocaleString('en-GB')}`;
  return [
    check(name, `${name}: no number`, noNumber(field), `${name}: ${VALUE} is no number`, field.value),
    check(name, `${name}: out of range`, `abs(${field.number}) > ${most}`, far, field.value),
  ];
}

/** What a time must be: a time, from 1990 on, and no later than the drop and its tolerance. */
export function timeChecks(field: Field, { ms, given, abbreviation }: TimeSql, source: Source): Check[] {
  const name = shortName(field.path);
  const none = `${given} AND ${ms} IS NULL`;
  // Numbers that are far off are mostly counted in another unit.
  const unit = isInteger(field.type) || isFloat(field.type) || isDecimal(field.type) ? UNIT_HINT : '';
  const about = (kind: string, when: string, reason: string) =>
    check(name, `${name}: ${kind}`, when, `${name}: ${VALUE} ${reason}`, field.value);
  return [
    about(
      'zone abbreviation',
      `${none} AND ${abbreviation} <> ''`,
      `ends in the abbreviation of a zone, which means one zone here and another there: say which it is, timeZones: { BST: 'Europe/London' }`,
    ),
    about('no timestamp', none, 'is no timestamp'),
    ...(field.type === 'FLOAT'
      ? [
          about(
            'lost digits',
            `abs(${field.value}) >= ${2 ** 24}`,
            'went through a float of 7 digits: export it as a whole number',
          ),
        ]
      : []),
    about('before 1990', `${ms} < ${FIRST_TIME}`, `is before 1990${unit}`),
    about(
      'later than the drop',
      `${ms} > ${LATEST}`,
      `is later than the drop itself and its tolerance of ${source.toleranceHours} hours${unit}`,
    ),
  ];
}

/** A rule of the config, with its condition bound to the canonical columns. */
export interface BoundRule {
  readonly name: string;
  readonly action: 'flag' | 'quarantine';
  /** As the config has it. */
  readonly when: string;
  readonly sql: string;
}

/** The flags of a source's rules, and behind them those that a table has of its own. */
export function ruleFlags(rules: readonly BoundRule[], own: readonly Flag[] = []): Flag[] {
  const named = rules.filter(({ action }) => action === 'flag').map(({ name, sql }) => ({ name, when: sql }));
  const flags = [...named, ...own];
  if (flags.length + BUILT_IN_FLAGS.length > MAX_FLAGS) {
    throw new Refusal(
      `the source has ${named.length} flagging rules, more than the ${MAX_FLAGS - BUILT_IN_FLAGS.length - own.length} there is room for`,
      'join some of them with OR',
    );
  }
  return flags;
}

/** A rule that fails on a row does not say that the row is good: it is kept out, as where any other expression fails. */
export function ruleChecks(rules: readonly BoundRule[]): Check[] {
  return rules
    .filter(({ action }) => action === 'quarantine')
    .flatMap(({ name, when, sql }) => [
      check(
        'rules',
        `rule ${name}: fails`,
        `TRY({'v': ${sql}}) IS NULL`,
        `rule ${name} fails on this row: ${when}`,
      ),
      check('rules', `rule ${name}`, `TRY(${sql})`, `rule ${name}: ${when}`),
    ]);
}
