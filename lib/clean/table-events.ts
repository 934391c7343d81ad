import type { Source } from '../config/index.ts';
import { EVENT_TYPES } from '../data/index.ts';
import { quoteIdentifier, quoteText } from './engine.ts';
import { Refusal } from './errors.ts';
import { type Field, instantOf, noNumber, show, textOf, typedNumber } from './expressions.ts';
import type { Check, Flag, Output, TablePlan } from './table.ts';

type EventSource = Extract<Source, { table: 'events' }>;

export interface EventContext {
  readonly sourceName: string;
  /** Of naive times. */
  readonly zone: string;
  /** Of shop days. */
  readonly shopZone: string;
}

/** Money beyond this many minor units (2^53 - 1) is no longer exact in a double. */
const MAX_MONEY = Number.MAX_SAFE_INTEGER;
/** Before this nobody sold on line: such times are defaults of broken clocks and empty fields. */
const FIRST_TIME = Date.UTC(1990, 0, 1);

/** Placeholder in checks for the latest possible time of a drop's events, in ms. */
export const LATEST = '$latest';

/** Built-in flags have the first bits, so that rules can be added behind them. */
export const BUILT_IN_FLAGS = ['absurd-amount', 'bot-like-day'] as const;

/** The plan of the table `events`. */
export function planEvents(
  source: EventSource,
  fields: ReadonlyMap<string, Field>,
  context: EventContext,
): TablePlan {
  const field = (name: string) => fields.get(`columns.${name}`);
  const need = (name: string) => {
    const found = field(name);
    if (!found) throw new Refusal(`columns.${name} is missing`, 'map it in the config');
    return found;
  };
  const [user, time, type] = [need('user'), need('time'), need('type')];
  const [item, session, text] = [field('item'), field('session'), field('text')];
  const [quantity, price, amount] = [field('quantity'), field('price'), field('amount')];
  const instant = instantOf(time, context.zone);
  if (!instant) {
    throw new Refusal(
      `columns.time gives ${time.type}, which is no time: ${time.expression}`,
      'give text, TIMESTAMP, TIMESTAMPTZ, DATE or a whole number of milliseconds since 1970',
    );
  }
  const numbers = [quantity, price, amount].filter((number) => number !== undefined);
  const none = 'NULL::VARCHAR';
  const typed = [
    `nullif(trim(${textOf(user)}, E' \\t\\r\\n'), '') AS "user"`,
    `${instant} AS nj_instant`,
    `${textOf(time)} IS NOT NULL AS nj_timed`,
    `trim(${textOf(type)}) AS "type"`,
    `${item ? textOf(item) : none} AS "item"`,
    `${session ? textOf(session) : none} AS "session"`,
    `${text ? textOf(text) : none} AS "text"`,
    ...numbers.flatMap(typedNumber),
  ];
  const byPrice = price ? `"quantity" * ${price.number}` : 'NULL::DOUBLE';
  const finite = [
    `CASE WHEN isfinite(nj_instant) THEN nj_instant END AS "time"`,
    `${quantity ? `coalesce(${quantity.number}, 1)` : '1::DOUBLE'} AS "quantity"`,
    `${price ? `round(${price.number} * 100)` : 'NULL::DOUBLE'} AS nj_price`,
  ];
  const local = [
    `epoch_ms("time") AS nj_ms`,
    `timezone(${quoteText(context.shopZone)}, "time") AS nj_local`,
    `round(${amount ? `coalesce(${amount.number}, ${byPrice})` : byPrice} * 100) AS nj_amount`,
  ];
  const money = (sql: string) => `CASE WHEN abs(${sql}) <= ${MAX_MONEY} THEN ${sql}::BIGINT END`;
  const derived = [
    `(nj_local::DATE - DATE '1970-01-01')::INTEGER AS "day"`,
    `hour(nj_local)::INTEGER AS "hour"`,
    `${money('nj_price')} AS "price"`,
    `coalesce(${money('nj_amount')}, 0) AS "amount"`,
  ];
  const checks: Check[] = [
    ...failures([...fields.values()]),
    check('user', 'no user', `"user" IS NULL`, `'no user'`),
    check('time', 'no time', 'NOT nj_timed', `'no time'`),
    check(
      'time',
      'time: no timestamp',
      `"time" IS NULL`,
      `'time: ' || ${show(time.value)} || ' is no timestamp'`,
    ),
    check(
      'time',
      'time: before 1990',
      `nj_ms < ${FIRST_TIME}`,
      `'time: ' || ${show(time.value)} || ' is before 1990'`,
    ),
    check(
      'time',
      'time: later than the drop',
      `nj_ms > ${LATEST}`,
      `'time: ' || ${show(time.value)} || ' is later than the drop itself and its tolerance of ${source.toleranceHours} hours'`,
    ),
    check('type', 'no type', `"type" IS NULL`, `'no type'`),
    check(
      'type',
      'type: unknown',
      `"type" NOT IN (${EVENT_TYPES.map(quoteText).join(', ')})`,
      `'type: ' || ${show(type.value)} || ' is none of ${EVENT_TYPES.join(', ')}'`,
    ),
    ...numbers.map(notANumber),
    ...(price ? [tooMuch('price', 'nj_price', price)] : []),
    ...(amount || price ? [tooMuch('amount', 'nj_amount', amount ?? price)] : []),
  ];
  const flags = ruleFlags(source);
  const key = source.key?.map((column) => `${quoteIdentifier(column)}::VARCHAR`) ?? [];
  const outputs: Output[] = [
    output('time', 'nj_ms', 'instant'),
    output('day', '"day"', 'int32'),
    output('hour', '"hour"', 'uint8'),
    output(
      'type',
      `TRY_CAST(list_position([${EVENT_TYPES.map(quoteText).join(', ')}], "type") - 1 AS UTINYINT)`,
      'uint8',
    ),
    output('item', '"item"', 'text', true),
    output('quantity', '"quantity"', 'double'),
    output('price', '"price"', 'int64', true),
    output('amount', '"amount"', 'int64'),
    output('session', '"session"', 'text', true),
    output('text', '"text"', 'text', true),
    output('id', 'nj_id', 'text', true),
    output('flags', 'nj_flags', 'uint16'),
  ];
  return {
    evaluated: [
      ...[...fields.values()].map(({ evaluated }) => evaluated),
      identityOf(context.sourceName, key),
    ],
    stages: [typed, finite, local, derived],
    checks: [...checks, ...ruleChecks(source)],
    flags,
    outputs,
    order: outputs.map(({ name }) => name).filter((name) => name !== 'day' && name !== 'hour'),
    subject: 'user',
  };
}

/**
 * 16 hex digits of MD5 over the source's name and its key values: equal for the same event in whatever drop. NULL
 * without key columns, or where all of them are NULL.
 */
function identityOf(sourceName: string, key: readonly string[]): string {
  if (key.length === 0) return 'NULL::VARCHAR AS nj_id';
  const values = `to_json([${[quoteText(sourceName), ...key].join(', ')}])::VARCHAR`;
  return `CASE WHEN coalesce(${key.join(', ')}) IS NOT NULL THEN left(md5(${values}), 16) END AS nj_id`;
}

function check(column: string, kind: string, when: string, reason: string): Check {
  return { column, kind, when, reason };
}

function output(name: string, sql: string, type: Output['type'], nullable = false): Output {
  return { name, sql, type, nullable };
}

function tooMuch(name: string, sql: string, field: Field | undefined): Check {
  const value = field ? show(field.value) : `''`;
  return check(
    name,
    `${name}: out of range`,
    `abs(${sql}) > ${MAX_MONEY} OR isnan(${sql})`,
    `'${name}: ' || ${value} || ' is more than can be counted in minor units'`,
  );
}

/** A number that is given and is none. */
export function notANumber(field: Field): Check {
  const name = shortName(field.name);
  return check(
    name,
    `${name}: no number`,
    noNumber(field),
    `${quoteText(`${name}: `)} || ${show(field.value)} || ' is no number'`,
  );
}

/** Rows on which an expression itself raised an error. */
export function failures(fields: readonly Field[]): Check[] {
  return fields.flatMap((field) => {
    if (field.failed === undefined) return [];
    const name = shortName(field.name);
    const why = `${quoteText(`${name}: its expression fails on `)} || ${field.inputs}`;
    return [check(name, `${name}: expression fails`, field.failed, why)];
  });
}

/** 'columns.time' is 'time' to the reader of a reason; 'attributes.numbers.age' is 'numbers.age'. */
export function shortName(path: string): string {
  return path.replace(/^(columns|attributes)\./, '');
}

const MAX_FLAGS = 16;

/** The flags of a source's rules, and behind them those that a table has of its own. */
export function ruleFlags(source: Source, own: readonly Flag[] = []): Flag[] {
  const rules = source.rules
    .filter(({ action }) => action === 'flag')
    .map(({ name, when }) => ({ name, when }));
  const flags = [...rules, ...own];
  if (flags.length + BUILT_IN_FLAGS.length > MAX_FLAGS) {
    throw new Refusal(
      `the source has ${rules.length} flagging rules, more than the ${MAX_FLAGS - BUILT_IN_FLAGS.length - own.length} there is room for`,
      'join some of them with OR',
    );
  }
  return flags;
}

export function ruleChecks(source: Source): Check[] {
  return source.rules
    .filter(({ action }) => action === 'quarantine')
    .map(({ name, when }) => ({
      column: 'rules',
      kind: `rule ${name}`,
      when: `TRY((${when}\n)::BOOLEAN)`,
      reason: quoteText(`rule ${name}: ${when}`),
    }));
}
